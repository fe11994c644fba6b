"""Failed tries to sign in are counted for all processes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ledger.columns import Sortable
from ledger.storage.dialect import PostgresqlDialect, SqliteDialect
from ledger.tables import metadata

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Create the table of the counts."""
    op.create_table(
        "failed_tries",
        sa.Column("key", Sortable, primary_key=True),
        sa.Column("ends_on", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("tries", sa.Integer, nullable=False),
    )
    op.create_index("ix_failed_tries_ends", "failed_tries", ["ends_on"])
    is_sqlite = op.get_bind().dialect.name == SqliteDialect.name
    dialect = SqliteDialect() if is_sqlite else PostgresqlDialect()
    for statement in dialect.statistics(metadata.tables["failed_tries"]):
        op.execute(sa.text(statement))
