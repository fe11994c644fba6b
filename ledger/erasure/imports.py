"""What imports keep of a form outside of the log: files, reports, results of rows.

The entry of a form says which job brought it (``details["job"]``) and as which record.
An erasure follows that to the files that were uploaded; files whose rows made no form,
such as those of dry runs, nobody can find by a case, and administrators drop them one
by one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import orjson
from sqlalchemy import bindparam, null, select, update

from ledger.bodies import present_blobs
from ledger.entry import Attachment
from ledger.erasure.traces import Changed, drop_files, kept_elsewhere, rewritten
from ledger.forms.redaction import SHORTEST
from ledger.jobs.values import Job
from ledger.storage.connection import Statement
from ledger.storage.dialect import in_list
from ledger.store import Reader, Writer
from ledger.tables import import_rows, jobs

_SHOWN = frozenset({"sample", "samples", "candidates", "value", "values"})
"""Under these names a report repeats what stood in a file."""

_LONGEST_SAMPLE = 100
_ROWS_AT_ONCE = 5_000

_OPTIONS = Statement(
    select(jobs.c.job_id, jobs.c.options).where(
        jobs.c.domain == bindparam("domain"), in_list(jobs.c.job_id, "job_ids")
    )
)
_REPORTS = Statement(
    select(jobs.c.job_id, jobs.c.progress, jobs.c.result).where(
        jobs.c.domain == bindparam("domain")
    )
)
_SET_REPORT = Statement(
    update(jobs)
    .where(jobs.c.domain == bindparam("d"), jobs.c.job_id == bindparam("j"))
    .values(progress=bindparam("so_far"), result=bindparam("outcome"))
)
_TOLD = Statement(
    select(import_rows.c.api, import_rows.c.record, import_rows.c.messages)
    .add_columns(import_rows.c.shown)
    .where(
        import_rows.c.domain == bindparam("domain"),
        import_rows.c.job_id == bindparam("of_job"),
        import_rows.c.record > bindparam("after"),
    )
    .order_by(import_rows.c.record)
    .limit(_ROWS_AT_ONCE)
)
_FORGET_ROW = Statement(
    update(import_rows)
    .where(
        import_rows.c.domain == bindparam("d"),
        import_rows.c.api == bindparam("a"),
        import_rows.c.job_id == bindparam("j"),
        import_rows.c.record == bindparam("n"),
    )
    .values(messages="[]", shown=null())
)


def import_files_of(r: Reader, changed: Changed) -> dict[str, Attachment]:
    """Return the files of the imports that brought redacted forms, by digest.

    Not bytes that the log still needs as an attachment.
    """
    rows = r.conn.rows(_OPTIONS, domain=r.domain, job_ids=list(_records(changed)))
    found = [file for _, text in rows for file in _files(orjson.loads(text))]
    return _droppable(r, changed, found)


def forget_imports(w: Writer, changed: Changed) -> None:
    """Blank what imports tell of the values of forms that were redacted.

    Reports and rows of those that brought one of the forms lose all samples; those of
    others lose what shows a text that went. Ids stay.
    """
    texts = {t for _, left in changed.values() for t in left.texts}
    records = _records(changed)
    shows = _showing(texts)
    for job_id, progress, result in w.conn.rows(_REPORTS, domain=w.domain):
        wanted = (lambda _: True) if job_id in records else shows
        _forget_report(w, job_id, (progress, result), wanted)
    for job_id, known in records.items():
        _forget_rows(w, job_id, known, shows)


def drop_import_files(w: Writer, job: Job) -> int:
    """Drop the files of an import and what its report shows of them; return how many.

    Bytes that the log needs as an attachment stay. Another import of the same bytes
    loses them too.
    """
    gone = _droppable(w, {}, list(_files(job.options)))
    drop_files(w, gone)
    told = (orjson.dumps(job.progress).decode(), _dumped(job.result))
    _forget_report(w, job.job_id, told, lambda _: True)
    _forget_rows(w, job.job_id, (), lambda _: True)
    return len(gone)


def _records(changed: Changed) -> dict[str, set[int]]:
    """Return the records of redacted forms by the job that brought them."""
    found: dict[str, set[int]] = {}
    for entry, _ in changed.values():
        job_id, record = entry.details.get("job"), entry.details.get("record")
        if isinstance(job_id, str):
            found.setdefault(job_id, set())
            if isinstance(record, int):
                found[job_id].add(record)
    return found


def _files(options: Mapping[str, Any]) -> Iterator[Attachment]:
    """Yield the files that a job was given."""
    one, several = options.get("file"), options.get("files")
    given = [one] if isinstance(one, dict) else []
    given += several if isinstance(several, list) else []
    for file in given:
        if isinstance(file.get("sha256"), str):
            yield Attachment(
                name=str(file.get("name", "")),
                content_type="",
                sha256=file["sha256"],
                length=int(file.get("length", 0)),
            )


def _droppable(
    r: Reader, changed: Changed, files: Collection[Attachment]
) -> dict[str, Attachment]:
    if not files:
        return {}
    digests = present_blobs(r, [file.sha256 for file in files])
    kept = kept_elsewhere(r, changed, digests) if digests else set()
    return {file.sha256: file for file in files if file.sha256 in digests - kept}


def _forget_report(
    w: Writer,
    job_id: str,
    told: tuple[str | None, str | None],
    shows: Callable[[str], bool],
) -> None:
    def blank(found: dict[str, Any]) -> dict[str, Any]:
        return {
            name: None if name in _SHOWN and shows(_text_of(value)) else value
            for name, value in found.items()
        }

    left = tuple(rewritten(text, blank) for text in told)
    if left != told:
        so_far, outcome = left
        w.conn.run(_SET_REPORT, d=w.domain, j=job_id, so_far=so_far, outcome=outcome)


def _forget_rows(
    w: Writer, job_id: str, records: Collection[int], shows: Callable[[str], bool]
) -> None:
    """Blank what was told of records: of these, and of all that show a text."""
    after = -1
    while rows := w.conn.rows(_TOLD, domain=w.domain, of_job=job_id, after=after):
        for api, record, messages, shown in rows:
            after = record
            told = f"{messages}\n{shown or ''}"
            if record in records or shows(told):
                w.conn.run(_FORGET_ROW, d=w.domain, a=api, j=job_id, n=record)


def _showing(texts: Collection[str]) -> Callable[[str], bool]:
    """Return what tells whether one of the texts, or its beginning, is shown."""
    begins = {t[:_LONGEST_SAMPLE] for t in texts if len(t) >= SHORTEST}
    written = begins | {orjson.dumps(t).decode()[1:-1] for t in begins}
    return lambda told: any(t in told for t in written)


def _text_of(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else orjson.dumps(value).decode()


def _dumped(value: Mapping[str, Any] | None) -> str | None:
    return None if value is None else orjson.dumps(value).decode()
