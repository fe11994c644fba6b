"""What "the store cannot now" means, for both drivers, and whether it is so.

``outage_of`` is the one place that tells an outage from a defect. Whoever sent
something is not to blame for an outage, and the same will succeed when it is over: a
full disk, a lock that is not let go, a server that restarts. Statements that are wrong,
broken constraints and missing tables are defects, whatever class a driver gives them.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeGuard

from ledger.errors import ReadOnlyStore, RolledBack, StoreUnavailable

if TYPE_CHECKING:
    import psycopg

_SQLITE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOTADB,
    }
)
_PRIMARY = 0xFF
"""The bits of SQLite's result code that say what kind of error it is."""

_CLASSES = frozenset({"08", "28", "40", "53", "57", "58"})
"""Of PostgreSQL: connection, log-in, rollback, resources, intervention, system."""
_STATES = frozenset({"25006", "25P03", "25P04", "3D000", "55006", "55P03"})
"""Read-only, time-outs, a database or an object that is not to be had."""
_DAMAGED = frozenset({"XX001", "XX002"})
_READ_ONLY = "25006"
_UNDONE = frozenset({"40001", "40P01"})
"""The server has chosen this transaction to give way to another one."""
_ENDED = frozenset({"25P03", "25P04", "57P01", "57P02", "57P05"})
"""The server has closed the connection, whether that was noticed yet or not."""
_FOLLOWS = "25P02"
"""An earlier statement of the transaction failed."""


@dataclass(frozen=True, slots=True)
class Away:
    """An outage: why, in words for anybody, and since when (monotonic seconds)."""

    reason: str
    since: float


def _nobody_hears(_event: str, _values: dict[str, Any]) -> None:
    """Do nothing: nobody asked to be told of outages."""


class Watch:
    """Knows whether a store is away; whoever meets an outage notes it here.

    Only a write that was tried to the end (``Store.probe``) ends an outage: a read, or
    a commit that had nothing to write, would succeed on a full disk.
    """

    def __init__(self) -> None:
        """Begin with a store that was not seen to fail."""
        self.away: Away | None = None
        self.tell: Callable[[str, dict[str, Any]], None] = _nobody_hears
        """Is called once when an outage begins and once when it ends."""
        self._turn = Lock()

    def note(self, error: StoreUnavailable) -> None:
        """Note that the store cannot now."""
        with self._turn:
            if self.away is not None:
                return
            self.away = Away(error.reason, monotonic())
        self.tell("store_away", {"reason": " ".join(str(error).split())})

    def end(self) -> None:
        """Note that a write has succeeded."""
        with self._turn:
            away, self.away = self.away, None
        if away is not None:
            seconds = round(monotonic() - away.since, 3)
            self.tell("store_back", {"reason": away.reason, "seconds": seconds})


def outage_of(
    error: BaseException, *, lost: bool = False, committing: bool = False
) -> StoreUnavailable | None:
    """Return what an error of a driver means if it is an outage, else nothing.

    ``lost`` tells that the connection is of no use any more, ``committing`` that the
    COMMIT had been sent, so that nobody knows what became of it.
    """
    first = _first(error)
    if isinstance(first, sqlite3.Error):
        return _of_sqlite(first)
    if _is_psycopgs(first):
        return _of_postgresql(first, lost=lost, committing=committing)
    return None


def _first(error: BaseException) -> BaseException:
    """Return the error that others only follow, as in an aborted pipeline."""
    while error.__context__ is not None and _follows(error):
        error = error.__context__
    return error


def _follows(error: BaseException) -> bool:
    if not _is_psycopgs(error):
        return False
    return _is_aborted(error) or error.sqlstate == _FOLLOWS


def _is_psycopgs(error: BaseException) -> TypeGuard[psycopg.Error]:
    """Tell whether PostgreSQL's driver raised it, which then has been imported."""
    driver = sys.modules.get("psycopg")
    return driver is not None and isinstance(error, driver.Error)


def _of_sqlite(error: sqlite3.Error) -> StoreUnavailable | None:
    # Errors of the module itself have no code: they are about what it was given.
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY
    if code not in _SQLITE:
        return None
    reason = str(error)
    if code == sqlite3.SQLITE_READONLY:
        return ReadOnlyStore(f"the database is read-only: {reason}", reason=reason)
    text = f"the database file cannot be used: {reason}"
    return StoreUnavailable(text, reason=reason)


def _of_postgresql(
    error: psycopg.Error, *, lost: bool, committing: bool
) -> StoreUnavailable | None:
    state = error.sqlstate or ""
    said = error.diag.message_primary
    if lost or state in _ENDED:
        reason = said or "the connection was lost"
        if committing:
            # Whoever sends it again is told what became of it.
            text = f"the connection was lost while it committed: {reason}"
            return StoreUnavailable(text, reason=reason)
        return RolledBack(f"the connection was lost: {reason}", reason=reason)
    if not _is_outage(error, state):
        return None
    reason = said or "PostgreSQL does not answer"
    if state == _READ_ONLY:
        return ReadOnlyStore(f"the database is read-only: {reason}", reason=reason)
    kind = RolledBack if state in _UNDONE else StoreUnavailable
    return kind(f"PostgreSQL cannot do it now: {said or error}", reason=reason)


def _is_outage(error: psycopg.Error, state: str) -> bool:
    if state:
        return state[:2] in _CLASSES or state in _STATES | _DAMAGED
    # The driver's own: what the server never said, it was not there to say.
    operational = isinstance(error, sys.modules["psycopg"].OperationalError)
    return operational and not _is_aborted(error)


def _is_aborted(error: psycopg.Error) -> bool:
    return isinstance(error, sys.modules["psycopg"].errors.PipelineAborted)
