"""How often the APIs of a domain may be called (``rules/operator.md`` 5.11).

Off unless an operator says otherwise, and then it costs a look into memory. Where it is
on, every call that is let through is counted in the database, so that all processes
count as one; a call that is refused is not counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from math import ceil

from limits import RateLimitItem

from api.http.domain_settings import Remembering, SettingsReader
from api.wire.permissions import Principal
from api.wire.problems import throttled
from api.wire.rates import COMMCARE, rates_of
from ledger.clock import Clock, now_micros
from ledger.directory.user_lists import count_users
from ledger.directory.values import NO_RATE_LIMITS, WhichUsers
from ledger.failed_tries import add_tries, count_tries
from ledger.storage.connection import Connection
from ledger.store import Reader, Store
from ledger.times import Micros

_SECOND = 1_000_000
_LONGEST_WAIT = 24 * 3600
_WORKERS = WhichUsers(workers=True)


class _Full(Exception):
    """A window has no room; what was counted in the others is taken back."""


class Rates:
    """Counts the calls of each domain that has limits."""

    def __init__(
        self,
        store: Store,
        settings: SettingsReader,
        *,
        clock: Clock = now_micros,
    ) -> None:
        """Start with an empty memory; the thread begins with the first count."""
        self.clock = clock
        self._store = store
        self._settings = settings
        self._workers = Remembering(store, _count_workers)
        # One thread: calls of a process are counted one after the other, and those of
        # a busy domain never take the readers away from the others.
        self._thread = ThreadPoolExecutor(
            max_workers=1, thread_name_prefix="caseledger-rates"
        )

    async def admit(self, principal: Principal) -> None:
        """Count a call of a domain's member; raises the 429 ``Problem`` beyond a limit.

        Its ``Retry-After`` says when the fullest window ends, a day at most.
        """
        settings = await self._settings.of(principal.domain)
        if settings.rate_limits == NO_RATE_LIMITS:
            return
        if principal.username in settings.unlimited_users:
            return
        grows = settings.rate_limits == COMMCARE
        workers = await self._workers.of(principal.domain) if grows else 0
        limits = rates_of(settings.rate_limits, workers=workers)
        wait = await asyncio.get_running_loop().run_in_executor(
            self._thread, self._counted, principal.domain, limits
        )
        if wait is not None:
            raise throttled(seconds=wait)

    def close(self) -> None:
        """Stop the thread that counts."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _counted(self, domain: str, limits: Sequence[RateLimitItem]) -> int | None:
        """Count a call in all windows, or in none; return the seconds to wait then.

        The first count locks its row until the end, so that two processes never both
        take the last place.
        """
        now = self.clock()
        with suppress(_Full), self._store.administering() as conn:
            ends = [_count(conn, domain, limit, now=now) for limit in limits]
            _refuse(ends)
            return None
        wait = max(filter(None, ends)) - now
        return min(max(1, ceil(wait / _SECOND)), _LONGEST_WAIT)


def _count(
    conn: Connection, domain: str, limit: RateLimitItem, *, now: Micros
) -> Micros | None:
    """Count a call in the open window of a limit; return when it ends if it is full.

    The key leaves out how many calls there may be: that changes with the workers.
    """
    seconds = limit.get_expiry()
    key = f"calls/{seconds}/{domain}"
    add_tries(conn, key, 1, seconds=seconds, now=now)
    calls, ends_on = count_tries(conn, key, now=now)
    return ends_on if calls > limit.amount else None


def _refuse(ends: Sequence[Micros | None]) -> None:
    """Have what was counted taken back if a window is full."""
    if any(ends):
        raise _Full


def _count_workers(reader: Reader) -> int:
    return count_users(reader, _WORKERS)
