"""The log of a batch, made from what became of its records.

``rules/batch-imports.md`` 1.7. Nothing of a log is stored: times and problem are the
job's, the messages of records are kept with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from importers.tables.notices import lines_of
from ledger.imports.values import ImportRow
from ledger.jobs.values import Job, JobState
from ledger.times import Micros, format_micros

MOST_LOGGED = 499

_TOO_MANY = "Too many errors in import batch, no further errors will be reported"
_WARNING = "WARNING: "
_EXCEPTION = "EXCEPTION: Error during import: "


def log_lines(job: Job, rows: Iterable[ImportRow]) -> Iterator[str]:
    """Yield the lines of a job's log; ``rows`` come in the order of their records.

    Of an endless number of messages no more rows are taken than are told.
    """
    yield from _at("START", job.started_on)
    for number, line in enumerate(_all(job, rows), start=1):
        if number > MOST_LOGGED:
            yield _TOO_MANY
            break
        yield line
    if job.state is JobState.FAILED:
        yield f"{_EXCEPTION}{job.problem or ''}"
    elif job.state is JobState.CANCELLED:
        yield f"{_EXCEPTION}Cancelled"
    elif job.state is JobState.INTERRUPTED:
        yield f"{_EXCEPTION}Interrupted"
    yield from _at("END", job.finished_on)


def _all(job: Job, rows: Iterable[ImportRow]) -> Iterator[str]:
    told = (job.progress.get(name, ()) for name in ("notices", "told"))
    noticed = lines_of(chain.from_iterable(told))
    return chain(_prepared(job), map(_WARNING.__add__, noticed), _told(rows))


def _prepared(job: Job) -> list[str]:
    return list(job.progress.get("preparation", ()))


def _told(rows: Iterable[ImportRow]) -> Iterator[str]:
    for row in rows:
        for message in row.messages:
            yield f"{message} (record {row.record})"


def _at(word: str, when: Micros | None) -> Iterator[str]:
    if when is not None:
        yield f"{word}: {format_micros(when)}"
