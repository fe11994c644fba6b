"""Whatever dies in the middle, what was answered is there and nothing is half there."""

from __future__ import annotations

import asyncio
import random
import re
import sqlite3
import time
from collections import Counter

import psycopg
import pytest

from ledger import log
from ledger.commands.form_states import ChangeForms, FlagCases, RebuildCases
from ledger.entry import Author, Kind
from ledger.errors import StoreUnavailable
from ledger.store import open_store
from ledger.writer import LedgerWriter
from projections.rebuild.verify import verify
from tests.kit import build, children
from tests.kit.defects import Defective, DefectiveForm

ADMIN = Author(user_id="root")


@pytest.fixture(autouse=True)
def domain(store):
    return build.a_domain(store)


class FailingConnection:
    """A driver's connection that breaks at its nth statement of a transaction."""

    def __init__(self, raw, breaks_at, plan):
        """Wrap a connection; ``plan`` is shared with whoever opens the next one."""
        self._raw = raw
        self._plan = plan
        self._breaks_at = breaks_at

    def execute(self, sql, *values):
        """Run the statement, or break."""
        self._count()
        return self._raw.execute(sql, *values)

    def executemany(self, sql, rows):
        """Run the statement, or break."""
        self._count()
        return self._raw.executemany(sql, rows)

    def __getattr__(self, name):
        return getattr(self._raw, name)

    def _count(self):
        self._plan["seen"] += 1
        if self._plan["seen"] == self._breaks_at:
            self._plan["broken"] = True
            self._break()

    def _break(self):
        if isinstance(self._raw, sqlite3.Connection):
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR
            raise error
        pid = self._raw.info.backend_pid
        info = self._raw.info
        with psycopg.connect(info.dsn, password=info.password) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [pid])


def failing(url, breaks_at):
    """Open a store whose first connection breaks once, at a statement."""
    store = open_store(url)
    connect = store.connect
    plan = {"seen": 0, "broken": False}

    def connect_once():
        raw = connect()
        if plan["broken"]:
            return raw
        return FailingConnection(raw, breaks_at, plan)

    store.connect = connect_once
    return store, plan


def some_commands():
    """Return commands that between them write every table."""
    return [
        build.a_submission(
            build.a_form(
                [
                    build.a_create("c1", update={"external_id": "x", "p": "1"}),
                    build.a_create("c2", index={"parent": "c1"}),
                ],
                form_id="f1",
            ),
            attachments=[build.a_file()],
        ),
        build.a_submission(build.a_form([build.a_block("")], form_id="f2")),
        build.a_submission(
            build.a_form(
                [build.a_block("begun", index={"parent": ""}, update={"p": "2"})],
                form_id="f3",
            )
        ),
        build.a_submission(build.a_form([build.an_update("c1", p="3")], form_id="f0")),
        ChangeForms(form_ids=("f1",), kind=Kind.ARCHIVE, author=ADMIN),
        FlagCases(case_ids=("c0",), kind=Kind.CASE_DELETE, author=ADMIN),
        RebuildCases(case_ids=("begun",), author=ADMIN),
    ]


def test_crash_is_all_or_nothing(store, url):
    """Whichever statement of a commit fails, nothing of the commit is there."""
    begun = build.a_block("begun", index={"parent": "c0"}, update={"external_id": "y"})
    build.submit(store, build.a_form([build.a_create("c0"), begun], form_id="f0"))
    before = build.dump(store)
    # The first statement is the BEGIN, before which nothing has happened.
    for breaks_at in range(2, 100):
        fragile, plan = failing(url, breaks_at)
        try:
            build.write(fragile, *some_commands())
        except StoreUnavailable:
            assert build.dump(store) == before, breaks_at
        else:
            break
        finally:
            fragile.close()
    assert not plan["broken"]
    assert breaks_at > 10
    assert verify(store, build.DOMAIN).ok
    assert len(build.cases_of(store)) == 4


async def test_a_store_serves_on_after_its_connection_broke(store, url):
    """All of a commit hear the same, and whoever sends again writes nothing twice."""
    for breaks_at in range(1, 18):
        fragile, plan = failing(url, breaks_at)
        forms = [
            build.a_form([build.a_create(f"c{n}")], form_id=f"{breaks_at}-{n}")
            for n in range(3)
        ]
        first = await _submitted(fragile, forms)
        unknown = {isinstance(one, StoreUnavailable) for one in first}
        assert len(unknown) == 1
        plan["broken"] = True
        again = await _submitted(fragile, forms)
        fragile.close()
        kinds = {one.kind for one in again}
        assert kinds <= {Kind.NORMAL, Kind.DUPLICATE}
        assert unknown == {True} or kinds == {Kind.DUPLICATE}
    names = [e.form_id for e in _entries(store) if e.kind is Kind.NORMAL]
    assert len(set(names)) == len(names) == 3 * 17
    assert not [e for e in _entries(store) if e.kind is Kind.ERROR]
    assert verify(store, build.DOMAIN).ok


