"""The file of a SQLite database: whether its path still leads to what is open.

SQLite goes on writing to a file that was moved away or replaced, and so does whoever
believes it: all of it would be gone with the next restart. The write-ahead log beside
the file holds commits too, so it is looked at alike.
"""

from __future__ import annotations

import os
from pathlib import Path
from threading import Lock
from time import monotonic

from ledger.errors import StoreUnavailable

_LOOK_SECONDS = 1.0

Identity = tuple[int, int]


class DatabaseFile:
    """The file that a store has open: no other one may take its place.

    There is no way back but the very same file: what another one holds, nobody of this
    process has seen.
    """

    def __init__(self, path: Path) -> None:
        """Name the path; what it leads to is noted when it is opened."""
        self._path = path
        self._log = Path(f"{path}-wal")
        self._opened: Identity | None = None
        self._log_opened: Identity | None = None
        self._look_on = 0.0
        self._turn = Lock()

    def note(self) -> None:
        """Note which file it is, after it was opened for the first time."""
        if self._opened is None:
            self._opened = _identity(self._path)

    def forget_log(self) -> None:
        """Take the log for a new one: whoever closed the file last has removed it."""
        self._log_opened = None

    def require(self) -> None:
        """Raise ``StoreUnavailable`` unless the path leads to the file, and its log.

        Whoever opened it would make what is missing, and mix up the two.
        """
        with self._turn:
            self._require()

    def require_now_and_then(self) -> None:
        """Do so at most once a second, in a write transaction; the log counts too.

        While it is refused, each time.
        """
        with self._turn:
            if monotonic() < self._look_on:
                return
            if self._log_opened is None:
                # Whoever is in a transaction has it open: nobody can have removed it.
                self._log_opened = _identity(self._log)
            self._require()
            self._look_on = monotonic() + _LOOK_SECONDS

    def _require(self) -> None:
        self._look_on = 0.0
        if self._opened not in {None, _identity(self._path)}:
            raise StoreUnavailable(
                f"the database file {self._path} was moved or replaced: put it back, "
                f"or restart the server",
                reason="the database file was moved or replaced",
            )
        if self._log_opened not in {None, _identity(self._log)}:
            raise StoreUnavailable(
                f"the write-ahead log {self._log} was moved or replaced: put it back, "
                f"or restart the server",
                reason="the write-ahead log of the database was moved or replaced",
            )


def _identity(path: Path) -> Identity | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - asked in every second commit
    except OSError:
        return None
    return found.st_dev, found.st_ino
