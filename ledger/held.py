"""What waits for heads that somebody else holds, and the thread that stands in line.

A session of another process, or of an operator, may hold the head of a domain for a
moment or for minutes. The thread that writes never waits for it: it leaves the domain's
commands here and goes on with those of others. One thread waits for one head after the
other as long as it takes, in the line that the server keeps, so that no domain starves
behind a process that is quicker to ask again. It holds nothing meanwhile. What waits
for another head is tried again whenever something is committed, and now and then.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Final, Generic, Protocol, TypeVar

AGAIN_SECONDS: Final = 0.02
"""How long what is held rests when nothing else is to be written."""


class OfDomain(Protocol):
    """Something to be done under the head of a domain."""

    @property
    def domain(self) -> str:
        """Return the domain's name."""

    @property
    def size(self) -> int:
        """Return its bytes, for the cap of a commit."""


Item = TypeVar("Item", bound=OfDomain)


class Held(Generic[Item]):
    """Items whose heads were held when they were tried, oldest first."""

    def __init__(
        self,
        wait: Callable[[str, list[Item]], None],
        *,
        most: int,
        most_bytes: int,
    ) -> None:
        """Keep what to call in the thread that waits, and the caps of a commit.

        ``wait`` is given a domain and items of it, waits for its head as long as it
        takes, and must not raise.
        """
        self._wait = wait
        self._most = most
        self._most_bytes = most_bytes
        self._items: list[Item] = []
        self._awaited: str | None = None
        self._turn = threading.Condition()
        self._thread: threading.Thread | None = None
        self._ending = False

    def __len__(self) -> int:
        return len(self._items)

    def patience(self) -> float | None:
        """Return how long to wait for other work before ``take`` is tried again."""
        return AGAIN_SECONDS if self._items else None

    def put(self, items: Sequence[Item]) -> None:
        """Leave items whose heads are held; somebody will stand in line."""
        if not items:
            return
        with self._turn:
            self._items += items
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="caseledger-wait", daemon=True
                )
                self._thread.start()
            self._turn.notify()

    def apart(self, items: list[Item]) -> list[Item]:
        """Keep those of the domain that is waited for; return the others.

        So its commands stay in their order.
        """
        awaited = self._awaited
        if awaited is None:
            return items
        self.put([item for item in items if item.domain == awaited])
        return [item for item in items if item.domain != awaited]

    def take(self) -> list[Item]:
        """Take what a commit may try again: nothing that is waited for."""
        if not self._items:
            return []
        with self._turn:
            return self._taken(lambda item: item.domain != self._awaited)

    def take_all(self) -> list[Item]:
        """Take what a commit may hold, for the one who has stopped waiting."""
        with self._turn:
            self._awaited = None
            return self._taken(lambda _: True)

    def finish(self) -> None:
        """Wait until nothing is left."""
        with self._turn:
            self._ending = True
            self._turn.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while (items := self._next()) is not None:
            self._wait(items[0].domain, items)
            with self._turn:
                self._awaited = None

    def _next(self) -> list[Item] | None:
        """Return what waits longest with others of its domain; nothing at the end."""
        with self._turn:
            while not self._items:
                if self._ending:
                    return None
                self._turn.wait()
            domain = self._awaited = self._items[0].domain
            return self._taken(lambda item: item.domain == domain)

    def _taken(self, wanted: Callable[[Item], bool]) -> list[Item]:
        taken: list[Item] = []
        left: list[Item] = []
        size = 0
        for item in self._items:
            fits = len(taken) < self._most and size < self._most_bytes
            if fits and wanted(item):
                taken.append(item)
                size += item.size
            else:
                left.append(item)
        self._items = left
        return taken
