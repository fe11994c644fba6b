"""A thread that works in rounds: each takes whatever gathered during the last one.

The shape behind group commit and behind gathered reads: there is no timer, so an idle
thread serves a lone item at once, and a busy one serves many for the price of one.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
Outcome = tuple["asyncio.Future[Any]", Any]

_STOP = object()


class Rounds(Generic[Item]):
    """Hands items to ``handle`` in rounds and delivers what it says of each.

    ``handle`` runs in the thread and returns the future of each item with its result,
    or with the exception it earned; it must not raise. ``weigh`` tells an item's bytes,
    ``patience`` how many seconds a round may wait for its first item: for ever, or less
    when there is something to try again. Then it is a round of none.
    """

    def __init__(
        self,
        name: str,
        handle: Callable[[list[Item]], Iterable[Outcome]],
        *,
        most: int,
        most_bytes: int,
        weigh: Callable[[Item], int],
        patience: Callable[[], float | None] = lambda: None,
    ) -> None:
        """Prepare; ``start`` begins to work."""
        self._handle = handle
        self._most = most
        self._most_bytes = most_bytes
        self._weigh = weigh
        self._patience = patience
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Begin to work, delivering to the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def stop(self) -> None:
        """Serve everything that waits, then stop."""
        if self._thread.is_alive():
            self._queue.put(_STOP)
            await asyncio.to_thread(self._thread.join)

    @property
    def waiting(self) -> int:
        """Return about how many items wait for the next round."""
        return self._queue.qsize()

    def put(self, item: Item) -> None:
        """Leave an item for the next round."""
        self._queue.put(item)

    def _run(self) -> None:
        going = True
        while going:
            items, going = self._gather()
            self.deliver(list(self._handle(items)))

    def _gather(self) -> tuple[list[Item], bool]:
        """Wait for the first item, then take what else is there, within the caps."""
        items: list[Item] = []
        size = 0
        wait = True
        while len(items) < self._most and size < self._most_bytes:
            try:
                item = self._queue.get(wait, self._patience() if wait else None)
            except queue.Empty:
                break
            if item is _STOP:
                return items, False
            wait = False
            items.append(item)
            size += self._weigh(item)
        return items, True

    def deliver(self, outcomes: list[Outcome]) -> None:
        """Hand all outcomes of a round to the event loop in one call."""
        if outcomes and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_settle, outcomes)


def _settle(outcomes: list[Outcome]) -> None:
    for future, outcome in outcomes:
        if future.done():
            continue
        if isinstance(outcome, BaseException):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
