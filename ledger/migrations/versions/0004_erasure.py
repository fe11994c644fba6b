"""The guard of the log lets an erasure through (``ledger/erasure/erase.py``)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ledger.storage.dialect import PostgresqlDialect

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Give PostgreSQL's guard its new function; SQLite's is dropped and made again."""
    if op.get_bind().dialect.name == PostgresqlDialect.name:
        function, *_ = PostgresqlDialect().append_only("bodies", "position")
        op.execute(sa.text(function))
