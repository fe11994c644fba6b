"""Ctrl-C while a job runs here: the first one ends it well, the second one at once."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import click

from api.cli.exit_codes import INTERRUPTED
from ledger.jobs.values import Job


class JobInterrupted(click.ClickException):
    """A job was stopped by Ctrl-C; the text says how far it is and what can be done."""

    exit_code = INTERRUPTED

    def __init__(self, job: Job) -> None:
        """Tell of a job as it was left."""
        super().__init__(_told(job))


@contextmanager
def on_ctrl_c(act: Callable[[], Coroutine[Any, Any, None]]) -> Iterator[None]:
    """Have Ctrl-C begin an act on the running loop, and a second one end the process.

    What the act raises comes out at the end. Only the main thread hears of Ctrl-C.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop, before = asyncio.get_running_loop(), signal.getsignal(signal.SIGINT)
    begun: list[asyncio.Task[None]] = []

    def first() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, _end_at_once)
        begun.append(loop.create_task(act()))

    loop.add_signal_handler(signal.SIGINT, first)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, before)
    for task in begun:
        if task.done():
            task.result()


def _end_at_once(_number: int, _frame: FrameType | None) -> None:
    # Threads may be in the middle of something; nobody waits for them any more.
    os._exit(INTERRUPTED)


def _told(job: Job) -> str:
    done, total = job.progress.get("done", 0), job.progress.get("total", "?")
    which = f"{job.job_id} --domain {job.domain}"
    state = "is interrupted" if job.has_ended else "stops soon"
    if job.options.get("dry_run"):
        back = "it was a dry run: nothing was written"
    else:
        back = f"to take it back: caseledger undo --job {which}"
    return (
        f"job {job.job_id} {state}, {done} of {total} done; "
        f"to go on: caseledger job retry {which}; {back}"
    )
