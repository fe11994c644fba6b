"""Attachments and files of imports are guarded as the log is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ledger.storage.dialect import PostgresqlDialect, SqliteDialect

revision = "0010"
down_revision = "0009"

_KEYS = {"blobs": ("sha256",), "blob_parts": ("sha256", "number")}


def upgrade() -> None:
    """Make the database refuse to change them, except for an erasure.

    PostgreSQL's guard gets its new function on the way.
    """
    is_sqlite = op.get_bind().dialect.name == SqliteDialect.name
    dialect = SqliteDialect() if is_sqlite else PostgresqlDialect()
    for table, key in _KEYS.items():
        for statement in dialect.append_only(table, *key):
            op.execute(sa.text(statement))
