"""The tables that are kept for ever: the log, its blobs, the directory, bookkeeping.

``domain`` leads every key of a table that belongs to a domain
(``rules/design.md`` 1.1). Changes of these tables are Alembic migrations
(``migrations/``); read tables live elsewhere.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    SmallInteger,
    Table,
    text,
)

from ledger.columns import Bytes, Sortable
from ledger.columns import metadata as metadata  # noqa: PLC0414 - all find it here
from ledger.device_tables import sync_log_forms as sync_log_forms  # noqa: PLC0414
from ledger.device_tables import sync_logs as sync_logs  # noqa: PLC0414

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

domain_list = Table(
    "domain_list",
    metadata,
    Column("domain", Sortable, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("created_on", BigInteger, nullable=False),
    Column("digest", Bytes, nullable=False),
)
"""Every domain there ever was, in the order of their births; never changed.

Each line's ``digest`` covers the one before, so that a domain of which nothing is left
is missed.
"""

Index("ix_domain_list_number", domain_list.c.number, unique=True)

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
"""The log: headers only, so that bodies can be moved or erased (rule 2.2)."""

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
"""The bytes of attachments, by digest; of a large file the first part."""

blob_parts = Table(
    "blob_parts",
    metadata,
    Column("domain", Sortable, primary_key=True),
    Column("sha256", Sortable, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("content", Bytes, nullable=False),
)
"""What comes behind the first part of a large file, counted from 1."""

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

clocks = Table(
    "clocks",
    metadata,
    Column("boot", Sortable, primary_key=True),
    Column("ahead", BigInteger, nullable=False),
    Column("noted_on", BigInteger, nullable=False),
)
"""How far, in each run of a machine, its wall clock is ahead of the steady one that
nobody can set (``clock_guard.py``). It is about machines: a backup leaves it out."""

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
    Column("profile", Sortable),
    Column("deleted_on", BigInteger),
)
"""Who may come in; one row for each domain a person belongs to. ``profile`` is JSON;
a user who was deleted keeps the row, so that the name stays taken."""

Index("ix_users_username", users.c.domain, users.c.username, unique=True)

user_locations = Table(
    "user_locations",
    metadata,
    Column("domain", Sortable, primary_key=True),
    Column("user_id", Sortable, primary_key=True),
    Column("location_id", Sortable, primary_key=True),
    Column("place", Integer, nullable=False),
    Column("is_primary", SmallInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""Where users work, in the order they were given."""

Index(
    "ix_user_locations_location", user_locations.c.domain, user_locations.c.location_id
)

groups = Table(
    "groups",
    metadata,
    Column("domain", Sortable, primary_key=True),
    Column("group_id", Sortable, primary_key=True),
    Column("name", Sortable, nullable=False),
    Column("case_sharing", SmallInteger, nullable=False),
    Column("reporting", SmallInteger, nullable=False),
    Column("data", Sortable, nullable=False),
    Column("created_on", BigInteger, nullable=False),
    Column("changed_on", BigInteger, nullable=False),
    Column("deleted_on", BigInteger),
)
"""Groups of users; one with ``case_sharing`` may own cases. ``data`` is JSON."""

Index(
    "ix_groups_name",
    groups.c.domain,
    groups.c.name,
    unique=True,
    sqlite_where=text("deleted_on IS NULL"),
    postgresql_where=text("deleted_on IS NULL"),
)

group_members = Table(
    "group_members",
    metadata,
    Column("domain", Sortable, primary_key=True),
    Column("group_id", Sortable, primary_key=True),
    Column("user_id", Sortable, primary_key=True),
    Column("place", Integer, nullable=False),
    sqlite_with_rowid=False,
)
"""Who is in a group, in the order they were put there."""

Index("ix_group_members_user", group_members.c.domain, group_members.c.user_id)

