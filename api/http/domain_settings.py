"""What the server knows of domains, such as their settings: read again in seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar

from ledger.directory.domains import DomainSettings, get_settings
from ledger.store import Reader, Store

FRESH_FOR = 5.0
"""Seconds after which a change made by another process is seen."""

_MOST = 10_000

T = TypeVar("T")


class Remembering(Generic[T]):
    """Reads something of domains and remembers it for a short while."""

    def __init__(
        self,
        store: Store,
        read: Callable[[Reader], T],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start with an empty memory."""
        self._store = store
        self._read = read
        self.clock = clock
        self._known: dict[str, tuple[float, T]] = {}

    async def of(self, domain: str) -> T:
        """Return what holds in a domain; raises ``NotFound``."""
        known = self._known.get(domain)
        now = self.clock()
        if known is not None and now < known[0]:
            return known[1]
        found = await self._store.read(domain, self._read)
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[domain] = (now + FRESH_FOR, found)
        return found


class SettingsReader(Remembering[DomainSettings]):
    """Reads the settings of domains."""

    def __init__(
        self, store: Store, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Start with an empty memory."""
        super().__init__(store, get_settings, clock=clock)
