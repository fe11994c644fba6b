"""A wall clock that jumps ahead must not stamp what can never be changed.

The times of a log only rise, so an entry of the year 2126 makes every later one 2126.
Before a commit the guard compares how far the wall clock has come with how far the
steady clock has. What the wall clock is ahead of the steady one is a constant while
nobody sets it; the table ``clocks`` keeps it for each run of a machine, so that a
process that starts after a jump knows of it too (``rules/operator.md`` 4.11).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import bindparam, select

from ledger.clock import Clock, boot_id, now_micros, steady_micros
from ledger.entry import Head
from ledger.errors import ClockJumped
from ledger.storage.connection import Connection, Statement
from ledger.storage.server_time import server_time
from ledger.tables import clocks
from ledger.times import Micros, format_micros, to_micros

LATEST: Final = to_micros("2046-01-01T00:00:00.000000Z")
"""Twenty years after this release nobody believes a clock that nobody vouches for."""

_AHEAD = Statement(select(clocks.c.ahead).where(clocks.c.boot == bindparam("boot")))
_SECOND = 1_000_000

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Clocks:
    """What time it is, how time goes by, and in which run of the machine."""

    wall: Clock = now_micros
    steady: Clock = steady_micros
    boot: Callable[[], str] = boot_id


class ClockGuard:
    """Refuses commits while the wall clock is ahead of itself; one a process."""

    def __init__(self, *, limit: int, clocks: Clocks | None = None) -> None:
        """Allow jumps of up to ``limit`` seconds from here on."""
        self._limit = limit * _SECOND
        self._clocks = clocks or Clocks()
        _, self._at_start = self._read()
        self._vouched: Micros | None = None
        self._kept: Micros | None = None
        self._refusing = False
        self._told: set[str] = set()

    def look(self, conn: Connection, head: Head | None) -> None:
        """Raise ``ClockJumped`` when what is about to be committed must not be.

        ``head`` is that of the domain before the commit, ``None`` for rows beside the
        logs. A log that has come to the time that the clock shows is not harmed.
        """
        now, ahead = self._read()
        vouched = self._vouched
        if vouched is None:
            vouched = self._begin(conn, now, ahead)
        if ahead > vouched + self._limit:
            if head is not None and now <= head.appended_on + self._limit:
                return
            vouched = self._again(conn, ahead, vouched)
        if ahead > vouched:
            self._follow(conn, now, ahead)
        if head is not None and head.appended_on > now + self._limit:
            self._warn(head, now)

    def reason(self, conn: Connection) -> str | None:
        """Return why nothing is committed now, if so; changes nothing."""
        now, ahead = self._read()
        vouched = self._vouched
        if vouched is None:
            vouched = self._evidence(conn, now, ahead)
        if ahead > vouched + self._limit:
            vouched = max(vouched, self._stored(conn) or vouched)
        if ahead > vouched + self._limit:
            return str(_jumped(ahead - vouched))
        return None

    def accept(self, conn: Connection, _head: Head | None) -> None:
        """Vouch for the clock as it is, for this run of the machine."""
        now, ahead = self._read()
        self._follow(conn, now, ahead, always=True)

    def _read(self) -> tuple[Micros, Micros]:
        now = self._clocks.wall()
        return now, now - self._clocks.steady()

    def _begin(self, conn: Connection, now: Micros, ahead: Micros) -> Micros:
        """Return what is known of this run of the machine; note it if nothing is."""
        vouched = self._vouched = self._evidence(conn, now, ahead)
        boot = self._clocks.boot()
        if boot and self._kept is None:
            conn.insert_new(clocks, [(boot, vouched, now)])
            self._kept = vouched
        return vouched

    def _evidence(self, conn: Connection, now: Micros, ahead: Micros) -> Micros:
        """Return how far ahead of the steady clock the wall clock may be believed.

        What a process of this run of the machine has noted; else what the clock said
        when this process began, unless the server of the database or the age of this
        release speaks against it.
        """
        # Where a run of the machine has no id, a row may be of another run.
        self._kept = self._stored(conn) if self._clocks.boot() else None
        if self._kept is not None:
            return self._kept
        steady = now - ahead
        others = server_time(conn)
        told = LATEST if others is None else min(others, LATEST)
        return min(self._at_start, told - steady)

    def _stored(self, conn: Connection) -> Micros | None:
        found: Micros | None = conn.value(_AHEAD, boot=self._clocks.boot())
        return found

    def _again(self, conn: Connection, ahead: Micros, vouched: Micros) -> Micros:
        """Return what an operator has vouched for meanwhile; raise if nothing."""
        found = self._stored(conn)
        if found is None or ahead > found + self._limit:
            jump = ahead - vouched
            if not self._refusing:
                self._refusing = True
                logger.error("clock_jumped", extra={"seconds": _seconds(jump)})
            raise _jumped(jump)
        self._vouched = self._kept = found
        self._refusing = False
        logger.warning("clock_accepted")
        return found

    def _follow(
        self, conn: Connection, now: Micros, ahead: Micros, *, always: bool = False
    ) -> None:
        """Go along with what the clock has gained; note it before it is too much."""
        self._vouched, self._refusing = ahead, False
        boot, kept = self._clocks.boot(), self._kept
        if always or (boot and (kept is None or ahead > kept + self._limit // 2)):
            conn.upsert(clocks, [(boot, ahead, now)])
            self._kept = ahead

    def _warn(self, head: Head, now: Micros) -> None:
        """Tell once that times of a log can only rise by a microsecond each."""
        if head.domain not in self._told:
            self._told.add(head.domain)
            extra = {
                "domain": head.domain,
                "appended_on": format_micros(head.appended_on),
                "seconds": _seconds(head.appended_on - now),
            }
            logger.warning("log_ahead_of_clock", extra=extra)


def watch_nothing(_conn: Connection, _head: Head | None) -> None:
    """Accept every clock: for tools that bring times of their own."""


def how_far(ahead: Micros) -> str:
    """Return a span of time as people read it, such as ``2 days, 3:00:00``."""
    return str(timedelta(seconds=_seconds(ahead)))


def _seconds(micros: Micros) -> int:
    return (micros + _SECOND // 2) // _SECOND


def _jumped(jump: Micros) -> ClockJumped:
    return ClockJumped(
        f"The clock of the server jumped ahead by {how_far(jump)}: nothing is written "
        f"until it is right again or an operator accepts it"
    )