location_types = Table(
    "location_types",
    metadata,
    Column("domain", Sortable, primary_key=True),
    Column("type_id", Integer, primary_key=True, autoincrement=False),
    Column("code", Sortable, nullable=False),
    Column("name", Sortable, nullable=False),
    Column("parent_id", Integer),
    Column("administrative", SmallInteger, nullable=False),
    Column("shares_cases", SmallInteger, nullable=False),
    Column("view_descendants", SmallInteger, nullable=False),
    Column("created_on", BigInteger, nullable=False),
    Column("changed_on", BigInteger, nullable=False),
)
"""The levels of places; a place whose type ``shares_cases`` may own cases."""

Index(
    "ix_location_types_code",
    location_types.c.domain,
    location_types.c.code,
    unique=True,
)

locations = Table(
    "locations",
    metadata,
    Column("domain", Sortable, primary_key=True),
    Column("location_id", Sortable, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("name", Sortable, nullable=False),
    Column("name_key", Sortable, nullable=False),
    Column("site_code", Sortable, nullable=False),
    Column("type_id", Integer, nullable=False),
    Column("parent_id", Sortable),
    Column("external_id", Sortable),
    Column("latitude", Sortable),
    Column("longitude", Sortable),
    Column("data", Sortable, nullable=False),
    Column("created_on", BigInteger, nullable=False),
    Column("changed_on", BigInteger, nullable=False),
    Column("archived_on", BigInteger),
)
"""Places. ``number`` counts them in a domain; ``name_key`` is the name without regard
to case; ``data`` is JSON. An archived one keeps its row and its site code."""

Index("ix_locations_number", locations.c.domain, locations.c.number, unique=True)
Index("ix_locations_code", locations.c.domain, locations.c.site_code, unique=True)
Index("ix_locations_name", locations.c.domain, locations.c.name_key)
Index("ix_locations_parent", locations.c.domain, locations.c.parent_id)

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
    Column("scope", Sortable),
)
"""API keys as digests; a revoked key stays as a row. A key with a ``scope`` is good for
the paths below it only, told from the domain on."""

Index("ix_api_keys_user", api_keys.c.domain, api_keys.c.user_id)
Index("ix_api_keys_digest", api_keys.c.domain, api_keys.c.key_sha256)

jobs = Table(
    "jobs",
    metadata,
    Column("domain", Sortable, primary_key=True),
    Column("job_id", Sortable, primary_key=True),
    Column("kind", Sortable, nullable=False),
    Column("state", Sortable, nullable=False),
    Column("user_id", Sortable, nullable=False),
    Column("options", Sortable, nullable=False),
    Column("progress", Sortable, nullable=False),
    Column("result", Sortable),
    Column("problem", Sortable),
    Column("attempts", Integer, nullable=False),
    Column("cancel_asked", SmallInteger, nullable=False),
    Column("ready_on", BigInteger),
    Column("lease", Sortable),
    Column("first_position", BigInteger),
    Column("last_position", BigInteger),
    Column("created_on", BigInteger, nullable=False),
    Column("started_on", BigInteger),
    Column("finished_on", BigInteger),
)
"""Work in the background. ``ready_on`` is when a worker may take the job: at once while
it waits, the end of the lease while it runs, never again once it has ended."""

Index("ix_jobs_ready", jobs.c.ready_on)
Index("ix_jobs_created", jobs.c.domain, jobs.c.created_on, jobs.c.job_id)

import_rows = Table(
    "import_rows",
    metadata,
    Column("domain", Sortable, primary_key=True),
    Column("api", Sortable, primary_key=True),
    Column("job_id", Sortable, primary_key=True),
    Column("record", Integer, primary_key=True, autoincrement=False),
    Column("file", Sortable, nullable=False),
    Column("row_number", Integer),
    Column("outcome", Sortable, nullable=False),
    Column("form_id", Sortable),
    Column("case_ids", Sortable, nullable=False),
    Column("error_id", Sortable),
    Column("messages", Sortable, nullable=False),
    Column("shown", Sortable),
    sqlite_with_rowid=False,
)
"""What became of each record of a batch import (``rules/batch-imports.md`` R0.5).

The lists ``case_ids`` and ``messages`` are JSON, and so is ``shown``, the row as it is
told.
"""

