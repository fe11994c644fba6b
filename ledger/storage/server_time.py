"""The clock of the server of the database, which may run on another machine."""

from __future__ import annotations

from ledger.storage.connection import Connection
from ledger.storage.dialect import PostgresqlDialect

_MICROS = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"


def server_time(conn: Connection) -> int | None:
    """Return its time in microseconds since 1970-01-01 UTC; a file has no clock."""
    if conn.dialect.name != PostgresqlDialect.name:
        return None
    [micros] = conn.raw.execute(_MICROS).fetchone()
    return int(micros)
