"""Lets property names become hot by themselves, in the background.

Requests only count names here. A task of the event loop starts, builds and clears
indexes one short step at a time through the process's writer, pausing between steps, so
that neither writes nor reads wait for it. What it was doing is written in the heads of
the domains, so a restart goes on where the last process stopped. Several processes may
keep the same domain: each step looks at the head afresh, under its lock.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from time import monotonic

from sqlalchemy import select

from ledger.entry import Head
from ledger.errors import NotFound, StoreUnavailable
from ledger.storage.connection import Statement
from ledger.store import Store, Writer
from ledger.tables import domains
from ledger.writer import LedgerWriter
from projections.lists.property_names import (
    MOST_NAMES,
    build_step,
    clear_step,
    drop_index,
    find_name,
    start_index,
)
from projections.names import LEAVING

_USES_TO_BE_HOT = 2
_MOST_COUNTED = 10_000
_GRACE = 60.0
"""Seconds in which a reader may still use an index that was given up."""
_RETRY = 30.0
_AWAY = 5.0
"""Seconds after which a store that is away is asked again."""
_SHARE = 0.3
"""Pause after a step, as a share of what the step took."""

_DOMAINS = Statement(select(domains.c.domain, domains.c.indexed))

logger = logging.getLogger(__name__)

Errand = Callable[[Writer], object]


class IndexKeeper:
    """Counts which names are asked for and keeps their indexes."""

    def __init__(
        self, store: Store, writer: LedgerWriter, *, grace: float = _GRACE
    ) -> None:
        """Prepare; ``start`` begins to work."""
        self._store = store
        self._writer = writer
        self._grace = grace
        self._uses: Counter[tuple[str, str]] = Counter()
        self._settled: set[tuple[str, str]] = set()
        self._leaving: dict[tuple[str, str], float] = {}
        self._waiting: dict[str, float] = {}
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to work on the running event loop, with what was left unfinished."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def aclose(self) -> None:
        """Stop; what is unfinished is taken up by the next process."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def note(self, domain: str, names: Iterable[str]) -> None:
        """Count that a request filtered by these names."""
        for name in names:
            key = (domain, name)
            self._uses[key] += 1
            if key not in self._settled and self._uses[key] >= _USES_TO_BE_HOT:
                self._settled.add(key)
                self._ask_for(domain, after=0.0)
        if len(self._uses) > _MOST_COUNTED:
            self._forget_half()

    async def drain(self) -> None:
        """Work until nothing is left to do now; for tools and tests."""
        while (domain := self._due()) is not None:
            await self._tend_safely(domain)

    async def settled(self) -> None:
        """Wait until the task that ``start`` made has nothing to do now."""
        await self._idle.wait()

    async def _run(self) -> None:
        while not self._resumed():  # noqa: ASYNC110 - nobody says when it is back
            await asyncio.sleep(_AWAY)
        while True:
            await self.drain()
            self._wake.clear()
            if self._until_next() != 0.0:
                self._idle.set()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), self._until_next())
                self._idle.clear()

    def _resumed(self) -> bool:
        """Look for unfinished indexes of all domains: a marked fan-out.

        Tells whether that was possible: a store that is away is asked again.
        """
        try:
            rows = self._store.look(lambda conn: conn.rows(_DOMAINS))
        except StoreUnavailable:
            return False
        except Exception:
            logger.exception("indexes_not_resumed")
            return True
        for domain, indexed in rows:
            if indexed != "[]":
                self._ask_for(domain, after=0.0)
        return True

    def _ask_for(self, domain: str, *, after: float) -> None:
        due = monotonic() + after
        self._waiting[domain] = min(due, self._waiting.get(domain, due))
        self._wake.set()

    def _due(self) -> str | None:
        """Return a domain whose time has come."""
        now = monotonic()
        domain = next((d for d, due in self._waiting.items() if due <= now), None)
        if domain is not None:
            del self._waiting[domain]
        return domain

    def _until_next(self) -> float | None:
        """Return how long nothing is due; ``None`` is for ever."""
        if not self._waiting:
            return None
        return max(0.0, min(self._waiting.values()) - monotonic())

    async def _tend_safely(self, domain: str) -> None:
        """Work for a domain; a failure is logged and the work taken up later."""
        try:
            await self._tend(domain)
        except NotFound:
            self._settled = {key for key in self._settled if key[0] != domain}
        except StoreUnavailable:
            logger.debug("index_not_kept", extra={"domain": domain})
            self._ask_for(domain, after=_AWAY)
        except Exception:
            logger.exception("index_not_kept", extra={"domain": domain})
            self._ask_for(domain, after=_RETRY)

    async def _tend(self, domain: str) -> None:
        """Do one step after the other until the domain's indexes are settled."""
        while True:
            head = await self._store.read(domain, lambda r: r.head)
            errand = self._next_errand(head)
            if errand is None:
                return
            began = monotonic()
            await self._writer.run(domain, errand)
            await asyncio.sleep((monotonic() - began) * _SHARE)

    def _next_errand(self, head: Head) -> Errand | None:
        for indexed in head.indexed:
            if indexed.built_to == LEAVING:
                if self._may_clear(head.domain, indexed.name):
                    return partial(clear_step, name=indexed.name)
            elif indexed.built_to is not None:
                return partial(build_step, name=indexed.name)
        return self._next_wanted(head)

    def _may_clear(self, domain: str, name: str) -> bool:
        """Tell whether no reader can still use a leaving index; ask again if one may.

        A name is put on the list of the leaving when this process first sees it leave.
        """
        since = self._leaving.setdefault((domain, name), monotonic())
        wait = since + self._grace - monotonic()
        if wait > 0:
            self._ask_for(domain, after=wait)
        return wait <= 0

    def _next_wanted(self, head: Head) -> Errand | None:
        """Return how to begin the most used name that has no index yet."""
        wanted = [
            name for name, _ in self._used(head.domain) if find_name(head, name) is None
        ]
        if not wanted:
            return None
        name = wanted[0]
        self._leaving.pop((head.domain, name), None)
        present = [known for known in head.indexed if known.built_to != LEAVING]
        if len(present) < MOST_NAMES:
            return partial(start_index, name=name)
        return self._eviction(head, name)

    def _eviction(self, head: Head, wanted: str) -> Errand | None:
        """Return how to make room for a name that is used more than another one."""
        uses = {
            known.name: self._uses[head.domain, known.name]
            for known in head.indexed
            if known.built_to != LEAVING
        }
        least = min(uses, key=lambda name: uses[name])
        if uses[least] * 2 >= self._uses[head.domain, wanted]:
            # Not worth it yet: the name may ask again when it is used more.
            self._settled.discard((head.domain, wanted))
            return None
        self._settled.discard((head.domain, least))
        return partial(drop_index, name=least)

    def _used(self, domain: str) -> list[tuple[str, int]]:
        """Return the names that are to be hot, the most used first."""
        return sorted(
            (
                (name, self._uses[domain, name])
                for whose, name in self._settled
                if whose == domain
            ),
            key=lambda used: (-used[1], used[0]),
        )

    def _forget_half(self) -> None:
        """Halve all counts and forget those that reach nothing, but no hot name."""
        self._uses = Counter({key: n // 2 for key, n in self._uses.items() if n > 1})
        self._settled &= self._uses.keys()
