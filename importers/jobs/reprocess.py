"""Reprocessing: a job that tries every XFormError of a kind again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

from importers.jobs.form_acts import append_acts, tally_of
from importers.jobs.pace import Pace
from importers.jobs.worker import JobContext
from ledger.clock import Clock
from ledger.commands.form_states import ChangeForms
from ledger.entry import Author, Kind
from ledger.jobs import queue as jobs
from ledger.jobs.values import Job
from ledger.store import Writer
from projections.forms.errors import errors_after
from projections.forms.values import ErrorFilter, ErrorForm

REPROCESS = "reprocess"

_MOST_FORMS = 100


def enqueue_reprocess(
    w: Writer,
    asked: ErrorFilter,
    *,
    total: int,
    reason: str,
    author: Author,
    clock: Clock,
) -> Job:
    """Add the job that tries all XFormErrors again that match now.

    ``total`` is how many there were when they were counted.
    """
    given = {n: v for n, v in asdict(asked).items() if v is not None}
    return jobs.enqueue(
        w,
        kind=REPROCESS,
        options={
            "filter": given,
            "last": w.head.position,
            "total": total,
            "reason": reason,
        },
        user_id=author.user_id,
        now=clock(),
    )


async def reprocess(context: JobContext) -> Mapping[str, Any]:
    """Try the forms again, the oldest first; go on behind the cursor."""
    options = context.job.options
    asked, pace = ErrorFilter(**options["filter"]), Pace(_MOST_FORMS)
    while True:
        after = context.job.progress.get("position", 0)
        ask = partial(
            errors_after,
            asked=asked,
            position=after,
            last=options["last"],
            limit=pace.most,
        )
        found: list[ErrorForm] = await context.read(ask)
        if not found:
            return tally_of(context.job)
        with pace:
            await append_acts(
                context,
                _command(context.job, found),
                total=options["total"],
                position=found[-1].position,
            )


def _command(job: Job, found: list[ErrorForm]) -> ChangeForms:
    return ChangeForms(
        form_ids=tuple(error.form_id for error in found),
        kind=Kind.REPROCESS,
        author=Author(user_id=job.user_id),
        reason=job.options["reason"],
        job_id=job.job_id,
        strict=False,
    )
