"""Seeing a job through from the command line, whether or not a server runs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from importlib import import_module
from typing import Any

import click

from api.cli.ctrl_c import JobInterrupted, on_ctrl_c
from api.cli.output import Column, echo_json
from api.cli.progress import Progress, progress
from api.wire.jobs import to_wire
from importers.jobs.worker import Worker
from ledger.clock import now_micros
from ledger.jobs.queue import interrupt
from ledger.jobs.values import Job, JobKey, JobState
from ledger.store import Store
from ledger.submit import Ledger
from ledger.writer import LedgerWriter
from projections.commit.projector import LiveProjector


def _how_far(progress: Mapping[str, Any]) -> str:
    return f"{progress.get('done', 0)}/{progress.get('total', '?')}"


COLUMNS = (
    Column("id", "job_id"),
    Column("kind", "kind"),
    Column("state", "state"),
    Column("done", "progress", _how_far),
    Column("created", "created_on"),
)
"""What a list tells of a job as the API shows it."""


def see_through(store: Store, key: JobKey) -> Job:
    """Run a job here, showing how far it is, and return it when it has ended.

    A server that took it up first does the work; then this only watches. Ctrl-C
    interrupts the job, wherever it runs, and raises ``JobInterrupted``
    (``rules/operator.md`` 3.15).
    """
    try:
        with progress(f"job {key[1]}") as move, asyncio.Runner() as runner:
            job = runner.run(_see_through(store, key, move))
    except KeyboardInterrupt:
        # It came before or behind the time in which the loop hears of it.
        with store.administering() as conn:
            job = interrupt(conn, key, now=now_micros())
        raise JobInterrupted(job) from None
    if job.state is JobState.INTERRUPTED or not job.has_ended:
        raise JobInterrupted(job)
    return job


def outcome(job: Job) -> int:
    """Print how a job ended and return the exit code."""
    echo_json(to_wire(job))
    if job.state is JobState.DONE:
        return 0
    click.echo(f"Error: the job {job.state}: {job.problem or ''}", err=True)
    return 1


async def _see_through(store: Store, key: JobKey, move: Progress) -> Job:
    def tell(job: Job) -> None:
        move(job.progress.get("done", 0), job.progress.get("total", 0))

    writer = LedgerWriter(store, Ledger(LiveProjector(), now_micros))
    writer.start()
    # All imports there are stand behind it, and a list of jobs needs none of them.
    handlers = import_module("importers.job_kinds").HANDLERS
    worker = Worker(store, writer, handlers, tell=tell)
    try:
        with on_ctrl_c(partial(worker.interrupt, key)):
            return await worker.see_through(key)
    finally:
        await worker.aclose()
        await writer.stop()
