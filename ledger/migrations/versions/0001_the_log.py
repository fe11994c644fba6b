"""The log, its blobs, the directory and the bookkeeping of read tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ledger.columns import Bytes, Sortable
from ledger.storage.dialect import PostgresqlDialect, SqliteDialect
from ledger.tables import metadata

revision = "0001"
down_revision = None

_APPEND_ONLY = {
    "entries": "position",
    "bodies": "position",
    "dictionaries": "dictionary",
}


def upgrade() -> None:
    """Create every kept table and make the log append-only."""
    _create_log()
    _create_bytes()
    _create_answers()
    _create_bookkeeping()
    _create_directory()
    is_sqlite = op.get_bind().dialect.name == SqliteDialect.name
    dialect = SqliteDialect() if is_sqlite else PostgresqlDialect()
    for table, key in _APPEND_ONLY.items():
        for statement in dialect.append_only(table, key):
            op.execute(sa.text(statement))
    # Those of users and keys are told by steps 5 and 6, which know all their columns.
    for statement in dialect.statistics(metadata.tables["entries"]):
        op.execute(sa.text(statement))


def _create_log() -> None:
    op.create_table(
        "domains",
        sa.Column("domain", Sortable, primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("appended_on", sa.BigInteger, nullable=False),
        sa.Column("digest", Bytes, nullable=False),
        sa.Column("live_cases", sa.Integer, nullable=False),
        sa.Column("live_forms", sa.Integer, nullable=False),
        sa.Column("indexed", Sortable, nullable=False),
        sa.Column("settings", Sortable, nullable=False),
        sa.Column("created_on", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "entries",
        sa.Column("domain", Sortable, primary_key=True),
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("kind", Sortable, nullable=False),
        sa.Column("form_id", Sortable),
        sa.Column("orig_form_id", Sortable),
        sa.Column("form_position", sa.BigInteger, nullable=False),
        sa.Column("xmlns", Sortable, nullable=False),
        sa.Column("user_id", Sortable, nullable=False),
        sa.Column("received_on", sa.BigInteger, nullable=False),
        sa.Column("appended_on", sa.BigInteger, nullable=False),
        sa.Column("problem", Sortable),
        sa.Column("details", Sortable),
        sa.Column("attachments", Sortable),
        sa.Column("body_sha256", Bytes),
        sa.Column("body_length", sa.Integer, nullable=False),
        sa.Column("digest", Bytes, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_entries_form", "entries", ["domain", "form_id", "position"])


def _create_bytes() -> None:
    op.create_table(
        "bodies",
        sa.Column("domain", Sortable, primary_key=True),
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("dictionary", sa.Integer, nullable=False),
        sa.Column("body", Bytes, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "dictionaries",
        sa.Column("domain", Sortable, primary_key=True),
        sa.Column("dictionary", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("content", Bytes, nullable=False),
    )
    op.create_table(
        "blobs",
        sa.Column("domain", Sortable, primary_key=True),
        sa.Column("sha256", Sortable, primary_key=True),
        sa.Column("content", Bytes, nullable=False),
    )


def _create_answers() -> None:
    op.create_table(
        "idempotency",
        sa.Column("domain", Sortable, primary_key=True),
        sa.Column("user_id", Sortable, primary_key=True),
        sa.Column("key", Sortable, primary_key=True),
        sa.Column("request_sha256", Bytes, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("response", Bytes, nullable=False),
        sa.Column("created_on", sa.BigInteger, nullable=False),
    )


def _create_bookkeeping() -> None:
    op.create_table(
        "generations",
        sa.Column("generation", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("projection", Sortable, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("state", Sortable, nullable=False),
        sa.Column("changed_on", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "checkpoints",
        sa.Column("domain", Sortable, primary_key=True),
        sa.Column("generation", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("position", sa.BigInteger, nullable=False),
    )


def _create_directory() -> None:
    op.create_table(
        "users",
        sa.Column("domain", Sortable, primary_key=True),
        sa.Column("user_id", Sortable, primary_key=True),
        sa.Column("username", Sortable, nullable=False),
        sa.Column("role", Sortable, nullable=False),
        sa.Column("password_hash", Sortable),
        sa.Column("active", sa.SmallInteger, nullable=False),
        sa.Column("created_on", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_users_username", "users", ["domain", "username"], unique=True)
    op.create_table(
        "api_keys",
        sa.Column("domain", Sortable, primary_key=True),
        sa.Column("key_id", Sortable, primary_key=True),
        sa.Column("user_id", Sortable, nullable=False),
        sa.Column("name", Sortable, nullable=False),
        sa.Column("key_sha256", Bytes, nullable=False),
        sa.Column("read_only", sa.SmallInteger, nullable=False),
        sa.Column("created_on", sa.BigInteger, nullable=False),
        sa.Column("revoked_on", sa.BigInteger),
    )
    op.create_index("ix_api_keys_user", "api_keys", ["domain", "user_id"])
