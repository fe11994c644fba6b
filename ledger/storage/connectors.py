"""How a connection of each driver is opened, and how it is set."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ledger.errors import StoreUnavailable
from ledger.storage.arrays import register

try:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict, make_conninfo
except ImportError:  # the extra ``postgres`` is not installed
    psycopg = None  # type: ignore[assignment]

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
_POSTGRES_OPTIONS = " ".join(
    f"-c {setting}"
    for setting in (
        "jit=off",
        "timezone=UTC",
        # Every read goes by a key, in the order of its index; no estimate of how many
        # rows a domain has may talk the planner into anything else.
        "plan_cache_mode=force_custom_plan",
        "enable_seqscan=off",
        "enable_bitmapscan=off",
        "enable_sort=off",
        "enable_indexonlyscan=off",
    )
)
_CONNECT_SECONDS = "10"
"""How long a server may take to answer that says nothing at all."""


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
    """Return what connects to a server; raises ``StoreUnavailable`` without driver."""
    if psycopg is None:
        raise StoreUnavailable(
            "PostgreSQL needs its driver: pip install 'caseledger[postgres]'"
        )

    def connect() -> Any:
        try:
            raw = psycopg.connect(
                _patient(url), autocommit=True, options=_POSTGRES_OPTIONS
            )
        except psycopg.Error as error:
            raise StoreUnavailable(
                f"cannot reach PostgreSQL: {error}".strip(),
                reason="PostgreSQL cannot be reached",
            ) from None
        register(raw)
        raw.prepare_threshold = 0
        raw.prepared_max = 500
        return raw

    return connect


def _patient(url: str) -> str:
    """Return where to connect, and for how long to try, unless that was said."""
    if "connect_timeout" in conninfo_to_dict(url):
        return url
    seconds = os.environ.get("PGCONNECT_TIMEOUT", _CONNECT_SECONDS)
    return make_conninfo(url, connect_timeout=seconds)
