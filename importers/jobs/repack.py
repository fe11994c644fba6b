"""The end of an erasure: old dictionaries go, and then everything that was freed.

A job does it, so that it is done even if the process dies over it. It is added in the
commit of the erasure.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from importers.jobs.values import Erasure
from importers.jobs.worker import JobContext
from ledger.clock import Clock
from ledger.erasure.erase import EraseCases
from ledger.erasure.repacking import Repack
from ledger.errors import LedgerError
from ledger.ids import new_id
from ledger.jobs import queue as jobs
from ledger.store import Store, Writer
from ledger.submit import Needs, Session
from projections.erasure.erased import forget_elsewhere, tidy

REPACK = "repack"

_TRIES = 20
_AGAIN_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseAndRepack:
    """An erasure, and in the same commit the job that ends it."""

    command: EraseCases
    clock: Clock

    @property
    def size(self) -> int:
        """Return about how many bytes it brings."""
        return self.command.size

    def needs(self) -> Needs:
        """Look up the cases."""
        return self.command.needs()

    def run(self, session: Session) -> Erasure:
        """Erase; raises as ``EraseCases`` does."""
        command = self.command
        outcome = Erasure(erased=command.run(session), job_id=new_id())
        session.also += [
            partial(forget_elsewhere, case_ids=command.case_ids),
            partial(_enqueue, outcome, command.author.user_id, self.clock),
        ]
        return outcome

    def failed(self, session: Session, error: Exception) -> None:
        """Keep nothing: the caller is told."""


async def repack(context: JobContext) -> Mapping[str, Any]:
    """Compress bodies anew, chunk by chunk, drop the dictionaries, then tidy up."""
    stale = tuple(context.job.options["dictionaries"])
    done = context.job.progress.get("done", 0)
    while stale and done is not None:
        done = await _step(context, Repack(stale=stale, after=done))
    return {"dictionaries": len(stale), "scrubbed": await _scrubbed(context.store)}


async def _scrubbed(store: Store) -> bool:
    """Tidy up, again and again while somebody's reading is in the way."""
    for _ in range(_TRIES):
        if await store.aside(partial(tidy, store)):
            return True
        await asyncio.sleep(_AGAIN_SECONDS)
    return False


async def _step(context: JobContext, command: Repack) -> int | None:
    """Do a chunk; return how far it is, nothing when all is done."""

    def advance(outcomes: Sequence[Any]) -> Mapping[str, Any]:
        (outcome,) = outcomes
        if isinstance(outcome, LedgerError):
            raise outcome
        done = command.after if outcome is None else outcome
        return {"done": done, "total": max(done, context.job.options["position"])}

    (outcome,) = await context.step([command], advance)
    return None if outcome is None else int(outcome)


def _enqueue(outcome: Erasure, user_id: str, clock: Clock, w: Writer) -> None:
    jobs.enqueue(
        w,
        kind=REPACK,
        options={
            "dictionaries": list(outcome.erased.stale),
            "position": outcome.erased.receipt.position,
        },
        user_id=user_id,
        now=clock(),
        job_id=outcome.job_id,
    )
