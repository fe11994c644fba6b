"""The write-ahead log of SQLite is small whenever nobody writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.storage.write_ahead import WORTH_IT, WriteAheadLog, shorten
from ledger.store import open_store
from tests.kit import build


@pytest.fixture
def store(sqlite_url):
    """Open a store whose log a test can look at."""
    opened = open_store(sqlite_url)
    build.a_domain(opened)
    yield opened
    opened.close()


@pytest.fixture
def other(sqlite_url):
    """Return another process's store on the same file."""
    opened = open_store(sqlite_url)
    yield opened
    opened.close()


def size_of(store):
    """Return how many bytes the log has."""
    return Path(store.url.removeprefix("sqlite:///") + "-wal").stat().st_size


def burst(store):
    """Write some megabytes."""
    for number in range(12):
        photo = build.a_file(content=bytes([number]) * 1024 * 1024)
        build.submit(store, build.a_form([build.a_create()]), attachments=[photo])
    assert size_of(store) > WORTH_IT


def test_a_log_that_a_long_reader_made_large_is_small_when_nobody_writes(store, other):
    """And while the reader is there it is only put off: writes go on."""
    written = WriteAheadLog(store.url)
    with other.snapshot(build.DOMAIN) as reader:
        before = reader.head.position
        burst(store)
        assert not written.lies_idle()
        assert written.lies_idle()
        assert not shorten(store.connection)
        build.submit(store, build.a_form([build.a_create("c2")]))
        assert not written.lies_idle()
        assert size_of(store) > WORTH_IT
        assert other.connection is reader.conn
        assert reader.head.position == before
    assert written.lies_idle()
    assert shorten(store.connection)
    assert size_of(store) == 0
    assert not written.lies_idle()
    receipt = build.submit(store, build.a_form([build.a_create("c3")]))
    assert receipt.position is not None


def test_a_writer_is_not_refused_while_it_is_shortened(store, other):
    """Somebody who holds the file for writing puts it off, and is not put off."""
    burst(store)
    with other.writing(build.DOMAIN) as writer:
        shorten(store.connection)
        writer.save_head()
    assert shorten(store.connection)
    assert size_of(store) == 0


def test_waiting_is_what_it_was_before(store):
    """Only shortening is impatient."""
    ask = "PRAGMA busy_timeout"
    before = store.connection.raw.execute(ask).fetchone()
    shorten(store.connection)
    assert store.connection.raw.execute(ask).fetchone() == before


def test_a_checkpoint_without_the_server_cuts_it_off_too(store):
    """Where no server runs, the next lap of the log begins at its limit."""
    ask = "PRAGMA journal_size_limit"
    assert store.connection.raw.execute(ask).fetchone() == (64 * 1024 * 1024,)


def test_postgresql_looks_after_its_own():
    """There is no file to look at."""
    written = WriteAheadLog("postgresql://user@host/name")
    assert not written.is_a_file
    assert not written.lies_idle()
