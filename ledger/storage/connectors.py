"""How a connection of each database is opened; ``server.py`` knows PostgreSQL's."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from ledger.errors import StoreUnavailable

_SQLITE_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA cache_size = -65536",
    "PRAGMA mmap_size = 4294967296",
    "PRAGMA wal_autocheckpoint = 10000",
    "PRAGMA journal_size_limit = 67108864",
    "PRAGMA temp_store = MEMORY",
)
_SQLITE_BUSY_SECONDS = 30.0
_OLDEST_SQLITE = (3, 37, 0)


def sqlite_connector(rest: str) -> Callable[[], Any]:
    """Return what opens the file of ``sqlite://REST``; raises ``StoreUnavailable``."""
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise StoreUnavailable(
            f"SQLite {sqlite3.sqlite_version} is too old: 3.37 is the oldest that works"
        )
    if not rest.startswith("/") or len(rest) == 1:
        raise StoreUnavailable(f"sqlite://{rest} names no file: write sqlite:///FILE")
    path = Path(rest[1:])

    def connect() -> sqlite3.Connection:
        if not path.parent.is_dir():
            raise StoreUnavailable(f"the folder {path.parent} does not exist")
        try:
            raw = sqlite3.connect(
                path,
                timeout=_SQLITE_BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=512,
            )
            for pragma in _SQLITE_PRAGMAS:
                raw.execute(pragma)
        except sqlite3.Error as error:
            text = f"cannot open {path}: {error}"
            raise StoreUnavailable(text, reason=str(error)) from error
        return raw

    return connect


def postgresql_connector(url: str) -> Callable[[], Any]:
    """Return what connects to a server; raises ``StoreUnavailable`` without driver.

    The driver is imported now: whoever keeps a file has no use for it.
    """
    try:
        server = import_module("ledger.storage.server")
    except ImportError:  # the extra ``postgres`` is not installed
        raise StoreUnavailable(
            "PostgreSQL needs its driver: pip install 'caseledger[postgres]'"
        ) from None
    return partial(server.connect, url)
