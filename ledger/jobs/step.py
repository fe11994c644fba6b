"""A chunk of a job: what it appends and how far the job is then, in one commit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ledger.commands.together import Together
from ledger.jobs import queue as jobs
from ledger.jobs.values import Job
from ledger.store import Writer
from ledger.submit import Command, Needs, Session
from ledger.times import Micros

Advance = Callable[[Sequence[Any]], Mapping[str, Any]]
"""Makes the progress to be saved of what became of each command of a chunk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStep:
    """Commands that belong to a job, each with its own verdict.

    Runs only while ``job`` is held by whoever claimed it, and holds it until ``until``:
    raises ``LeaseLost`` and ``JobCancelled``, and then nothing is appended. An outcome
    is what a command returned, or the ``LedgerError`` that refused it; ``advance`` may
    raise one to refuse the chunk, if none of its commands has appended anything.
    """

    job: Job
    until: Micros
    advance: Advance
    commands: tuple[Command, ...] = ()

    @property
    def size(self) -> int:
        """Return how many bytes its commands bring."""
        return Together(self.commands).size

    def needs(self) -> Needs:
        """Look up what any of its commands needs."""
        return Together(self.commands).needs()

    def run(self, session: Session) -> tuple[Any, ...]:
        """Run the commands in order, and leave the progress to be saved with them."""
        jobs.renew(session.writer.conn, self.job, until=self.until)
        first = session.writer.head.position + 1
        outcomes = Together(self.commands).run(session)
        progress = self.advance(outcomes)
        session.also.append(partial(_save, self.job, progress, first))
        return outcomes

    def failed(self, session: Session, error: Exception) -> None:
        """Keep nothing: the job fails, and its options say what it wanted."""


def _save(job: Job, progress: Mapping[str, Any], first: int, writer: Writer) -> None:
    jobs.advance(writer, job, progress, first=first)
