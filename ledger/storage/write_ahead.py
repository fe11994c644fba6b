"""The write-ahead log of a SQLite file: made small again when nobody writes.

SQLite writes it over from its beginning once all of it is in the database and nobody
reads from it; it never gets shorter by that. A reader that takes long makes it grow,
and it would stay as long as it ever was.
"""

from __future__ import annotations

from pathlib import Path

from ledger.storage.connection import Connection

WORTH_IT = 4 * 1024 * 1024
"""A log of fewer bytes is left alone."""

_SQLITE = "sqlite:///"
_PATIENCE = 100
"""Milliseconds for which a reader is awaited: as long as a writer may have to wait."""


class WriteAheadLog:
    """The write-ahead log beside a SQLite file; PostgreSQL looks after its own."""

    def __init__(self, url: str) -> None:
        """Name the file; it need not be there."""
        path = url.removeprefix(_SQLITE)
        self._file = None if path == url else Path(f"{path}-wal")
        self._seen: tuple[int, int] | None = None

    @property
    def is_a_file(self) -> bool:
        """Tell whether the database keeps one where it can be seen."""
        return self._file is not None

    def lies_idle(self) -> bool:
        """Tell whether it is large, and as it was when it was last looked at."""
        before, self._seen = self._seen, self._look()
        return (
            self._seen is not None and self._seen == before and self._seen[0] > WORTH_IT
        )

    def _look(self) -> tuple[int, int] | None:
        if self._file is None:
            return None
        try:
            found = self._file.stat()
        except OSError:
            return None
        return found.st_size, found.st_mtime_ns


def shorten(conn: Connection) -> bool:
    """Bring the log into the database and cut it off; tell whether that was possible.

    Outside of transactions. Most is done while others write; only for the end are they
    held up, no longer than a tenth of a second. Who reads longer postpones it.
    """
    raw = conn.raw
    usual, *_ = raw.execute("PRAGMA busy_timeout").fetchone()
    raw.execute(f"PRAGMA busy_timeout = {_PATIENCE}").fetchall()
    try:
        raw.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        busy, *_ = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        raw.execute(f"PRAGMA busy_timeout = {usual}").fetchall()
    return not busy
