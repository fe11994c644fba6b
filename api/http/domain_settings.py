"""The settings of domains as the server knows them: read again every few seconds."""

from __future__ import annotations

import time
from collections.abc import Callable

from ledger.directory.domains import DomainSettings, get_settings
from ledger.store import Store

FRESH_FOR = 5.0
"""Seconds after which a change made by another process is seen."""

_MOST = 10_000


class SettingsReader:
    """Reads the settings of domains and remembers them for a short while."""

    def __init__(
        self, store: Store, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Start with an empty memory."""
        self._store = store
        self.clock = clock
        self._known: dict[str, tuple[float, DomainSettings]] = {}

    async def of(self, domain: str) -> DomainSettings:
        """Return the settings of a domain; raises ``NotFound``."""
        found = self._known.get(domain)
        now = self.clock()
        if found is not None and now < found[0]:
            return found[1]
        settings = await self._store.read(domain, get_settings)
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[domain] = (now + FRESH_FOR, settings)
        return settings
