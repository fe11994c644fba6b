"""How often somebody may fail to sign in with a password (``rules/operator.md`` 5.9).

Failures are counted for each account at each address, for each account, and for each
address, in the database, so that all processes count as one. A good sign-in writes
nothing. What is counted is whose password was tried, not whether there is such a user:
a name that nobody has is refused after as many tries as any other.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from math import ceil
from typing import NamedTuple

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

from api.wire.problems import throttled
from ledger.clock import Clock, now_micros
from ledger.failed_tries import (
    add_tries,
    count_tries,
    has_ended_windows,
    sweep_tries,
)
from ledger.storage.connection import Connection
from ledger.store import Store
from ledger.times import Micros

_SECOND = 1_000_000
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TryLimits:
    """How many failures a window of so many minutes may have."""

    of_account_at_address: int = 10
    of_account: int = 100
    at_address: int = 100
    minutes: int = 15


class Guess(NamedTuple):
    """A password that is tried: for whom, and from where."""

    account: str
    address: str

    @property
    def anybody(self) -> Guess:
        """Return what stands for whoever comes from the address."""
        return self._replace(account="")


class _Count(NamedTuple):
    """One of the counts that a guess goes into: a limit, and whose it is."""

    limit: RateLimitItem
    whose: str

    @property
    def key(self) -> str:
        """Return the key of the count as the limit makes it."""
        return self.limit.key_for(self.whose)


class Tries(Storage):
    """Keeps the counts of ``limits`` in our database, within one transaction.

    ``beside`` has what was counted and is not written yet.
    """

    STORAGE_SCHEME = None

    def __init__(
        self,
        conn: Connection,
        beside: Mapping[str, int],
        *,
        now: Micros,
    ) -> None:
        """Count over a connection that is used by this thread alone."""
        super().__init__()
        self._conn = conn
        self._beside = beside
        self._now = now

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        """Return nothing: errors of the database are told as everywhere."""
        return ()

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count so many tries in a window of ``expiry`` seconds; return how many."""
        add_tries(self._conn, key, amount, seconds=expiry, now=self._now)
        return self.get(key)

    def get(self, key: str) -> int:
        """Return how many tries the open window has."""
        tries, _ = count_tries(self._conn, key, now=self._now)
        return tries + self._beside.get(key, 0)

    def get_expiry(self, key: str) -> float:
        """Return when the open window ends, in seconds since the epoch."""
        _, ends_on = count_tries(self._conn, key, now=self._now)
        return ends_on / _SECOND

    def check(self) -> bool:
        """Tell that the database answers, which whoever made the connection knows."""
        return True

    def reset(self) -> int | None:
        """Refuse: counts end by themselves."""
        raise NotImplementedError

    def clear(self, key: str) -> None:
        """Refuse, as ``reset``."""
        raise NotImplementedError


