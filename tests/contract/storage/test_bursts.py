"""Rows that wait for the next statement are written as others are (bursts.py)."""

from __future__ import annotations

from contextlib import closing

import pytest
from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, Text, select

from ledger.storage.bursts import FEW, MOST
from ledger.storage.connection import Statement
from ledger.store import open_store
from tests.kit import build

THINGS = Table(
    "things",
    MetaData(),
    Column("domain", Text, primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("words", Text),
    Column("content", LargeBinary),
    Column("much", Integer),
)
ALL = Statement(select(THINGS).order_by(THINGS.c.domain, THINGS.c.n))


@pytest.fixture
def conn(store):
    """Lend the connection of a store with a table of things."""
    content = "bytea" if store.dialect.write_needs_lock else "blob"
    with store.administering() as conn:
        conn.execute(
            f"CREATE TABLE things (domain text, n integer, words text, "
            f"content {content}, much integer, PRIMARY KEY (domain, n))"
        )
    return store.connection


def some(count, *, first=0, much=0):
    return [
        ("d", n, None if n % 3 == 0 else f"ä\u2028{n}", bytes([n % 256, 0]), much - n)
        for n in range(first, first + count)
    ]


@pytest.mark.parametrize("count", [1, 2, FEW, FEW + 1, MOST, MOST + 1])
def test_any_number_of_rows_comes_as_it_was_given(store, conn, count):
    rows = some(count)
    with conn.pipelined():
        conn.insert(THINGS, rows)
        assert conn.rows(ALL) == rows
        conn.insert_new(THINGS, some(count + 1, much=9))
        conn.upsert(THINGS, some(1, much=7))
        conn.update(THINGS, ("words",), [("d", n, "new") for n in range(count)])
        conn.delete(THINGS, [("d", n) for n in range(count - 1)])
    [last, new] = some(2, first=count - 1, much=9)
    much = 7 if count == 1 else rows[-1][-1]
    assert conn.rows(ALL) == [(*last[:2], "new", last[3], much), new]


def test_rows_stay_in_their_order(store, conn):
    """What is written first is there for what is written next, and for questions."""
    with conn.pipelined():
        for much in range(3):
            conn.upsert(THINGS, [("d", 1, "x", b"", much)])
            conn.delete(THINGS, [("d", 2)])
            conn.insert(THINGS, [("d", 2, "y", b"", much)])
        assert [row[-1] for row in conn.rows(ALL)] == [2, 2]


def test_what_is_wrong_with_rows_undoes_all(store, conn):
    """And the connection is of use afterwards, with what it had prepared or not."""
    for _ in range(2):
        with pytest.raises(Exception, match=r"(?i)unique"):
            _fail(store)
        assert conn.rows(ALL) == []
    with conn.pipelined():
        conn.upsert(THINGS, some(2))
        conn.update(THINGS, ("words",), [("d", 1, "now")])
    assert [row[2] for row in conn.rows(ALL)] == [None, "now"]


def _fail(store):
    with store.administering() as conn, conn.pipelined():
        conn.upsert(THINGS, some(2))
        conn.insert(THINGS, some(1))
        conn.update(THINGS, ("words",), [("d", 1, "never")])


def test_a_change_of_the_schema_between_rows(store, conn):
    """Over one the driver lets go of all that it has prepared."""
    for first in range(4):
        with conn.pipelined():
            conn.upsert(THINGS, some(1, first=first))
            conn.execute("CREATE TABLE other (n integer)")
            conn.upsert(THINGS, some(1, first=first))
            assert conn.rows(ALL) == some(first + 1)
        conn.execute("DROP TABLE other")


def test_a_commit_of_a_form_waits_three_times_for_the_server(postgresql_url, tmp_path):
    """For the head, for what it looks up, and for its COMMIT."""
    with closing(open_store(postgresql_url)) as store:
        build.a_domain(store)
        build.write(store, _a_form("c1"))
        with (tmp_path / "trace").open("w+") as trace:
            driver = store.connection.raw.pgconn
            driver.trace(trace.fileno())
            build.write(store, _a_form("c2"))
            driver.untrace()
            trace.seek(0)
            lines = [line.split("\t") for line in trace]
    sent = [line[-1].strip() for line in lines if line[1:2] == ["F"]]
    asked, after = sent[: sent.index("Sync")], sent[sent.index("Sync") + 1 :]
    # Whether the driver asks again behind the Sync depends on how quick the answer is.
    assert asked.count("Flush") == 2
    assert set(after) <= {"Flush"}


def _a_form(case_id):
    return build.a_submission(
        build.a_form([build.a_create(case_id)], form_id=f"form of {case_id}")
    )
