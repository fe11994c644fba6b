"""Those who wait for a log to grow: long polls, event streams.

Entries of this process are announced by its writer; those of other processes are
seen by one task that looks at the heads of the domains somebody waits for. The same
task lets go of clients that hung up. ``stop`` ends every wait at once, so that a
server that shuts down has nobody to wait for.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

from aiohttp.web import AppKey

from api.wire.problems import too_many_waiting
from ledger.errors import StoreUnavailable
from ledger.store import Store
from projections.feed.pages import head_positions

_LOOK_SECONDS = 0.5
_MOST = 500
_READS = 2
"""Pages that are read at the same moment: reader threads serve others as well."""

logger = logging.getLogger(__name__)


def _never() -> bool:
    return False


@dataclass(eq=False, slots=True)
class Waiter:
    """Somebody who follows the log of a domain.

    ``position`` is how far they have come; ``over`` tells that the server stops, or
    that nobody is there any more.
    """

    domain: str
    position: int = 0
    is_gone: Callable[[], bool] = _never
    over: bool = False
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _patience: asyncio.Timeout | None = None

    async def wait(self, *, seconds: float) -> bool:
        """Wait until the log may have grown or it is over; false when time is up."""
        try:
            async with asyncio.timeout(seconds):
                return await self._changed.wait()
        except TimeoutError:
            return False

    async def patiently(self, sending: Awaitable[None], *, seconds: float) -> bool:
        """Await what a slow client holds up; tell whether it took what was sent."""
        try:
            async with asyncio.timeout(0 if self.over else seconds) as self._patience:
                await sending
        except TimeoutError:
            return False
        finally:
            self._patience = None
        return True

    def looks(self) -> None:
        """Say that the log is about to be read: what comes now is news again."""
        if not self.over:
            self._changed.clear()

    def wake(self) -> None:
        """Have it look at the log."""
        self._changed.set()

    def end(self) -> None:
        """End its wait for good, and a send that its client does not take."""
        self.over = True
        self._changed.set()
        if self._patience is not None:
            self._patience.reschedule(asyncio.get_running_loop().time())


class ChangeWaiters:
    """Everybody in this process who waits for entries."""

    def __init__(
        self, store: Store, *, look_seconds: float = _LOOK_SECONDS, most: int = _MOST
    ) -> None:
        """Prepare; ``start`` begins to look at other processes' entries."""
        self._store = store
        self.look_seconds = look_seconds
        self.most = most
        self._waiters: dict[str, set[Waiter]] = {}
        self._count = 0
        self._stopping = False
        self._somebody = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.reading = asyncio.Semaphore(_READS)

    def __len__(self) -> int:
        """Return how many wait."""
        return self._count

    def start(self) -> None:
        """Begin to look, as long as somebody waits."""
        self._task = asyncio.get_running_loop().create_task(self._look())

    async def aclose(self) -> None:
        """End every wait and stop looking."""
        self.stop()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def note(self, domain: str) -> None:
        """Wake those who wait for a domain: its log has grown."""
        for waiter in self._waiters.get(domain, ()):
            waiter.wake()

    def stop(self) -> None:
        """End every wait at once, and those that would begin."""
        self._stopping = True
        for waiters in self._waiters.values():
            for waiter in waiters:
                waiter.end()

    @contextmanager
    def waiting(self, domain: str, *, is_gone: Callable[[], bool]) -> Iterator[Waiter]:
        """Be one of those who wait; raises a 503 when too many do already.

        ``is_gone`` tells whether the client has hung up.
        """
        if self._count >= self.most:
            raise too_many_waiting()
        waiter = Waiter(domain, is_gone=is_gone, over=self._stopping)
        self._waiters.setdefault(domain, set()).add(waiter)
        self._count += 1
        self._somebody.set()
        try:
            yield waiter
        finally:
            self._leave(waiter)

    def _leave(self, waiter: Waiter) -> None:
        self._count -= 1
        others = self._waiters[waiter.domain]
        others.discard(waiter)
        if not others:
            del self._waiters[waiter.domain]
        if not self._waiters:
            self._somebody.clear()

    async def _look(self) -> None:
        while True:
            await self._somebody.wait()
            await asyncio.sleep(self.look_seconds)
            self._dismiss()
            try:
                await self._compare()
            except StoreUnavailable:
                logger.debug("heads_not_read")
            except Exception:
                # Who waits still gets an answer at the end of its time.
                logger.exception("heads_not_read")

    def _dismiss(self) -> None:
        """End the waits of clients that hung up."""
        for waiters in self._waiters.values():
            for waiter in waiters:
                if waiter.is_gone():
                    waiter.end()

    async def _compare(self) -> None:
        """Wake those whose log has grown, by whichever process."""
        names = list(self._waiters)
        heads = await self._store.aside(partial(_heads, self._store, names))
        for domain, position in heads.items():
            for waiter in self._waiters.get(domain, ()):
                if waiter.position < position:
                    waiter.wake()


def _heads(store: Store, names: list[str]) -> dict[str, int]:
    return store.look(partial(head_positions, names=names)) if names else {}


CHANGE_WAITERS = AppKey("change_waiters", ChangeWaiters)
"""Where handlers find it."""
