"""What was sent to each device is kept, and what it sent since."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ledger.columns import Bytes, Sortable
from ledger.storage.dialect import PostgresqlDialect, SqliteDialect
from ledger.tables import metadata

revision = "0012"
down_revision = "0011"

_USER = ["domain", "user_id", "created_on"]


def upgrade() -> None:
    """Create the tables of the sync logs."""
    op.create_table(
        "sync_logs",
        sa.Column("domain", Sortable, primary_key=True),
        sa.Column("sync_log_id", Sortable, primary_key=True),
        sa.Column("user_id", Sortable, nullable=False),
        sa.Column("request_user_id", Sortable, nullable=False),
        sa.Column("auth_type", Sortable, nullable=False),
        sa.Column("device_id", Sortable, nullable=False),
        sa.Column("app_id", Sortable, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("created_on", sa.BigInteger, nullable=False),
        sa.Column("duration", sa.BigInteger, nullable=False),
        sa.Column("previous_id", Sortable),
        sa.Column("owner_ids", Sortable, nullable=False),
        sa.Column("cases", sa.Integer, nullable=False),
        sa.Column("dependent", sa.Integer, nullable=False),
        sa.Column("footprint", Bytes, nullable=False),
        sa.Column("error_on", sa.BigInteger),
        sa.Column("error_hash", Sortable),
    )
    op.create_index("ix_sync_logs_user", "sync_logs", _USER)
    op.create_table(
        "sync_log_forms",
        sa.Column("domain", Sortable, primary_key=True),
        sa.Column("sync_log_id", Sortable, primary_key=True),
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
    is_sqlite = op.get_bind().dialect.name == SqliteDialect.name
    dialect = SqliteDialect() if is_sqlite else PostgresqlDialect()
    for name in ("sync_logs", "sync_log_forms"):
        for statement in dialect.statistics(metadata.tables[name]):
            op.execute(sa.text(statement))
