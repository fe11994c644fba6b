"""The database itself refuses to change the log, whoever asks (rules/design.md 2.1)."""

from __future__ import annotations

import sqlite3

import psycopg
import pytest

from tests.kit import build

REFUSED = (sqlite3.IntegrityError, psycopg.errors.RaiseException)


@pytest.fixture
def written(store):
    build.a_domain(store)
    for number in range(3):
        build.submit(store, build.a_form([build.a_create(f"c{number}")]))
    with store.administering() as conn:
        conn.execute("INSERT INTO dictionaries VALUES ('demo', 1, 'x')")
        conn.execute("INSERT INTO blobs VALUES ('demo', 'd', 'x')")
        conn.execute("INSERT INTO blob_parts VALUES ('demo', 'd', 1, 'x')")
    return store


@pytest.mark.parametrize("table", build.LOG_TABLES)
@pytest.mark.parametrize(
    "order",
    [
        "UPDATE {table} SET domain = 'x'",
        "UPDATE {table} SET domain = domain",
        "DELETE FROM {table}",
        "DELETE FROM {table} WHERE domain = 'demo'",
        "TRUNCATE {table}",
    ],
)
def test_the_database_refuses_to_change_the_log(written, table, order):
    """Neither UPDATE nor DELETE nor TRUNCATE of a table of the log is obeyed."""
    conn = written.connection
    if order.startswith("TRUNCATE") and not written.dialect.write_needs_lock:
        pytest.skip("SQLite has no TRUNCATE: a DELETE without WHERE is one")
    before = build.dump(written)
    with pytest.raises(REFUSED, match="the log is append-only"):
        conn.execute(order.format(table=table))
    assert build.dump(written) == before


def test_a_row_cannot_be_replaced_by_an_upsert(written):
    """An INSERT that would replace an entry is an UPDATE and is refused."""
    row = written.connection.raw.execute("SELECT * FROM entries").fetchone()
    marks = ", ".join(["%s" if written.dialect.write_needs_lock else "?"] * len(row))
    order = (
        f"INSERT INTO entries VALUES ({marks}) "  # noqa: S608
        "ON CONFLICT (domain, position) DO UPDATE SET problem = 'altered'"
    )
    with pytest.raises(REFUSED, match="the log is append-only"):
        written.connection.raw.execute(order, row)


def test_insert_or_replace_cannot_take_an_entry_away(written):
    """SQLite's REPLACE deletes silently; the log must not be open to it."""
    if written.dialect.write_needs_lock:
        pytest.skip("only SQLite knows INSERT OR REPLACE")
    before = build.dump(written)
    with pytest.raises(REFUSED, match="the log is append-only"):
        written.connection.execute(
            "INSERT OR REPLACE INTO entries SELECT domain, position, 'error', form_id, "
            "orig_form_id, form_position, xmlns, user_id, received_on, appended_on, "
            "'altered', details, attachments, body_sha256, body_length, digest "
            "FROM entries"
        )
    assert build.dump(written) == before