batch_controls = Table(
    "batch_controls",
    metadata,
    Column("domain", Sortable, primary_key=True),
    Column("digest", Sortable, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("comment", Sortable, nullable=False),
    Column("size", Integer, nullable=False),
    Column("user_id", Sortable, nullable=False),
    Column("created_on", BigInteger, nullable=False),
)
"""Control files of batch imports, once for each comment; their bytes are blobs."""

Index(
    "ix_batch_controls_created",
    batch_controls.c.domain,
    batch_controls.c.created_on,
    batch_controls.c.digest,
)

batches = Table(
    "batches",
    metadata,
    Column("domain", Sortable, primary_key=True),
    Column("identifier", Sortable, primary_key=True),
    Column("control_digest", Sortable, nullable=False),
    Column("control_comment", Sortable, nullable=False),
    Column("comment", Sortable, nullable=False),
    Column("state", Sortable, nullable=False),
    Column("user_id", Sortable, nullable=False),
    Column("created_on", BigInteger, nullable=False),
)
"""Batches of files. One that was started goes on as the job with its identifier."""

Index(
    "ix_batches_created", batches.c.domain, batches.c.created_on, batches.c.identifier
)

batch_files = Table(
    "batch_files",
    metadata,
    Column("domain", Sortable, primary_key=True),
    Column("identifier", Sortable, primary_key=True),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("name", Sortable, nullable=False),
    Column("digest", Sortable, nullable=False),
    Column("size", Integer, nullable=False),
    Column("file_name", Sortable, nullable=False),
)
"""The files of a batch in the order they came; their bytes are blobs."""

webhooks = Table(
    "webhooks",
    metadata,
    Column("domain", Sortable, primary_key=True),
    Column("webhook_id", Sortable, primary_key=True),
    Column("url", Sortable, nullable=False),
    Column("case_types", Sortable, nullable=False),
    Column("xmlns", Sortable, nullable=False),
    Column("active", SmallInteger, nullable=False),
    Column("stopped", Sortable),
    Column("secret", Sortable, nullable=False),
    Column("created_by", Sortable, nullable=False),
    Column("created_on", BigInteger, nullable=False),
    Column("changed_on", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("due_on", BigInteger),
    Column("lease_owner", Sortable),
    Column("lease_until", BigInteger, nullable=False),
)
"""Who is told of new entries. Everything up to ``position`` has been looked at; a
delivery is due at ``due_on``; until ``lease_until`` one process alone delivers."""

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("domain", Sortable, primary_key=True),
    Column("webhook_id", Sortable, primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("state", Sortable, nullable=False),
    Column("due_on", BigInteger),
    Column("attempts", Integer, nullable=False),
    Column("created_on", BigInteger, nullable=False),
    Column("attempted_on", BigInteger),
    Column("status", Integer),
    Column("error", Sortable),
    sqlite_with_rowid=False,
)
"""What each webhook is told: ``pending``, ``delivered`` or ``dead``; only what is
pending is due."""

Index(
    "ix_webhook_deliveries_state",
    webhook_deliveries.c.domain,
    webhook_deliveries.c.webhook_id,
    webhook_deliveries.c.state,
    webhook_deliveries.c.position,
)
Index(
    "ix_webhook_deliveries_due",
    webhook_deliveries.c.domain,
    webhook_deliveries.c.webhook_id,
    webhook_deliveries.c.due_on,
    webhook_deliveries.c.position,
    sqlite_where=text("due_on IS NOT NULL"),
    postgresql_where=text("due_on IS NOT NULL"),
)

failed_tries = Table(
    "failed_tries",
    metadata,
    Column("key", Sortable, primary_key=True),
    Column("ends_on", BigInteger, primary_key=True, autoincrement=False),
    Column("tries", Integer, nullable=False),
)
"""How often somebody failed to sign in, by window of time; ``key`` is a digest of who.
Calls of a domain that has rate limits are counted here too, by the domain's name.
No part of any log, left out of backups, and swept when the window has ended."""

Index("ix_failed_tries_ends", failed_tries.c.ends_on)
