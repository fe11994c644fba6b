"""The kept tables about devices; ``tables.py`` names them with all others."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table

from ledger.columns import Bytes, Sortable, metadata

sync_logs = Table(
    "sync_logs",
    metadata,
    Column("domain", Sortable, primary_key=True),
    Column("sync_log_id", Sortable, primary_key=True),
    Column("user_id", Sortable, nullable=False),
    Column("request_user_id", Sortable, nullable=False),
    Column("auth_type", Sortable, nullable=False),
    Column("device_id", Sortable, nullable=False),
    Column("app_id", Sortable, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("created_on", BigInteger, nullable=False),
    Column("duration", BigInteger, nullable=False),
    Column("previous_id", Sortable),
    Column("owner_ids", Sortable, nullable=False),
    Column("cases", Integer, nullable=False),
    Column("dependent", Integer, nullable=False),
    Column("footprint", Bytes, nullable=False),
    Column("error_on", BigInteger),
    Column("error_hash", Sortable),
)
"""What was sent to each device: its cases as they were at ``position`` of the log.

``footprint`` is what ``projections/restore/footprint.py`` makes of them, compressed,
and never changes; what the device has done since is in ``sync_log_forms``.
``owner_ids`` is JSON, ``duration`` in microseconds.
"""

Index(
    "ix_sync_logs_user",
    sync_logs.c.domain,
    sync_logs.c.user_id,
    sync_logs.c.created_on,
)

sync_log_forms = Table(
    "sync_log_forms",
    metadata,
    Column("domain", Sortable, primary_key=True),
    Column("sync_log_id", Sortable, primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
"""The entries of the log that a device brought about since it was sent that."""
