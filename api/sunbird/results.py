"""How an upload stands, and what became of its rows, as the service tells it.

``rules/batch-imports.md`` 2.5.2. Rows are read and written some at a time, so an
answer of any length needs little memory.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from functools import partial
from itertools import chain
from typing import Any

import orjson

from importers.sunbird.command import API
from importers.sunbird.rules.known import FAILED
from importers.sunbird.rules.settings import SunbirdSettings
from importers.tables.notices import lines_of
from ledger.imports.results import rows_of
from ledger.imports.values import ImportRow, Outcome
from ledger.jobs.values import Job, JobState
from ledger.store import Store

_ROWS = 1000
_NOT_STARTED = ("NOT STARTED", "Operation is not started.")
_ENDS = {
    JobState.DONE: ("COMPLETED", "Operation is completed."),
    JobState.FAILED: ("FAILED", "Operation is failed."),
    JobState.CANCELLED: ("FAILED", "Operation is failed."),
    JobState.INTERRUPTED: ("FAILED", "Operation is failed."),
}
_BROKEN_OFF = {
    JobState.FAILED: FAILED,
    JobState.CANCELLED: "The process was cancelled.",
    JobState.INTERRUPTED: "The process was interrupted.",
}
"""What is told, beside the rows, of a process that did not come to its end."""


def process_id(job: Job, settings: SunbirdSettings) -> int | str:
    """Return the id of a process as answers have it (rule 2.3.1)."""
    return job.job_id if settings.as_text else int(job.job_id)


async def results(
    store: Store, job: Job, settings: SunbirdSettings
) -> AsyncIterator[bytes]:
    """Yield the result of a status answer in pieces of JSON."""
    told: dict[str, Any] = {"processId": process_id(job, settings)}
    status, message = _standing(job)
    if not job.has_ended:
        last = {**told, "message": message, "status": status}
        yield b'{"response":[' + orjson.dumps(last) + b"]}"
        return
    yield b'{"response":[{"failureResult":['
    async for piece in _failures(store, job):
        yield piece
    yield b"]," + orjson.dumps(told)[1:-1] + b',"successResult":['
    async for piece in _successes(store, job):
        yield piece
    last = {"message": message, "objectType": job.options["object"], "status": status}
    if job.options["dry_run"]:
        last["dryRun"] = True
    noticed = (job.progress.get(name, ()) for name in ("notices", "told"))
    if warnings := list(lines_of(chain.from_iterable(noticed))):
        last["warnings"] = warnings
    if (cases := _cases(job)) is not None:
        last["caseCount"] = cases
    yield b"]," + orjson.dumps(last)[1:] + b"]}"


def _cases(job: Job) -> int | None:
    """Return how many cases the rows mean, where these are fewer than the rows."""
    count = job.progress.get
    rows = count("applied", 0) + count("unchanged", 0)
    cases: int | None = count("cases")
    return None if cases == rows else cases


def is_short(job: Job) -> bool:
    """Tell whether a result is better held than streamed."""
    done: int = job.progress.get("done", 0)
    return not job.has_ended or done <= _ROWS


def _standing(job: Job) -> tuple[str, str]:
    """Return the status and its message; who waits for a turn has not started."""
    if job.has_ended:
        return _ENDS[job.state]
    if job.state is JobState.RUNNING and job.progress:
        return "IN PROGRESS", "Operation is in progress."
    return _NOT_STARTED


async def _failures(store: Store, job: Job) -> AsyncIterator[bytes]:
    broken_off = _BROKEN_OFF.get(job.state)
    extra = [] if broken_off is None else [{"err_msg": broken_off}]
    separator = b""
    if job.progress.get("failed"):
        async for rows in _pages(store, job):
            failed = (r.shown or {} for r in rows if r.outcome is Outcome.FAILED)
            if piece := _joined(failed):
                yield separator + piece
                separator = b","
    if extra:
        yield separator + _joined(extra)


async def _successes(store: Store, job: Job) -> AsyncIterator[bytes]:
    separator = b""
    if job.progress.get("applied") or job.progress.get("unchanged"):
        async for rows in _pages(store, job):
            good = (r.shown or {} for r in rows if r.outcome is not Outcome.FAILED)
            if piece := _joined(good):
                yield separator + piece
                separator = b","


async def _pages(store: Store, job: Job) -> AsyncIterator[list[ImportRow]]:
    after = 0
    while True:
        read = partial(rows_of, api=API, job_id=job.job_id, after=after, most=_ROWS)
        rows = await store.scan(job.domain, read)
        yield rows
        if len(rows) < _ROWS:
            return
        after = rows[-1].record


def _joined(rows: Iterable[Mapping[str, Any]]) -> bytes:
    return b",".join(orjson.dumps(row) for row in rows)
