"""How a command of the command line writes: the ledger's own door, without a server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from ledger.clock import now_micros
from ledger.store import Store
from ledger.submit import Command, Ledger
from projections.commit.projector import LiveProjector

_TOGETHER = 100
"""Commands in a commit: a running server waits no longer than for those."""


def written(store: Store, domain: str, commands: Iterable[Command]) -> Iterator[Any]:
    """Run commands, many in a commit, and yield the outcome of each.

    An outcome is what the command returned, or the ``LedgerError`` that refused it.
    """
    ledger = Ledger(LiveProjector(), now_micros)
    waiting = iter(commands)
    while batch := list(islice(waiting, _TOGETHER)):
        with store.writing(domain) as writer:
            outcomes = ledger.process(writer, batch)
        yield from outcomes
