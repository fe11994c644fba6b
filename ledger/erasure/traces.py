"""What repeats a form outside of its body: attachments, kept answers, jobs.

An erasure follows each of them, because none is part of what the chain of the log
covers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import orjson
from sqlalchemy import and_, bindparam, delete, or_, select, update

from ledger import log
from ledger.bodies import present_blobs
from ledger.entry import Attachment, Entry
from ledger.erasure.repacking import changeable
from ledger.erasures import erasures
from ledger.forms.redaction import Redaction, mentions
from ledger.storage.connection import Statement
from ledger.storage.dialect import in_list
from ledger.store import Reader, Writer
from ledger.tables import blob_parts, blobs, entries, idempotency, jobs

Changed = Mapping[int, tuple[Entry, Redaction]]
"""What is left of each redacted body, with its entry, by position."""

FORGOTTEN = "erased"
"""Stands where a job told the problem of a form that was redacted."""

_BATCH = 5_000
_ANSWERS_AT_ONCE = 200
_NEAR = 3_600_000_000
"""How far the time of an answer may be from that of its form, in microseconds."""
_SHA256 = re.compile(r'"([0-9a-f]{64})"')

_ATTACHMENTS = Statement(
    select(entries.c.position, entries.c.attachments).where(
        entries.c.domain == bindparam("domain"),
        entries.c.position > bindparam("after"),
        entries.c.position <= bindparam("last"),
        entries.c.attachments.is_not(None),
    )
)
_DROP_BLOBS = Statement(
    delete(blobs).where(
        blobs.c.domain == bindparam("domain"), in_list(blobs.c.sha256, "digests")
    )
)
_DROP_PARTS = Statement(
    delete(blob_parts).where(
        blob_parts.c.domain == bindparam("domain"),
        in_list(blob_parts.c.sha256, "digests"),
    )
)
_ANSWERS = Statement(
    select(
        idempotency.c.user_id,
        idempotency.c.key,
        idempotency.c.created_on,
        idempotency.c.response,
    )
    .where(
        idempotency.c.domain == bindparam("domain"),
        or_(
            idempotency.c.user_id > bindparam("user_id"),
            and_(
                idempotency.c.user_id == bindparam("user_id"),
                idempotency.c.key > bindparam("key"),
            ),
        ),
    )
    .order_by(idempotency.c.user_id, idempotency.c.key)
    .limit(_ANSWERS_AT_ONCE)
)
_JOBS = Statement(
    select(jobs.c.job_id, jobs.c.progress, jobs.c.result, jobs.c.problem).where(
        jobs.c.domain == bindparam("domain")
    )
)
_SET_JOB = Statement(
    update(jobs)
    .where(jobs.c.domain == bindparam("d"), jobs.c.job_id == bindparam("j"))
    .values(
        progress=bindparam("so_far"),
        result=bindparam("outcome"),
        problem=bindparam("why"),
    )
)


def files_of(r: Reader, changed: Changed) -> dict[str, Attachment]:
    """Return the attachments that go with what was redacted, by digest.

    Not those that other cases of the form refer to, nor bytes that another form has
    too. A later version of the same form carries its files along whether it speaks of
    them or not; so only what it names counts as its own, and of a form that was
    redacted earlier, only what is left of it does.
    """
    gone = {
        attachment.sha256: attachment
        for entry, left in changed.values()
        for attachment in entry.attachments
        if attachment.name not in left.kept_files
    }
    if not gone:
        return {}
    digests = present_blobs(r, gone)
    kept = kept_elsewhere(r, changed, digests)
    return {sha256: gone[sha256] for sha256 in sorted(digests - kept)}


def drop_files(w: Writer, digests: Collection[str]) -> None:
    """Drop the bytes of attachments and files."""
    if not digests:
        return
    with changeable(w, "blobs"):
        w.conn.run(_DROP_BLOBS, domain=w.domain, digests=list(digests))
    with changeable(w, "blob_parts"):
        w.conn.run(_DROP_PARTS, domain=w.domain, digests=list(digests))


def forget_answers(w: Writer, changed: Changed, case_ids: Collection[str]) -> None:
    """Drop the kept answers of writes that show one of the cases.

    An answer may have been asked to leave the id of the case out: then it is known by
    its author, its time and a value that went.
    """
    ids = [orjson.dumps(case_id)[1:-1] for case_id in case_ids]
    times: dict[str, list[int]] = {}
    for entry, _ in changed.values():
        times.setdefault(entry.user_id, []).append(entry.appended_on)
    texts = {text for _, left in changed.values() for text in left.texts}
    for user_id, key, created_on, response in _answers(w):
        near = any(abs(t - created_on) < _NEAR for t in times.get(user_id, ()))
        if any(i in response for i in ids) or (near and _shows(response, texts)):
            w.conn.delete(idempotency, [(w.domain, user_id, key)])


def forget_problems(w: Writer, changed: Changed) -> None:
    """Blank what jobs tell of the problems of forms that were redacted."""
    form_ids = {entry.form_id for entry, _ in changed.values()} - {None}
    texts = {text for _, left in changed.values() for text in left.texts}

    def blank(found: dict[str, Any]) -> dict[str, Any]:
        blanked = found.get("form_id") in form_ids and found.get("problem")
        return {**found, "problem": FORGOTTEN} if blanked else found

    for job_id, progress, result, problem in w.conn.rows(_JOBS, domain=w.domain):
        told = progress, result, problem
        left = (
            rewritten(progress, blank),
            rewritten(result, blank),
            FORGOTTEN if problem and any(t in problem for t in texts) else problem,
        )
        if left != told:
            names = ("so_far", "outcome", "why")
            values = dict(zip(names, left, strict=True))
            w.conn.run(_SET_JOB, d=w.domain, j=job_id, **values)


def kept_elsewhere(r: Reader, changed: Changed, digests: set[str]) -> set[str]:
    """Return those of the digests that stay, by what still has them."""
    redacted_before = erasures(r).bodies.keys()
    lineages = {entry.form_position for entry, _ in changed.values()}
    kept: set[str] = set()
    for entry in _entries_with(r, digests):
        own = [a for a in entry.attachments if a.sha256 in digests]
        if entry.position in changed:
            names = changed[entry.position][1].kept_files
            own = [a for a in own if a.name in names]
        elif entry.position in redacted_before or entry.form_position in lineages:
            body = log.bodies_at(r, [entry.position]).get(entry.position, b"")
            own = [a for a in own if mentions(body, [a.name])]
        kept.update(attachment.sha256 for attachment in own)
    return kept


def _entries_with(r: Reader, digests: Collection[str]) -> Iterator[Entry]:
    """Yield the entries that name one of these attachments."""
    for after in range(0, r.head.position, _BATCH):
        rows = r.conn.rows(
            _ATTACHMENTS, domain=r.domain, after=after, last=after + _BATCH
        )
        found = [
            position
            for position, text in rows
            if not set(_SHA256.findall(text)).isdisjoint(digests)
        ]
        if found:
            yield from log.entries_at(r, found).values()


def _answers(w: Writer) -> Iterator[tuple[str, str, int, bytes]]:
    """Yield the kept answers of a domain, some at a time."""
    user_id, key = "", ""
    while rows := w.conn.rows(_ANSWERS, domain=w.domain, user_id=user_id, key=key):
        yield from rows
        user_id, key, *_ = rows[-1]


def _shows(response: bytes, texts: Collection[str]) -> bool:
    """Tell whether a text is a value anywhere in an answer."""
    try:
        answer = orjson.loads(response)
    except orjson.JSONDecodeError:
        return False
    return any(leaf.strip() in texts for leaf in _leaves(answer))


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)


def rewritten(
    text: str | None, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> str | None:
    """Return a JSON text with every object in it changed; as it is if none is."""
    if text is None:
        return None
    before = orjson.loads(text)
    after = _walked(before, change)
    return text if after == before else orjson.dumps(after).decode()


def _walked(value: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    if isinstance(value, dict):
        return change({name: _walked(item, change) for name, item in value.items()})
    if isinstance(value, list):
        return [_walked(item, change) for item in value]
    return value
