"""What is an outage and what is a defect, and how an outage begins and ends.

``rules/operator.md`` 4.3a and 4.3b.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from ledger.commands.submissions import SubmitForm
from ledger.entry import IdempotencyKey, Kind
from ledger.errors import ReadOnlyStore, RolledBack, StoreUnavailable
from ledger.log import entries_after
from ledger.store import open_store
from ledger.submit import WantsOwnCommit
from ledger.writer import LedgerWriter
from tests.kit import build
from tests.kit.defects import Defective
from tests.kit.outages import SQLITE, cut_connections, path_of, read_only
from tests.kit.wire import wire_to

BROKEN = [
    "SELECT nothing FROM domains",
    "SELECT * FROM no_such_table",
    "SELEC 1",
    "INSERT INTO domains (domain) VALUES ('lacks the rest')",
]
OF_THE_SERVER = {
    "lock": ("SET LOCAL lock_timeout = '50ms'; LOCK TABLE users", "lock timeout"),
    "statement": (
        "SET LOCAL statement_timeout = '20ms'; SELECT pg_sleep(9)",
        "timeout",
    ),
    "read-only": ("SET TRANSACTION READ ONLY; DELETE FROM idempotency", "read-only"),
    "shutdown": ("SELECT pg_terminate_backend(pg_backend_pid())", ""),
}


@pytest.fixture(autouse=True)
def domain(request):
    """Make the domain in whichever store the test has."""
    stores = {"store", "sqlite", "postgresql"} & set(request.fixturenames)
    for name in stores:
        build.a_domain(request.getfixturevalue(name))


@pytest.fixture
def sqlite(sqlite_url):
    """Open a store that is SQLite."""
    with closing(open_store(sqlite_url)) as opened:
        yield opened


@pytest.fixture
def postgresql(postgresql_url):
    """Open a store that is PostgreSQL."""
    with closing(open_store(postgresql_url)) as opened:
        yield opened


def told_by(store):
    """Return a list to which the store's watch adds what it tells."""
    told = []
    store.watch.tell = lambda event, values: told.append((event, values["reason"]))
    return told


def form(name):
    return build.a_form([build.a_create(name)], form_id=name)


def kinds(store):
    """Return what was appended, beside the note of the domain."""
    with store.snapshot(build.DOMAIN) as reader:
        items = entries_after(reader, 0, limit=10_000)
    return [entry.kind for entry, _ in items if entry.kind is not Kind.DIRECTORY]


@pytest.mark.parametrize("sql", BROKEN)
def test_a_statement_that_is_wrong_is_a_defect(store, sql):
    """It fails as it did, the store is not away, and the next statement works."""
    for use in (_in_transaction, _in_pipeline, _outside):
        with pytest.raises((sqlite3.Error, psycopg.Error)):
            use(store, sql)
    assert store.away is None
    assert kinds(store) == []


def _in_transaction(store, sql):
    with store.administering() as conn:
        for statement in sql.split("; "):
            conn.execute(statement)


def _in_pipeline(store, sql):
    with store.writing(build.DOMAIN) as writer:
        for statement in sql.split("; "):
            writer.conn.execute(statement)


def _outside(store, sql):
    store.look(lambda conn: conn.execute(sql))


@pytest.mark.parametrize("use", [_in_transaction, _in_pipeline])
@pytest.mark.parametrize(("sql", "reason"), OF_THE_SERVER.values(), ids=OF_THE_SERVER)
def test_what_the_server_cannot_now_is_an_outage(postgresql, use, sql, reason):
    """Through plain statements and through pipelines."""
    with psycopg.connect(postgresql.url) as other:
        other.execute("LOCK TABLE users IN SHARE MODE")
        with pytest.raises(StoreUnavailable) as caught:
            use(postgresql, sql)
    assert reason in caught.value.reason
    assert isinstance(caught.value, ReadOnlyStore) is (reason == "read-only")
    assert postgresql.away is not None
    postgresql.probe()
    assert postgresql.away is None


def test_the_probe_leaves_nothing(store):
    """It writes for real, and takes all of it back."""
    before = build.dump(store)
    store.probe()
    assert build.dump(store) == before
    with store.snapshot_of_all() as conn:
        count = conn.raw.execute("SELECT count(*) FROM idempotency").fetchone()
    assert count == (0,)


