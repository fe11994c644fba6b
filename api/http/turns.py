"""Work that only a few may do at once, and for which parties take turns.

A party is all who count as one, such as an address. Whoever asks a hundred times waits
behind himself, not before others: each party in turn has one of its requests served,
those of a better standing first. One place is kept for those whose standing is good.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from itertools import count
from typing import Generic, TypeVar

from api.wire.problems import throttled

_WHATEVER_STANDING = 4
"""Each so-manieth turn goes to who waits longest, so that nobody waits for ever."""

Party = TypeVar("Party", bound=Hashable)


class Turns(Generic[Party]):
    """A gate through which a few pass at a time, fair between parties."""

    def __init__(
        self, *, at_once: int, most_waiting: int, standing: Callable[[Party], int]
    ) -> None:
        """Open the gate for ``at_once``; let ``most_waiting`` wait before it.

        ``standing`` is asked when a place is free: the party with the least goes first,
        and of several who have the same, who waits longest. Above 0 it is bad: the last
        place stays free for others, unless it is the only one.
        """
        self.at_once = at_once
        self.most_waiting = most_waiting
        self._standing = standing
        self._inside = 0
        self._bad_inside = 0
        self._waiting = 0
        self._queues: OrderedDict[Party, deque[asyncio.Future[bool]]] = OrderedDict()
        self._calls = count(1)

    @property
    def waiting(self) -> int:
        """Return how many wait."""
        return self._waiting

    @asynccontextmanager
    async def turn(self, party: Party) -> AsyncIterator[None]:
        """Wait until it is the turn of a party, and have a place until the end.

        Raises the 429 ``Problem`` when too many wait: the newest of the party that has
        the most waiting goes, of several such parties that of the worst standing.
        """
        may_enter = self._may_enter(party)
        is_bad = self._enter(party) if may_enter else await self._queued(party)
        try:
            yield
        finally:
            self._leave(is_bad=is_bad)

    def _may_enter(self, party: Party) -> bool:
        if self._inside >= self.at_once:
            return False
        return self._standing(party) <= 0 or self._bad_inside < max(1, self.at_once - 1)

    def _enter(self, party: Party) -> bool:
        """Take a place; return whether it is one of those with a bad standing."""
        is_bad = self._standing(party) > 0
        self._inside += 1
        self._bad_inside += is_bad
        return is_bad

    async def _queued(self, party: Party) -> bool:
        """Wait; who is called has a place already. Returns what ``_enter`` does."""
        if self._waiting >= self.most_waiting:
            self._make_room(party)
        called: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(party, deque()).append(called)
        self._waiting += 1
        try:
            return await called
        except asyncio.CancelledError:
            self._forget(party, called)
            if not called.cancelled() and called.exception() is None:
                # The call came in the same moment.
                self._leave(is_bad=called.result())
            raise

    def _make_room(self, party: Party) -> None:
        longest = max(self._queues, key=self._burden, default=party)
        waiting, standing = self._burden(party)
        if (waiting + 1, standing) >= self._burden(longest):
            raise throttled(seconds=1)
        newest = self._queues[longest][-1]
        self._forget(longest, newest)
        if not newest.done():
            newest.set_exception(throttled(seconds=1))

    def _burden(self, party: Party) -> tuple[int, int]:
        return len(self._queues.get(party, ())), self._standing(party)

    def _leave(self, *, is_bad: bool) -> None:
        """Give the place to the next party, or to whoever comes."""
        self._inside -= 1
        self._bad_inside -= is_bad
        while able := [party for party in self._queues if self._may_enter(party)]:
            party = self._next(able)
            called = self._queues[party][0]
            self._forget(party, called)
            if party in self._queues:
                self._queues.move_to_end(party)
            # Who has hung up is called for nothing.
            if not called.done():
                called.set_result(self._enter(party))

    def _next(self, able: list[Party]) -> Party:
        if next(self._calls) % _WHATEVER_STANDING == 0:
            return able[0]
        return min(able, key=self._standing)

    def _forget(self, party: Party, called: asyncio.Future[bool]) -> None:
        queue = self._queues.get(party)
        if queue is None or called not in queue:
            return
        queue.remove(called)
        self._waiting -= 1
        if not queue:
            del self._queues[party]
