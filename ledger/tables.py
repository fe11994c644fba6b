"""The tables that are kept for ever: the log, its blobs, the directory, bookkeeping.

``domain`` leads every key of a table that belongs to a domain (ruling R-1). Changes of
these tables are Alembic migrations (``migrations/``); read tables live elsewhere.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
)

from ledger.columns import Bytes, Sortable

metadata = MetaData()

domains = Table(
    "domains",
    metadata,
    Column("domain", Sortable, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("appended_on", BigInteger, nullable=False),
    Column("digest", Bytes, nullable=False),
    Column("live_cases", Integer, nullable=False),
    Column("live_forms", Integer, nullable=False),
    Column("indexed", Sortable, nullable=False),
    Column("settings", Sortable, nullable=False),
    Column("created_on", BigInteger, nullable=False),
)
"""The head of each log: one row that a writer holds while it appends."""

entries = Table(
    "entries",
    metadata,
    Column("domain", Sortable, primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Sortable, nullable=False),
    Column("form_id", Sortable),
    Column("orig_form_id", Sortable),
    Column("form_position", BigInteger, nullable=False),
    Column("xmlns", Sortable, nullable=False),
    Column("user_id", Sortable, nullable=False),
    Column("received_on", BigInteger, nullable=False),
    Column("appended_on", BigInteger, nullable=False),
    Column("problem", Sortable),
    Column("details", Sortable),
    Column("attachments", Sortable),
    Column("body_sha256", Bytes),
    Column("body_length", Integer, nullable=False),
    Column("digest", Bytes, nullable=False),
    sqlite_with_rowid=False,
)
"""The log: headers only, so that bodies can be moved or erased (ruling R-21)."""

Index("ix_entries_form", entries.c.domain, entries.c.form_id, entries.c.position)

bodies = Table(
    "bodies",
    metadata,
    Column("domain", Sortable, primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("dictionary", Integer, nullable=False),
    Column("body", Bytes, nullable=False),
    sqlite_with_rowid=False,
)
"""The bytes of each entry as they came, compressed; ``dictionary`` 0 means none."""

dictionaries = Table(
    "dictionaries",
    metadata,
    Column("domain", Sortable, primary_key=True),
    Column("dictionary", Integer, primary_key=True, autoincrement=False),
    Column("content", Bytes, nullable=False),
)
"""What bodies were compressed with; never changed, never deleted."""

blobs = Table(
    "blobs",
    metadata,
    Column("domain", Sortable, primary_key=True),
    Column("sha256", Sortable, primary_key=True),
    Column("content", Bytes, nullable=False),
)
"""The bytes of attachments, by digest."""

idempotency = Table(
    "idempotency",
    metadata,
    Column("domain", Sortable, primary_key=True),
    Column("user_id", Sortable, primary_key=True),
    Column("key", Sortable, primary_key=True),
    Column("request_sha256", Bytes, nullable=False),
    Column("status", Integer, nullable=False),
    Column("response", Bytes, nullable=False),
    Column("created_on", BigInteger, nullable=False),
)
"""Answers given under an ``Idempotency-Key``, to be given again."""

generations = Table(
    "generations",
    metadata,
    Column("generation", Integer, primary_key=True, autoincrement=False),
    Column("projection", Sortable, nullable=False),
    Column("version", Integer, nullable=False),
    Column("state", Sortable, nullable=False),
    Column("changed_on", BigInteger, nullable=False),
)
"""The physical sets of read tables: ``building``, ``live`` or ``retired``."""

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("domain", Sortable, primary_key=True),
    Column("generation", Integer, primary_key=True, autoincrement=False),
    Column("position", BigInteger, nullable=False),
)
"""How far a generation that is being built has come in each log."""

users = Table(
    "users",
    metadata,
    Column("domain", Sortable, primary_key=True),
    Column("user_id", Sortable, primary_key=True),
    Column("username", Sortable, nullable=False),
    Column("role", Sortable, nullable=False),
    Column("password_hash", Sortable),
    Column("active", SmallInteger, nullable=False),
    Column("created_on", BigInteger, nullable=False),
)
"""Who may come in; one row for each domain a person belongs to."""

Index("ix_users_username", users.c.domain, users.c.username, unique=True)

api_keys = Table(
    "api_keys",
    metadata,
    Column("domain", Sortable, primary_key=True),
    Column("key_id", Sortable, primary_key=True),
    Column("user_id", Sortable, nullable=False),
    Column("name", Sortable, nullable=False),
    Column("key_sha256", Bytes, nullable=False),
    Column("read_only", SmallInteger, nullable=False),
    Column("created_on", BigInteger, nullable=False),
    Column("revoked_on", BigInteger),
)
"""API keys as digests; a revoked key stays as a row."""

Index("ix_api_keys_user", api_keys.c.domain, api_keys.c.user_id)

LOG_TABLES = ("entries", "bodies", "dictionaries")
"""The tables that the database itself refuses to change."""
