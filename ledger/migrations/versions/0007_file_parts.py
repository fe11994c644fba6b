"""Files of imports are kept in parts, so that none is ever held whole."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ledger.columns import Bytes, Sortable
from ledger.storage.dialect import PostgresqlDialect, SqliteDialect
from ledger.tables import metadata

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the table of what does not fit into the row of a blob."""
    op.create_table(
        "blob_parts",
        sa.Column("domain", Sortable, primary_key=True),
        sa.Column("sha256", Sortable, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("content", Bytes, nullable=False),
    )
    is_sqlite = op.get_bind().dialect.name == SqliteDialect.name
    dialect = SqliteDialect() if is_sqlite else PostgresqlDialect()
    for statement in dialect.statistics(metadata.tables["blob_parts"]):
        op.execute(sa.text(statement))