class Guesses:
    """Counts the failures of all processes and says when there are too many."""

    def __init__(
        self,
        store: Store,
        limits: TryLimits | None = None,
        *,
        clock: Clock = now_micros,
    ) -> None:
        """Keep the limits; nothing is read yet."""
        told = limits or TryLimits()
        self.clock = clock
        self._store = store
        self._pair = _limit("pair", told.of_account_at_address, told)
        self._account = _limit("account", told.of_account, told)
        self._address = _limit("address", told.at_address, told)
        self._keys = _limit("keys", told.at_address, told)
        self._unwritten: Counter[_Count] = Counter()
        self._good: OrderedDict[Guess, None] = OrderedDict()
        self._failed: OrderedDict[str, int] = OrderedDict()
        self._failures = 0
        self._writing = asyncio.Lock()
        self._thread = ThreadPoolExecutor(
            max_workers=1, thread_name_prefix="caseledger-tries"
        )

    async def admit(self, guess: Guess) -> None:
        """Let a password be tried; raises the 429 ``Problem`` after too many failures.

        Where the account signed in well before, only its own failures there count: so
        a guesser elsewhere keeps no owner out.
        """
        counts = [_count(self._pair, *guess)]
        if guess not in self._good:
            counts.append(_count(self._account, guess.account))
            counts.append(_count(self._address, guess.address))
        await self._refuse_full(counts)

    async def has_room(self, guess: Guess) -> bool:
        """Tell whether ``admit`` would let a password be tried."""
        counts = [
            _count(self._pair, *guess),
            _count(self._account, guess.account),
        ]
        return await self._seconds_full(counts) is None

    async def note_failures(self, *guesses: Guess) -> None:
        """Count that a password was wrong, for each account that it was tried on.

        It counts from this moment on, and in all processes on return.
        """
        for guess in guesses:
            self._put_last(guess.address)
        counts = {_count(self._address, guess.address) for guess in guesses}
        for guess in guesses:
            counts.add(_count(self._pair, *guess))
            counts.add(_count(self._account, guess.account))
        await self._note(counts)

    async def note_wrong_key(self, address: str) -> None:
        """Count a wrong key; raises the 429 ``Problem`` after too many.

        Nobody guesses a key, so one that is right is never refused.
        """
        counts = [_count(self._keys, address)]
        await self._refuse_full(counts)
        await self._note(counts)

    def remember(self, guess: Guess) -> None:
        """Remember in this process where an account signed in well; writes nothing."""
        self._good[guess] = None
        self._good.move_to_end(guess)
        if len(self._good) > _REMEMBERED:
            self._good.popitem(last=False)

    def party(self, guess: Guess) -> Guess:
        """Return who waits as one until a password is verified.

        That is everybody at an address, but an account that signed in well there: it
        need not wait for its neighbours.
        """
        return guess if guess in self._good else guess.anybody

    def standing(self, party: Guess) -> int:
        """Return who is to be verified before whom, the least first.

        First come accounts where they signed in well, then addresses where nobody
        failed, then the one that failed longest ago, as this process remembers it. So
        whoever guesses waits for who does not, from however many addresses he comes.
        """
        if party in self._good:
            return -1
        return self._failed.get(party.address, 0)

    def sweep(self) -> None:
        """Forget the counts of windows that have ended; runs in a thread."""
        now = self.clock()
        if self._store.look(partial(has_ended_windows, now=now)):
            with self._store.administering() as conn:
                sweep_tries(conn, now=now)

    def close(self) -> None:
        """Stop the thread that writes."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _put_last(self, address: str) -> None:
        self._failures += 1
        self._failed[address] = self._failures
        self._failed.move_to_end(address)
        if len(self._failed) > _REMEMBERED:
            self._failed.popitem(last=False)

    async def _refuse_full(self, counts: list[_Count]) -> None:
        wait = await self._seconds_full(counts)
        if wait is not None:
            raise throttled(seconds=wait)

    async def _seconds_full(self, counts: list[_Count]) -> int | None:
        """Return for how many seconds one of the counts is full, if one is.

        What is written was committed before it is taken from what is unwritten: whoever
        looks between the two counts it twice. So nobody is refused by a look that a
        writing may have passed, only by one that keeps writings away.
        """
        if await self._store.aside(lambda: self._wait(counts)) is None:
            return None
        async with self._writing:
            return await self._store.aside(lambda: self._wait(counts))

    def _wait(self, counts: list[_Count]) -> int | None:
        """Return in a thread what ``_wait_of`` says."""
        return self._store.look(lambda conn: self._wait_of(conn, counts))

    def _wait_of(self, conn: Connection, counts: list[_Count]) -> int | None:
        """Return for how many seconds one of the counts is full, if one is."""
        beside = {count.key: self._unwritten[count] for count in counts}
        now = self.clock()
        limiter = FixedWindowRateLimiter(Tries(conn, beside, now=now))
        waits = [
            ceil(limiter.get_window_stats(limit, whose).reset_time - now / _SECOND)
            for limit, whose in counts
            if not limiter.test(limit, whose)
        ]
        return max(1, *waits) if waits else None

    async def _note(self, counts: set[_Count] | list[_Count]) -> None:
        if len(self._unwritten) > _REMEMBERED:
            # The database has not taken any for long, and guesses have not stopped.
            self._unwritten.clear()
        self._unwritten.update(counts)
        # The client that hangs up has guessed all the same.
        await asyncio.shield(asyncio.ensure_future(self._write_all()))

    async def _write_all(self) -> None:
        """Write what is counted and not written; what cannot be stays for later."""
        async with self._writing:
            counts = dict(self._unwritten)
            if not counts:
                return
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._thread, self._write, counts)
            self._unwritten -= Counter(counts)

    def _write(self, counts: Mapping[_Count, int]) -> None:
        with self._store.administering() as conn:
            limiter = FixedWindowRateLimiter(Tries(conn, {}, now=self.clock()))
            # In one order, so that two processes never wait for each other.
            for count in sorted(counts, key=lambda count: count.key):
                limiter.hit(count.limit, count.whose, cost=counts[count])


def _limit(kind: str, tries: int, told: TryLimits) -> RateLimitItem:
    return RateLimitItemPerMinute(tries, told.minutes, namespace=kind)


def _count(limit: RateLimitItem, *who: str) -> _Count:
    """Return the count of somebody under a limit, by a text that names nobody."""
    told = "\0".join((limit.namespace, *who)).encode("utf-8", "surrogatepass")
    return _Count(limit, blake2b(told, digest_size=16).hexdigest())