def test_reads_go_on_while_writes_cannot(sqlite):
    """A full disk keeps nobody from reading, and no read ends an outage."""
    with read_only(sqlite):
        with pytest.raises(ReadOnlyStore), sqlite.writing(build.DOMAIN) as held:
            held.save_head()
        with sqlite.reading(build.DOMAIN) as reader:
            assert reader.head.position == 1
        assert sqlite.away is not None


@pytest.mark.parametrize("name", ["moved", "without log"])
def test_what_was_moved_away_is_not_made_anew(sqlite, name):
    """A second file under the name of the first would be mixed up with it."""
    build.submit(sqlite, form("f0"))
    with SQLITE[name](sqlite):
        before = sorted(Path(path_of(sqlite)).parent.iterdir())
        with pytest.raises(StoreUnavailable, match="moved or replaced"):
            sqlite.probe()
        assert sorted(Path(path_of(sqlite)).parent.iterdir()) == before
    sqlite.probe()
    assert kinds(sqlite) == [Kind.NORMAL]


def test_a_connection_that_is_cut_at_work_is_an_outage(postgresql, postgresql_url):
    """One that lay idle is replaced, and nobody hears of it."""
    told = told_by(postgresql)
    cut_connections(postgresql_url)
    with postgresql.reading(build.DOMAIN) as reader:
        assert reader.head.position == 1
    assert told == []
    with pytest.raises(RolledBack):
        _in_transaction(postgresql, OF_THE_SERVER["shutdown"][0])
    assert [event for event, _ in told] == ["store_away"]


async def test_a_commit_that_nobody_heard_of_is_there_once(postgresql_url):
    """The sender is told 503 and sends again, and hears that it was there."""
    with wire_to(postgresql_url) as wire, closing(open_store(wire.url)) as store:
        build.a_domain(store)
        key = IdempotencyKey(user_id="u", key="k", request_sha256=b"r")
        for command in (
            build.a_submission(form("f1")),
            build.changes(build.a_change(), key=key),
        ):
            writer = LedgerWriter(store, build.a_ledger())
            writer.start()
            # A new connection says COMMIT in full for the first time.
            wire.breaks = True
            with pytest.raises(StoreUnavailable) as caught:
                await writer.submit(build.DOMAIN, command)
            assert not isinstance(caught.value, RolledBack)
            assert wire.broke.wait(30)
            await writer.submit(build.DOMAIN, command)
            await writer.stop()
        told = kinds(store)
        assert told.count(Kind.NORMAL) == 2
        assert set(told) <= {Kind.NORMAL, Kind.DUPLICATE}


class _Greedy(SubmitForm):
    """A form that must be the first of its commit, as an erasure."""

    def run(self, session):
        if not session.is_untouched:
            raise WantsOwnCommit
        return super().run(session)


async def test_a_split_that_was_asked_for_is_no_warning(store, caplog):
    """The other kind is one, and both say why."""
    caplog.set_level(logging.DEBUG, "ledger.writer")
    plain = [build.a_submission(form(f"f{n}")) for n in range(2)]
    last = build.a_submission(form("f2"))
    greedy = _Greedy(submission=last.submission, form=last.form)
    await _share(store, *plain, greedy)
    await _share(store, build.a_submission(form("f3")), Defective())
    splits = [r for r in caplog.records if r.message == "commit_split"]
    assert [(r.levelno, r.reason, r.commands) for r in splits] == [
        (logging.DEBUG, "WantsOwnCommit", 3),
        (logging.WARNING, "ZeroDivisionError", 2),
    ]
    assert kinds(store) == [Kind.NORMAL] * 4


async def _share(store, *commands):
    """Let commands gather before a writer starts, so that they share a commit."""
    writer = LedgerWriter(store, build.a_ledger())
    waiting = [
        asyncio.ensure_future(writer.submit(build.DOMAIN, command))
        for command in commands
    ]
    await asyncio.sleep(0)
    writer.start()
    await asyncio.gather(*waiting, return_exceptions=True)
    await writer.stop()


def test_the_driver_of_another_database_need_not_be_there(sqlite_url):
    """Without the extra ``postgres`` an outage of SQLite is told all the same."""
    code = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from ledger.store import open_store\n"
        f"store = open_store({sqlite_url!r})\n"
        "try:\n"
        "    with store.administering() as conn:\n"
        "        conn.execute('PRAGMA query_only = ON')\n"
        "        conn.execute('DROP TABLE idempotency')\n"
        "except Exception as error:\n"
        "    print(type(error).__name__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "ReadOnlyStore"
