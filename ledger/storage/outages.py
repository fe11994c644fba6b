"""Which errors mean that the database is away, so that trying again later has sense."""

from __future__ import annotations

import sqlite3

try:
    from psycopg import OperationalError as _LostServer
except ImportError:  # the extra ``postgres`` is not installed
    _LostServer = sqlite3.OperationalError  # type: ignore[assignment, misc]

OUTAGES: tuple[type[Exception], ...] = (sqlite3.OperationalError, _LostServer)
