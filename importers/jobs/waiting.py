"""How an import waits for its turn (``turns.py``)."""

from __future__ import annotations

import asyncio

from importers.jobs.turns import waits
from importers.jobs.worker import JobContext, NotYet
from ledger.jobs import queue as jobs
from ledger.store import Reader

_TURN_SECONDS = 0.2
_MOST_TURNS = 5


async def wait_for_turn(context: JobContext) -> None:
    """Let the imports of the domain end that came before and that this one may meet.

    Raises ``NotYet`` when that takes long, so that others are taken up instead.
    """

    def must_wait(r: Reader) -> bool:
        return waits(context.job, jobs.open_jobs(r.conn))

    for _ in range(_MOST_TURNS):
        if not await context.read(must_wait):
            return
        await asyncio.sleep(_TURN_SECONDS)
    raise NotYet("another import of this domain is not done yet")
