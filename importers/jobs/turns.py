"""Imports of a domain run one after the other, the first that was asked for first.

``rules/excel-import.md`` 17.2 and ``rules/batch-imports.md`` R0.6; those of different
domains may overlap.
"""

from __future__ import annotations

import asyncio

from importers.jobs.worker import JobContext, NotYet
from ledger.jobs import queue as jobs
from ledger.store import Reader

EXCEL = "excel"
HAPLO = "haplo"
SUNBIRD = "sunbird"

_KINDS = (EXCEL, HAPLO, SUNBIRD)
_TURN_SECONDS = 0.2
_MOST_TURNS = 5


async def wait_for_turn(context: JobContext) -> None:
    """Let the imports of the domain that came before end first.

    Raises ``NotYet`` when that takes long, so that jobs of other domains get a lane.
    """

    def behind(r: Reader) -> bool:
        return jobs.is_behind(r.conn, context.job, _KINDS)

    for _ in range(_MOST_TURNS):
        if not await context.read(behind):
            return
        await asyncio.sleep(_TURN_SECONDS)
    raise NotYet("another import of this domain is not done yet")
