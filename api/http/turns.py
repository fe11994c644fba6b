"""Work that only a few may do at once, and for which addresses take turns.

Whoever asks a hundred times waits behind himself, not before others: of those who wait,
each address in turn has one of its requests served.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from api.wire.problems import throttled


class Turns:
    """A gate through which a few pass at a time, fair between addresses."""

    def __init__(self, *, at_once: int, most_waiting: int) -> None:
        """Open the gate for ``at_once``; let ``most_waiting`` wait before it."""
        self.at_once = at_once
        self.most_waiting = most_waiting
        self._inside = 0
        self._waiting = 0
        self._queues: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @property
    def waiting(self) -> int:
        """Return how many wait."""
        return self._waiting

    @asynccontextmanager
    async def turn(self, address: str) -> AsyncIterator[None]:
        """Wait until it is the turn of an address, and have a place until the end.

        Raises the 429 ``Problem`` when too many wait: the newest of the address that
        has the most waiting goes.
        """
        if self._inside < self.at_once:
            self._inside += 1
        else:
            await self._queued(address)
        try:
            yield
        finally:
            self._leave()

    async def _queued(self, address: str) -> None:
        """Wait; who is called has the place of whoever left."""
        if self._waiting >= self.most_waiting:
            self._make_room(address)
        called = asyncio.get_running_loop().create_future()
        self._queues.setdefault(address, deque()).append(called)
        self._waiting += 1
        try:
            await called
        except asyncio.CancelledError:
            self._forget(address, called)
            if not called.cancelled() and called.exception() is None:
                # The call came in the same moment.
                self._leave()
            raise

    def _make_room(self, address: str) -> None:
        lengths = {name: len(queue) for name, queue in self._queues.items()}
        longest = max(lengths, key=lengths.__getitem__, default=address)
        if lengths.get(address, 0) + 1 >= lengths.get(longest, 0):
            raise throttled(seconds=1)
        newest = self._queues[longest][-1]
        self._forget(longest, newest)
        if not newest.done():
            newest.set_exception(throttled(seconds=1))

    def _leave(self) -> None:
        """Give the place to the next address, or to whoever comes."""
        while self._queues:
            address, queue = next(iter(self._queues.items()))
            called = queue[0]
            self._forget(address, called)
            if address in self._queues:
                self._queues.move_to_end(address)
            # Who has hung up is called for nothing.
            if not called.done():
                called.set_result(None)
                return
        self._inside -= 1

    def _forget(self, address: str, called: asyncio.Future[None]) -> None:
        queue = self._queues.get(address)
        if queue is None or called not in queue:
            return
        queue.remove(called)
        self._waiting -= 1
        if not queue:
            del self._queues[address]