async def test_a_connection_that_was_cut_in_time_costs_nobody_an_error(store, url):
    """Nothing was committed for certain, so it is done at once with another one."""
    if not url.startswith("postgresql"):
        pytest.skip("SQLite has no connection that could be cut")
    fragile, plan = failing(url, 3)
    forms = [build.a_form([build.a_create(f"c{n}")]) for n in range(3)]
    found = await _submitted(fragile, forms)
    fragile.close()
    assert plan["broken"]
    assert [receipt.kind for receipt in found] == [Kind.NORMAL] * 3


async def _submitted(store, forms):
    """Return what became of forms that share a commit."""
    writer = LedgerWriter(store, build.a_ledger())
    waiting = [writer.submit(build.DOMAIN, build.a_submission(f)) for f in forms]
    return await _together(writer, waiting)


def _entries(store):
    with store.snapshot(build.DOMAIN) as reader:
        return [entry for entry, _ in log.entries_after(reader, 0, limit=99_999)]


async def test_neighbours_of_a_bad_command_survive(store):
    """One failing command fails none of those beside it (rules/design.md 3.1)."""
    writer = LedgerWriter(store, build.a_ledger())
    forms = [build.a_form([build.a_create(f"c{n}")]) for n in range(4)]
    commands = [build.a_submission(form) for form in forms]
    commands.insert(2, Defective())
    waiting = [writer.submit(build.DOMAIN, command) for command in commands]
    found = await _together(writer, waiting)
    assert isinstance(found.pop(2), ZeroDivisionError)
    assert [receipt.kind for receipt in found] == [Kind.NORMAL] * 4
    assert sorted(build.cases_of(store)) == ["c0", "c1", "c2", "c3"]
    assert verify(store, build.DOMAIN).ok


async def test_a_form_that_meets_a_defect_is_kept_and_can_be_sent_again(store):
    """rules/case-xml.md 12.4: an error now, a normal form later."""
    writer = LedgerWriter(store, build.a_ledger())
    body = build.a_form([build.a_create()], form_id="f")
    (error,) = await _together(
        writer, [writer.submit(build.DOMAIN, DefectiveForm(body))]
    )
    assert isinstance(error, ZeroDivisionError)
    ((_, form_id, _, _, _, state, *_),) = build.dump(store)["forms"]
    assert (form_id, state) == ("f", "error")
    assert build.submit(store, body).kind is Kind.DUPLICATE
    assert list(build.cases_of(store)) == ["c1"]
    assert verify(store, build.DOMAIN).ok


async def _together(writer, waiting):
    """Let commands gather before the writer starts, so that they share a commit."""
    tasks = [asyncio.ensure_future(one) for one in waiting]
    await asyncio.sleep(0)
    writer.start()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    await writer.stop()
    return found


def _killed(what, url, attempt):
    """Run a child, kill it at a random moment, and return what it had answered."""
    child = children.start(what, url, f"r{attempt}", "4000")
    answered = [child.stdout.readline() for _ in range(random.randint(1, 90))]
    time.sleep(random.random() / 20)
    child.kill()
    answered += [line for line in child.stdout if line.endswith("\n")]
    child.wait()
    child.stdout.close()
    return [line.strip() for line in answered]


def test_what_was_acknowledged_survives_kill_9(store, url):
    """Three times a server is killed at a random moment, then everything is checked."""
    acknowledged = [line for n in range(3) for line in _killed("submit", url, n)]
    assert "" not in acknowledged
    with store.snapshot(build.DOMAIN) as reader:
        kept = Counter(e.form_id for e, _ in log.entries_after(reader, 0, limit=99_999))
    assert [name for name in acknowledged if kept[name] != 1] == []
    proved = verify(store, build.DOMAIN)
    assert proved.ok, [*proved.breaks, *map(str, proved.differences)]
    build.submit(store, build.a_form([build.an_update("shared", after="1")]))
    assert verify(store, build.DOMAIN).ok


def test_edits_and_archives_that_were_acknowledged_survive_kill_9(store, url):
    """Each is there once; what was under way is there whole or not at all."""
    acknowledged = [line for n in range(3) for line in _killed("live", url, n)]
    proved = verify(store, build.DOMAIN)
    assert proved.ok, [*proved.breaks, *map(str, proved.differences)]
    with store.snapshot(build.DOMAIN) as reader:
        kept = Counter(_act(*item) for item in log.entries_after(reader, 0, limit=9999))
    assert [act for act in acknowledged if kept[act] != 1] == []
    assert any(" archive " in act for act in acknowledged)


def _act(entry, body):
    """Return what an entry is in the words of the children."""
    if body is None:
        return f"{entry.form_id} {entry.kind} {entry.details.get('reason')}"
    turn = re.search(rb"<turn>([0-9]+)</turn>", body)
    return f"{entry.form_id} sent {turn and turn[1].decode()}"


def test_a_restarted_server_is_found_again(store, url):
    """Connections that were cut off while they lay idle cost nobody an error."""
    if not url.startswith("postgresql"):
        pytest.skip("SQLite has no server that could be restarted")
    idle = open_store(url)
    for use in (
        lambda: build.submit(idle, build.a_form([build.a_create()])),
        lambda: build.dump(idle),
        lambda: _read(idle),
    ):
        use()
        with psycopg.connect(url, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        use()
    idle.close()


def _read(store):
    with store.reading(build.DOMAIN) as reader:
        return log.count_kinds(reader)
