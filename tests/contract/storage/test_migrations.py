"""What a step of the schema does to a ledger that was there before it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import psycopg
import pytest
from alembic.script import ScriptDirectory

from ledger import migrations
from ledger.migrations import known_steps, migrate
from ledger.store import open_store
from tests.kit.steps import step_to

REFUSED = (sqlite3.IntegrityError, psycopg.errors.RaiseException)


@pytest.fixture
def store(empty_url):
    """Open a database that has no table yet."""
    opened = open_store(empty_url)
    yield opened
    opened.close()


@pytest.mark.parametrize("table", ["blobs", "blob_parts"])
def test_files_that_were_there_are_guarded_from_now_on(store, table):
    """Step 8: neither UPDATE nor DELETE of a stored file is obeyed any more."""
    step_to(store, "0007")
    rows = {"blobs": "'demo', 'd', 'x'", "blob_parts": "'demo', 'd', 1, 'x'"}
    store.connection.execute(f"INSERT INTO {table} VALUES ({rows[table]})")  # noqa: S608
    store.connection.execute(f"UPDATE {table} SET content = 'y'")  # noqa: S608
    assert migrate(store) >= 1
    for order in (f"UPDATE {table} SET content = 'z'", f"DELETE FROM {table}"):  # noqa: S608
        with pytest.raises(REFUSED, match="the log is append-only"):
            store.connection.execute(order)
    left = store.connection.raw.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608
    assert len(left) == 1
    assert left[0][-1] in {b"y", "y"}


def test_the_names_of_the_files_tell_the_steps_that_alembic_finds_in_them():
    """Which steps are pending is told without Alembic, and is the same."""
    scripts = ScriptDirectory(str(Path(migrations.__file__).parent)).walk_revisions()
    assert known_steps() == tuple(script.revision for script in scripts)[::-1]
