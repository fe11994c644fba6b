"""What each run of a machine knows of its clock, so that a jump is noticed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ledger.columns import Sortable
from ledger.storage.dialect import PostgresqlDialect, SqliteDialect
from ledger.tables import metadata

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Create the table of clocks."""
    op.create_table(
        "clocks",
        sa.Column("boot", Sortable, primary_key=True),
        sa.Column("ahead", sa.BigInteger, nullable=False),
        sa.Column("noted_on", sa.BigInteger, nullable=False),
    )
    is_sqlite = op.get_bind().dialect.name == SqliteDialect.name
    dialect = SqliteDialect() if is_sqlite else PostgresqlDialect()
    for statement in dialect.statistics(metadata.tables["clocks"]):
        op.execute(sa.text(statement))
