"""Jobs for tests: handlers that append forms, and a worker that runs them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from importers.jobs.worker import Handler, Interrupted, JobContext, Worker
from ledger.commands.submissions import SubmitForm
from ledger.jobs import queue as jobs
from ledger.jobs.values import Job
from ledger.log import entries_after
from ledger.store import Store
from ledger.writer import LedgerWriter
from tests.kit import build

KIND = "forms"
LEASE = 60_000_000


def enqueue(store: Store, *, domain: str = build.DOMAIN, **fields: Any) -> Job:
    """Add a job; it wants three chunks of a form each unless a field says otherwise."""
    wanted = {
        "kind": KIND,
        "options": {"chunks": 3},
        "user_id": build.USER,
        "now": build.NOW,
    }
    with store.writing(domain) as writer:
        return jobs.enqueue(writer, **(wanted | fields))


def job_of(store: Store, job: Job) -> Job:
    """Return a job as it is now."""
    return jobs.get_job(store.connection, job.key)


def claim(store: Store, *, now: int = build.NOW) -> Job | None:
    """Take up the job that waits longest, as a worker would."""
    with store.administering() as conn:
        return jobs.claim(conn, now=now, until=now + LEASE)


def administer(
    store: Store, fn: Callable[..., Any], *arguments: Any, **options: Any
) -> Any:
    """Do something with the table of jobs in a commit of its own."""
    with store.administering() as conn:
        return fn(conn, *arguments, **options)


def forms_in_log(store: Store) -> list[str]:
    """Return the ids of all forms, in the order of the log."""
    with store.snapshot(build.DOMAIN) as reader:
        items = entries_after(reader, 0, limit=1000)
    return [entry.form_id for entry, _ in items if entry.form_id]


def in_name_of(job: Job, command: SubmitForm) -> SubmitForm:
    """Return the command of a form that a job brings, which its entry tells."""
    sent = replace(command.submission, envelope={"job": job.job_id})
    return replace(command, submission=sent)


async def append_forms(context: JobContext) -> Mapping[str, Any]:
    """Append a form for each chunk that is left: a handler as it should be."""
    total = context.job.options["chunks"]
    while (done := context.job.progress.get("done", 0)) < total:
        form_id = f"{context.job.job_id}-{done}"
        body = build.a_form([build.a_create(form_id)], form_id=form_id)
        command = in_name_of(context.job, build.a_submission(body))
        progress = {"done": done + 1, "total": total}
        await context.step([command], lambda _, progress=progress: progress)
    return {"forms": total}


def dying(handler: Handler, *after: int) -> Handler:
    """Return a handler whose worker goes away right behind some of its commits."""
    steps = 0

    async def run(context: JobContext) -> Mapping[str, Any]:
        step = context.step

        async def counted(commands: Any, advance: Any) -> list[Any]:
            nonlocal steps
            found = await step(commands, advance)
            steps += 1
            if steps in after:
                raise Interrupted
            return found

        context.step = counted  # type: ignore[method-assign]
        return await handler(context)

    return run


@asynccontextmanager
async def working(
    store: Store,
    handlers: Mapping[str, Handler] | None = None,
    **options: Any,
) -> AsyncIterator[Worker]:
    """Run a writer, and lend a worker that is not started."""
    writer = LedgerWriter(store, build.a_ledger())
    writer.start()
    options = {"clock": build.FixedClock()} | options
    worker = Worker(store, writer, handlers or {KIND: append_forms}, **options)
    try:
        yield worker
    finally:
        await worker.aclose()
        await writer.stop()
