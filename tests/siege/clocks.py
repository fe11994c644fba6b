"""A clock that jumps, under a store with writers.

The clock of a live process cannot be set without setting that of the machine, or
tricks with its loader. So this round is in the siege's own process, once the server is
stopped: the product's guard and store, on the besieged database, and a wall clock that
the siege moves. How a server of its own process and its ``readyz`` tell of it is held
by ``tests/http/about/test_clock.py``.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from ledger.clock import now_micros
from ledger.clock_guard import ClockGuard, Clocks
from ledger.entry import Head
from ledger.errors import ClockJumped
from ledger.ids import new_id
from ledger.store import Store, open_store
from tests.kit import build
from tests.siege.city import OURS, City
from tests.siege.tally import Tally

ME = "clocks"
LIMIT = 600
_SECOND = 1_000_000
_JUMPS = (
    -86_400,
    -3_600,
    -1,
    0,
    0,
    0,
    60,
    LIMIT // 2,
    LIMIT + 5,
    86_400,
    3_000_000_000,
)
_WRITERS = 3


@dataclass
class Wall:
    """A wall clock that somebody sets."""

    jump: int = 0
    """Seconds that it is ahead of the true one."""

    def __call__(self) -> int:
        """Return the time that it shows."""
        return now_micros() + self.jump * _SECOND


def attack(city: City, tally: Tally, *, seed: int, seconds: float) -> None:
    """Let the clock jump until the time is over; some write at once all the while.

    The guard goes along with what it has accepted: a jump counts from there.
    """
    rng = random.Random(seed)
    wall, boot = Wall(), new_id()
    guard = ClockGuard(limit=LIMIT, clocks=Clocks(wall=wall, boot=lambda: boot))
    store = open_store(city.url)
    store.watch_clock = guard.look
    until, vouched, turn = time.monotonic() + seconds, 0, 0
    try:
        with ThreadPoolExecutor(_WRITERS) as pool:
            while turn < len(_JUMPS) or time.monotonic() < until:
                wall.jump = rng.choice(_JUMPS) if turn else 0
                turn += 1
                before = _head(store)
                taken = wall.jump <= vouched + LIMIT
                # A log that has come to this time is not harmed by it.
                taken = taken or wall() <= before.appended_on + LIMIT * _SECOND
                write = partial(_write, store, wall, turn)
                outcomes = list(pool.map(write, range(_WRITERS)))
                wanted = "taken" if taken else "refused"
                fault = _fault(outcomes, wanted, before, _head(store))
                text = fault and f"jump of {wall.jump} s after {vouched} s: {fault}"
                tally.check(ME, wanted, fault=text)
                vouched = max(vouched, wall.jump) if taken else vouched
    finally:
        store.close()


def _write(store: Store, wall: Wall, turn: int, writer: int) -> str:
    """Submit a form; return what became of it."""
    body = build.a_form(form_id=f"clock-{turn}-{writer}")
    try:
        build.submit(store, body, domain=OURS, clock=wall)
    except ClockJumped:
        return "refused"
    return "taken"


def _head(store: Store) -> Head:
    with store.reading(OURS) as reader:
        return reader.head


def _fault(
    outcomes: Sequence[str], wanted: str, before: Head, after: Head
) -> str | None:
    if set(outcomes) != {wanted}:
        return f"{outcomes}, all must be {wanted}"
    grown = after.position - before.position
    if grown != (len(outcomes) if wanted == "taken" else 0):
        return f"the log has grown by {grown}"
    if grown and after.appended_on <= before.appended_on:
        return "its times do not rise"
    return None
