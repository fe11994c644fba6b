"""Undo: a job that takes back what a form, a job or a user did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from importers.jobs.form_acts import append_acts, tally_of
from importers.jobs.pace import Pace
from importers.jobs.values import UndoRequest
from importers.jobs.worker import JobContext
from ledger.clock import Clock
from ledger.directory.users import find_user
from ledger.entry import Author
from ledger.errors import Conflict
from ledger.jobs import queue as jobs
from ledger.jobs.values import Job
from ledger.store import Reader, Writer
from projections.undo.acts import (
    MOST_FORMS,
    Act,
    Selection,
    acts_of,
    chunk_of,
    command_of,
    form_selection,
    user_selection,
)

UNDO = "undo"


def select(r: Reader, wish: UndoRequest) -> Selection:
    """Return whose doings are meant, up to now.

    Raises ``NotFound`` for an unknown form or job, ``Conflict`` for a job that has not
    ended.
    """
    if wish.form_id is not None:
        return form_selection(r, wish.form_id)
    if wish.job_id is not None:
        return _job_selection(r, wish.job_id)
    known = find_user(r, wish.user or "")
    user_id = (wish.user or "") if known is None else known.user_id
    return user_selection(r, user_id, since=wish.since, until=wish.until)


def enqueue_undo(w: Writer, wish: UndoRequest, *, author: Author, clock: Clock) -> Job:
    """Add the job that undoes; raises as ``select`` does."""
    selection = {n: v for n, v in asdict(select(w, wish)).items() if v is not None}
    return jobs.enqueue(
        w,
        kind=UNDO,
        options={"selection": selection, "reason": wish.reason},
        user_id=author.user_id,
        now=clock(),
    )


async def undo(context: JobContext) -> Mapping[str, Any]:
    """Take everything back, chunk by chunk; go on where the progress ends."""
    options = context.job.options
    selection = Selection(**options["selection"])
    acts = await context.read(partial(acts_of, selection=selection))
    total, pace = len(acts.acts), Pace(MOST_FORMS)
    while (done := context.job.progress.get("done", 0)) < total:
        chunk = chunk_of(acts.acts, done, most=pace.most)
        command = _command(context.job, chunk, options["reason"])
        with pace:
            await append_acts(context, command, total=total)
    return {**tally_of(context.job), "left": acts.left}


def _command(job: Job, chunk: Sequence[Act], reason: str) -> Any:
    return command_of(
        chunk, author=Author(user_id=job.user_id), reason=reason, job_id=job.job_id
    )


def _job_selection(r: Reader, job_id: str) -> Selection:
    job = jobs.get_job(r.conn, (r.domain, job_id))
    if not job.has_ended:
        raise Conflict(
            f"Job {job_id} is {job.state}; cancel it, or undo it when it has ended"
        )
    if job.first_position is None or job.last_position is None:
        return Selection(first=1, last=0, job_id=job_id)
    return Selection(first=job.first_position, last=job.last_position, job_id=job_id)
