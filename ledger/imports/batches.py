"""Batches of files and the control files that say how they are read.

``rules/batch-imports.md`` 1.1 and 1.3. A batch is filled, then started once: from
there it goes on as the job that has its identifier, and its state is that of the job.
The bytes of control files and of data files are blobs.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Any

import orjson
from sqlalchemy import and_, bindparam, func, or_, select, update

from ledger.bodies import put_blobs
from ledger.entry import Author, Upload
from ledger.errors import Conflict, NotFound
from ledger.forms.names import is_legal
from ledger.ids import new_token
from ledger.imports.values import Batch, BatchFile, BatchState, ControlFile, NewFile
from ledger.jobs import queue as job_rows
from ledger.jobs.values import ENDED, Job, JobState
from ledger.stated import state as state_rows
from ledger.storage.connection import Statement
from ledger.storage.dialect import Row
from ledger.store import Reader, Writer
from ledger.tables import batch_controls, batch_files, batches, jobs
from ledger.times import Micros

_OCTETS = "application/octet-stream"


_STARTED = "started"
_OF_JOB = {
    JobState.QUEUED: BatchState.SCHEDULED,
    JobState.RUNNING: BatchState.RUNNING,
    JobState.DONE: BatchState.COMPLETE,
    JobState.FAILED: BatchState.ERROR,
    JobState.CANCELLED: BatchState.ERROR,
    JobState.INTERRUPTED: BatchState.ERROR,
}


_THIS = (
    batches.c.domain == bindparam("domain"),
    batches.c.identifier == bindparam("of_batch"),
)
_OWN_JOB = and_(
    jobs.c.domain == batches.c.domain, jobs.c.job_id == batches.c.identifier
)
_COLUMNS = (*batches.c, jobs.c.state, jobs.c.options, jobs.c.progress)
_ONE = Statement(
    select(*_COLUMNS).select_from(batches.outerjoin(jobs, _OWN_JOB)).where(*_THIS)
)
_START = Statement(
    update(batches)
    .where(
        batches.c.domain == bindparam("of_domain"),
        batches.c.identifier == bindparam("of_batch"),
    )
    .values(state=_STARTED)
)
_FILES = Statement(
    select(*batch_files.c)
    .where(
        batch_files.c.domain == bindparam("domain"),
        batch_files.c.identifier == bindparam("of_batch"),
    )
    .order_by(batch_files.c.place)
)
_LAST_PLACE = Statement(
    select(func.max(batch_files.c.place)).where(
        batch_files.c.domain == bindparam("domain"),
        batch_files.c.identifier == bindparam("of_batch"),
    )
)
_CONTROLS_OF = Statement(
    select(*batch_controls.c)
    .where(
        batch_controls.c.domain == bindparam("domain"),
        batch_controls.c.digest == bindparam("digest"),
    )
    .order_by(batch_controls.c.number)
)

# -- control files -----------------------------------------------------------


def put_control(
    w: Writer, content: bytes, *, comment: str, author: Author, now: Micros
) -> ControlFile:
    """Keep a control file; the same bytes under the same comment are kept once."""
    digest = sha256(content).hexdigest()
    known = _controls_of(w, digest)
    same = [control for control in known if control.comment == comment]
    if same:
        return same[0]
    put_blobs(w, [_upload(digest, content)])
    control = ControlFile(
        digest=digest,
        number=len(known),
        comment=comment,
        size=len(content),
        user_id=author.user_id,
        created_on=now,
    )
    row = (w.domain, digest, control.number, comment, len(content), author.user_id, now)
    w.conn.insert(batch_controls, [row])
    return control


def get_control(r: Reader, digest: str) -> ControlFile:
    """Return a control file under its latest comment; raises ``NotFound``.

    Served by the primary key.
    """
    known = _controls_of(r, digest)
    if not known:
        raise NotFound(f"Control file not found: {digest}")
    return known[-1]


def list_controls(
    r: Reader, *, limit: int, before: tuple[Micros, str] | None = None
) -> list[ControlFile]:
    """Return the newest control files, behind the time and digest of a page's last.

    Served by ``ix_batch_controls_created``.
    """
    params = _behind(before)
    rows = r.conn.rows(
        _controls_page(behind=before is not None),
        domain=r.domain,
        limit=limit,
        **params,
    )
    return [_control(row) for row in rows]


# -- batches -----------------------------------------------------------------


def create_batch(
    w: Writer,
    control: ControlFile,
    *,
    comment: str,
    author: Author,
    now: Micros,
    state: BatchState = BatchState.UPLOADING,
) -> Batch:
    """Add an empty batch, which is to be read as the control file says."""
    batch = Batch(
        identifier=new_token(),
        control_digest=control.digest,
        control_comment=control.comment,
        comment=comment,
        user_id=author.user_id,
        created_on=now,
        state=state,
        errors=None,
    )
    w.conn.insert(batches, [_batch_row(w, batch, state.value)])
    return batch


def copy_batch(w: Writer, identifier: str, *, author: Author, now: Micros) -> Batch:
    """Add a batch of the same control file and files (rule 1.3a).

    Raises ``NotFound``.
    """
    found = get_batch(w, identifier)
    files = files_of(w, identifier)
    made = create_batch(
        w,
        get_control(w, found.control_digest),
        comment=f"{found.comment} (copy)",
        author=author,
        now=now,
        state=BatchState.READY,
    )
    w.conn.insert(
        batch_files,
        [_file_row(w, made.identifier, place, f) for place, f in enumerate(files)],
    )
    return made


def get_batch(r: Reader, identifier: str) -> Batch:
    """Return a batch as it stands; raises ``NotFound``. Served by the primary keys."""
    legal = is_legal(identifier)
    row = r.conn.row(_ONE, domain=r.domain, of_batch=identifier) if legal else None
    if row is None:
        raise NotFound(f"Batch not found: {identifier}")
    return _batch(row)


def list_batches(
    r: Reader, *, limit: int, before: tuple[Micros, str] | None = None
) -> list[Batch]:
    """Return the newest batches, behind the time and identifier of a page's last one.

    Served by ``ix_batches_created`` and the primary key of the jobs.
    """
    params = _behind(before)
    rows = r.conn.rows(
        _batches_page(behind=before is not None), domain=r.domain, limit=limit, **params
    )
    return [_batch(row) for row in rows]


def add_files(
    w: Writer, identifier: str, files: Sequence[NewFile], *, state: BatchState
) -> list[BatchFile]:
    """Add files behind those that a batch has, whose bytes are kept as blobs.

    Raises ``NotFound``, and ``Conflict`` for a batch that is in another state.
    """
    _require(get_batch(w, identifier), state)
    kept = put_blobs(w, [_upload(file.file_name, file.content) for file in files])
    last = w.conn.value(_LAST_PLACE, domain=w.domain, of_batch=identifier)
    first = 0 if last is None else last + 1
    added = [
        BatchFile(
            name=file.name,
            digest=blob.sha256,
            size=blob.length,
            file_name=file.file_name,
        )
        for file, blob in zip(files, kept, strict=True)
    ]
    w.conn.insert(
        batch_files,
        [_file_row(w, identifier, place, f) for place, f in enumerate(added, first)],
    )
    return added


def files_of(r: Reader, identifier: str) -> list[BatchFile]:
    """Return the files of a batch in the order they came."""
    rows = r.conn.rows(_FILES, domain=r.domain, of_batch=identifier)
    return [
        BatchFile(name=name, digest=digest, size=size, file_name=file_name)
        for _, _, _, name, digest, size, file_name in rows
    ]


def start_batch(
    w: Writer,
    identifier: str,
    *,
    state: BatchState,
    kind: str,
    dry_run: bool,
    author: Author,
    now: Micros,
    owner_id: str = "",
) -> Job:
    """Add the job that imports a batch; only one in the state can be started.

    Raises ``NotFound`` and ``Conflict``.
    """
    batch = get_batch(w, identifier)
    _require(batch, state)
    w.conn.run(_START, of_domain=w.domain, of_batch=identifier)
    _state(w, batch)
    files = [
        {
            "name": file.name,
            "sha256": file.digest,
            "length": file.size,
            "file_name": file.file_name,
        }
        for file in files_of(w, identifier)
    ]
    return job_rows.enqueue(
        w,
        kind=kind,
        options={
            "control": batch.control_digest,
            "dry_run": dry_run,
            "files": files,
            "author": {"user_id": author.user_id, "username": author.username},
            "owner_id": owner_id,
        },
        user_id=author.user_id,
        now=now,
        job_id=identifier,
    )


# -- rows --------------------------------------------------------------------


def _state(w: Writer, batch: Batch) -> None:
    """State what is started: the batch, its files and its control file.

    Until then they decide nothing; from here on nobody alters them unseen.
    """
    state_rows(w, batches, [_batch_row(w, batch, _STARTED)])
    this = {"domain": w.domain, "of_batch": batch.identifier}
    state_rows(w, batch_files, w.conn.rows(_FILES, **this))
    of_control = {"domain": w.domain, "digest": batch.control_digest}
    state_rows(w, batch_controls, w.conn.rows(_CONTROLS_OF, **of_control))


def _batch_row(w: Writer, batch: Batch, state: str) -> Row:
    return (
        w.domain,
        batch.identifier,
        batch.control_digest,
        batch.control_comment,
        batch.comment,
        state,
        batch.user_id,
        batch.created_on,
    )


def _controls_of(r: Reader, digest: str) -> list[ControlFile]:
    if not is_legal(digest):
        return []
    rows = r.conn.rows(_CONTROLS_OF, domain=r.domain, digest=digest)
    return [_control(row) for row in rows]


def _control(row: Row) -> ControlFile:
    _, digest, number, comment, size, user_id, created_on = row
    return ControlFile(
        digest=digest,
        number=number,
        comment=comment,
        size=size,
        user_id=user_id,
        created_on=created_on,
    )


def _batch(row: Row) -> Batch:
    _, identifier, digest, control_comment, comment, stored, user_id, *rest = row
    created_on, *job = rest
    state, errors = _standing(stored, *job)
    return Batch(
        identifier=identifier,
        control_digest=digest,
        control_comment=control_comment,
        comment=comment,
        user_id=user_id,
        created_on=created_on,
        state=state,
        errors=errors,
    )


def _standing(
    stored: str, state: str | None, options: str | None, progress: str | None
) -> tuple[BatchState, int | None]:
    """Return the state of a batch and its count of errors from those of its job."""
    if state is None:
        return BatchState(stored), None
    job_state = JobState(state)
    found = _OF_JOB[job_state]
    if job_state not in ENDED:
        return found, None
    if found is BatchState.COMPLETE and orjson.loads(options or "{}")["dry_run"]:
        found = BatchState.DRY_RUN
    return found, orjson.loads(progress or "{}").get("errors", 0)


def _require(batch: Batch, state: BatchState) -> None:
    if batch.state is not state:
        text = f"Batch {batch.identifier} is not in the '{state}' state"
        raise Conflict(text, field="batch")


def _file_row(w: Writer, identifier: str, place: int, file: BatchFile) -> Row:
    return (
        w.domain,
        identifier,
        place,
        file.name,
        file.digest,
        file.size,
        file.file_name,
    )


def _upload(name: str, content: bytes) -> Upload:
    return Upload(name=name, content_type=_OCTETS, content=content)


def _behind(before: tuple[Micros, str] | None) -> dict[str, Any]:
    return {} if before is None else {"created_on": before[0], "of_id": before[1]}


@lru_cache(maxsize=2)
def _batches_page(*, behind: bool) -> Statement:
    query = select(*_COLUMNS).select_from(batches.outerjoin(jobs, _OWN_JOB))
    return _page(query, batches.c.created_on, batches.c.identifier, behind=behind)


@lru_cache(maxsize=2)
def _controls_page(*, behind: bool) -> Statement:
    query = select(*batch_controls.c)
    return _page(
        query, batch_controls.c.created_on, batch_controls.c.digest, behind=behind
    )


def _page(query: Any, time: Any, name: Any, *, behind: bool) -> Statement:
    """Return the query of a page, the newest first."""
    query = query.where(time.table.c.domain == bindparam("domain"))
    if behind:
        same = and_(time == bindparam("created_on"), name < bindparam("of_id"))
        query = query.where(
            time <= bindparam("created_on"), or_(time < bindparam("created_on"), same)
        )
    return Statement(query.order_by(time.desc(), name.desc()).limit(bindparam("limit")))
