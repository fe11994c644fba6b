"""Webhooks: who is told of new entries, and what they were told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ledger.columns import Sortable
from ledger.storage.dialect import PostgresqlDialect, SqliteDialect
from ledger.tables import metadata

revision = "0003"
down_revision = "0002"

_PENDING = sa.text("due_on IS NOT NULL")


def upgrade() -> None:
    """Create the tables of webhooks and of their deliveries."""
    _create_webhooks()
    _create_deliveries()
    is_sqlite = op.get_bind().dialect.name == SqliteDialect.name
    dialect = SqliteDialect() if is_sqlite else PostgresqlDialect()
    for name in ("webhooks", "webhook_deliveries"):
        for statement in dialect.statistics(metadata.tables[name]):
            op.execute(sa.text(statement))


def _create_webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("domain", Sortable, primary_key=True),
        sa.Column("webhook_id", Sortable, primary_key=True),
        sa.Column("url", Sortable, nullable=False),
        sa.Column("case_types", Sortable, nullable=False),
        sa.Column("xmlns", Sortable, nullable=False),
        sa.Column("active", sa.SmallInteger, nullable=False),
        sa.Column("stopped", Sortable),
        sa.Column("secret", Sortable, nullable=False),
        sa.Column("created_by", Sortable, nullable=False),
        sa.Column("created_on", sa.BigInteger, nullable=False),
        sa.Column("changed_on", sa.BigInteger, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("due_on", sa.BigInteger),
        sa.Column("lease_owner", Sortable),
        sa.Column("lease_until", sa.BigInteger, nullable=False),
    )


def _create_deliveries() -> None:
    table = "webhook_deliveries"
    op.create_table(
        table,
        sa.Column("domain", Sortable, primary_key=True),
        sa.Column("webhook_id", Sortable, primary_key=True),
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("state", Sortable, nullable=False),
        sa.Column("due_on", sa.BigInteger),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("created_on", sa.BigInteger, nullable=False),
        sa.Column("attempted_on", sa.BigInteger),
        sa.Column("status", sa.Integer),
        sa.Column("error", Sortable),
        sqlite_with_rowid=False,
    )
    keys = ["domain", "webhook_id"]
    op.create_index(f"ix_{table}_state", table, [*keys, "state", "position"])
    op.create_index(
        f"ix_{table}_due",
        table,
        [*keys, "due_on", "position"],
        sqlite_where=_PENDING,
        postgresql_where=_PENDING,
    )
