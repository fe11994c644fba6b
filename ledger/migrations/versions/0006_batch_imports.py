"""Batch imports: control files, batches, and what became of each record."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ledger.columns import Sortable
from ledger.storage.dialect import PostgresqlDialect, SqliteDialect
from ledger.tables import metadata

revision = "0006"
down_revision = "0005"

_TOLD = ("api_keys", "import_rows", "batch_controls", "batches", "batch_files")


def upgrade() -> None:
    """Create the tables of batches and row results; keys get a scope."""
    op.add_column("api_keys", sa.Column("scope", Sortable))
    op.create_index("ix_api_keys_digest", "api_keys", ["domain", "key_sha256"])
    _create_rows()
    _create_batches()
    is_sqlite = op.get_bind().dialect.name == SqliteDialect.name
    dialect = SqliteDialect() if is_sqlite else PostgresqlDialect()
    for name in _TOLD:
        for statement in dialect.statistics(metadata.tables[name]):
            op.execute(sa.text(statement))


def _create_rows() -> None:
    op.create_table(
        "import_rows",
        sa.Column("domain", Sortable, primary_key=True),
        sa.Column("api", Sortable, primary_key=True),
        sa.Column("job_id", Sortable, primary_key=True),
        sa.Column("record", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("file", Sortable, nullable=False),
        sa.Column("row_number", sa.Integer),
        sa.Column("outcome", Sortable, nullable=False),
        sa.Column("form_id", Sortable),
        sa.Column("case_ids", Sortable, nullable=False),
        sa.Column("error_id", Sortable),
        sa.Column("messages", Sortable, nullable=False),
        sa.Column("shown", Sortable),
        sqlite_with_rowid=False,
    )


def _create_batches() -> None:
    op.create_table(
        "batch_controls",
        sa.Column("domain", Sortable, primary_key=True),
        sa.Column("digest", Sortable, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("comment", Sortable, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("user_id", Sortable, nullable=False),
        sa.Column("created_on", sa.BigInteger, nullable=False),
    )
    op.create_index(
        "ix_batch_controls_created",
        "batch_controls",
        ["domain", "created_on", "digest"],
    )
    op.create_table(
        "batches",
        sa.Column("domain", Sortable, primary_key=True),
        sa.Column("identifier", Sortable, primary_key=True),
        sa.Column("control_digest", Sortable, nullable=False),
        sa.Column("control_comment", Sortable, nullable=False),
        sa.Column("comment", Sortable, nullable=False),
        sa.Column("state", Sortable, nullable=False),
        sa.Column("user_id", Sortable, nullable=False),
        sa.Column("created_on", sa.BigInteger, nullable=False),
    )
    op.create_index(
        "ix_batches_created", "batches", ["domain", "created_on", "identifier"]
    )
    op.create_table(
        "batch_files",
        sa.Column("domain", Sortable, primary_key=True),
        sa.Column("identifier", Sortable, primary_key=True),
        sa.Column("place", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", Sortable, nullable=False),
        sa.Column("digest", Sortable, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("file_name", Sortable, nullable=False),
    )
