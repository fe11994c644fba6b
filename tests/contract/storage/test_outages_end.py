"""Each kind of outage, from beginning to end (``rules/operator.md`` 4.3a)."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from ledger.entry import Kind
from ledger.errors import RolledBack, StoreUnavailable
from ledger.ids import new_id
from ledger.log import entries_after
from ledger.writer import LedgerWriter
from projections.rebuild.verify import verify
from tests.kit import build
from tests.kit.outages import POSTGRESQL, SQLITE

MAKERS = SQLITE | POSTGRESQL


@pytest.fixture(params=MAKERS)
def kind(request):
    """Name an outage; the database is the one that can have it."""
    return request.param


@pytest.fixture
def url(request, kind):
    """Name a database with every table."""
    made = "sqlite_url" if kind in SQLITE else "postgresql_url"
    return request.getfixturevalue(made)


@pytest.fixture
def outage(kind):
    """Return how to make it."""
    return MAKERS[kind]


@pytest.fixture
async def writer(store):
    """Make a domain, and run a writer."""
    build.a_domain(store)
    made = LedgerWriter(store, build.a_ledger())
    made.start()
    yield made
    await made.stop()


def form(name, size=0):
    """Return a form; a large one does not fit into a file that may not grow."""
    text = Random(name).randbytes(size).hex()
    return build.a_form([build.a_create(name, update={"p": text})], form_id=name)


def kinds(store):
    """Return what was appended, beside the note of the domain."""
    with store.snapshot(build.DOMAIN) as reader:
        items = entries_after(reader, 0, limit=10_000)
    return [entry.kind for entry, _ in items if entry.kind is not Kind.DIRECTORY]


def told_by(store):
    """Return a list to which the store's watch adds what it tells."""
    told = []
    store.watch.tell = lambda event, _values: told.append(event)
    return told


async def submitted(writer, *forms):
    """Return what becomes of forms that are sent at once."""
    commands = [build.a_submission(body) for body in forms]
    waiting = [writer.submit(build.DOMAIN, command) for command in commands]
    return await asyncio.gather(*waiting, return_exceptions=True)


async def test_an_outage_is_told_once_keeps_nothing_and_ends(store, writer, outage):
    """Everybody hears the same; whoever sends again has it written once."""
    told = told_by(store)
    assert [one.kind for one in await submitted(writer, form("f0"))] == [Kind.NORMAL]
    forms = [form(f"f{n}", 150_000) for n in range(1, 4)]
    with outage(store):
        with pytest.raises(StoreUnavailable):
            store.probe()
        for _ in range(2):
            found = await submitted(writer, *forms)
            assert all(isinstance(one, StoreUnavailable) for one in found)
            assert not any(isinstance(one, RolledBack) for one in found)
        with pytest.raises(StoreUnavailable):
            store.probe()
        assert store.away is not None
        assert store.away.reason
        assert told == ["store_away"]
    store.probe()
    assert store.away is None
    assert told == ["store_away", "store_back"]
    found = await submitted(writer, *forms)
    assert [receipt.kind for receipt in found] == [Kind.NORMAL] * 3
    assert kinds(store) == [Kind.NORMAL] * 4
    assert verify(store, build.DOMAIN).ok


async def test_a_write_is_what_notices_an_outage(store, writer, outage):
    """No probe is needed to see that it has begun, and only a probe ends it."""
    await submitted(writer, form("f0"))
    with outage(store):
        async with asyncio.timeout(30):
            while store.away is None:
                # A file that was moved is looked for once a second.
                await submitted(writer, form(new_id(), 150_000))
    await submitted(writer, form("f1", 150_000))
    assert store.away is not None
    store.probe()
    assert store.away is None
    assert set(kinds(store)) == {Kind.NORMAL}
