"""A write that leaves nothing, tried to its end, to see whether the store takes any."""

from __future__ import annotations

from ledger.ids import new_id
from ledger.storage.connection import Connection
from ledger.tables import idempotency

_SIZE = 64 * 1024
"""Bytes that are asked for: on a disk that is nearly full, a row would still fit."""


def try_write(conn: Connection) -> None:
    """Insert a row, delete it and commit; raises what the driver raises.

    The row belongs to no domain. The commit has something to write all the same, and
    room for it must be found first.
    """
    for statement in conn.dialect.in_haste:
        conn.execute(statement)
    key = ("", "", new_id())
    conn.execute(conn.dialect.begin_write)
    conn.insert(idempotency, [(*key, b"", 0, bytes(_SIZE), 0)])
    conn.delete(idempotency, [key])
    conn.execute("COMMIT")
