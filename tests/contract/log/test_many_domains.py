"""Commands of several domains share a transaction (docs/decisions/0034)."""

from __future__ import annotations

import asyncio
import logging
import threading
from contextlib import ExitStack, closing, contextmanager

import psycopg
import pytest

from ledger.entry import Kind
from ledger.errors import ClockJumped, LedgerError, NotFound, StoreUnavailable
from ledger.heads import DamagedHead
from ledger.store import open_store
from ledger.writer import LedgerWriter
from projections.rebuild.verify import verify
from tests.kit import build
from tests.kit.defects import Defective, DefectiveForm

NAMES = ["a", "b", "c", "d"]
DAMAGE = "UPDATE domains SET settings = '-' || settings WHERE domain = 'd'"
MEND = "UPDATE domains SET settings = substr(settings, 2) WHERE domain = 'd'"
HEAD = "SELECT position FROM domains WHERE domain = %s FOR UPDATE"


@pytest.fixture
def domains(store):
    """Make some domains, whose logs are proved in the end."""
    for name in NAMES:
        build.a_domain(store, name)
    yield NAMES
    for name in NAMES:
        assert verify(store, name).ok


def form(name, **more):
    return build.a_submission(
        build.a_form([build.a_create(name, **more)], form_id=f"form of {name}")
    )


def kinds(store, domain):
    found = [entry.kind for entry in build.entries_of(store, domain)]
    return [kind for kind in found if kind is not Kind.DIRECTORY]


@contextmanager
def writing(store):
    """Lend a writer that notes its commits, and what it tells of."""
    writer = LedgerWriter(store, build.a_ledger())
    writer.commits, writer.grown = [], []
    writer.on_committed = writer.commits.append
    writer.on_commit.append(writer.grown.append)
    yield writer


async def share(writer, *work):
    """Let commands gather before a writer starts; return what became of each."""
    waiting = [asyncio.ensure_future(writer.submit(*one)) for one in work]
    await asyncio.sleep(0)
    writer.start()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    await writer.stop()
    return outcomes


async def test_commands_of_several_domains_share_a_commit(store, domains):
    """One note for the metrics, and whoever follows a log is told of his."""
    work = [(name, form(f"{name}{n}")) for n in range(3) for name in domains]
    with writing(store) as writer:
        await share(writer, *work)
    [commit] = writer.commits
    assert commit.commands == len(commit.kinds) == len(work)
    assert sorted(writer.grown) == domains
    for name in domains:
        assert kinds(store, name) == [Kind.NORMAL] * 3


def test_together_is_as_apart(store, domains):
    """What was looked up and written in common statements is each domain's own."""
    ledger = build.a_ledger()
    for _ in range(2):
        scripts = [
            [
                form("c1", update={"external_id": "x", "p": name}),
                build.changes(build.a_change(external_id="x", properties={"q": name})),
                build.a_submission(
                    build.a_form([build.a_create("photo")], form_id="with a photo"),
                    attachments=[build.a_file(content=name.encode())],
                ),
                build.a_flag("c1"),
                build.a_submission(build.a_form([build.an_update("none")])),
                form(f"only in {name}"),
            ][: 6 - place]
            for place, name in enumerate(domains)
        ]
        with store.writing_together() as heads:
            heads.take(domains)
            writers = heads.writers.values()
            ledger.process_together(list(zip(writers, scripts, strict=True)))
    for place, name in enumerate(domains):
        cases = build.cases_of(store, name)
        assert cases["c1"].properties["p"] == cases["c1"].properties["q"] == name
        assert (f"only in {name}" in cases) is (place == 0)
        assert kinds(store, name).count(Kind.DUPLICATE) >= 1


async def test_who_fails_fails_alone(store, domains):
    """A defect, a domain that nobody knows, and one whose head cannot be read."""
    with store.administering() as conn:
        conn.execute(DAMAGE)
    sound = build.a_form([build.a_create("kept")], form_id="kept")
    with writing(store) as writer:
        outcomes = await share(
            writer,
            *[(name, form(f"{name}1")) for name in domains],
            ("b", Defective()),
            ("b", DefectiveForm(sound)),
            ("nobody's", form("n1")),
            *[(name, form(f"{name}2")) for name in domains],
        )
    with store.administering() as conn:
        conn.execute(MEND)
    failed = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert [type(error) for error in failed] == [
        *(DamagedHead, ZeroDivisionError, ZeroDivisionError, NotFound, DamagedHead),
    ]
    assert kinds(store, "a") == kinds(store, "c") == [Kind.NORMAL] * 2
    assert sorted(kinds(store, "b")) == [Kind.ERROR, Kind.NORMAL, Kind.NORMAL]
    assert kinds(store, "d") == []


async def test_a_guard_refuses_its_domain_alone(store, domains):
    """As that of tables which another version of the program made."""

    def guard(_conn, head):
        if head.domain == "b":
            raise StoreUnavailable("not b")

    store.guard = guard
    with writing(store) as writer:
        outcomes = await share(writer, *[(name, form(name)) for name in domains])
    store.guard = lambda _conn, _head: None
    assert [isinstance(o, StoreUnavailable) for o in outcomes] == [
        name == "b" for name in domains
    ]
    assert store.away is None
    assert [len(kinds(store, name)) for name in domains] == [1, 0, 1, 1]


async def test_the_clock_is_held_against_each_log(store, domains):
    """As each was before the write; one that is ahead keeps no other from writing."""
    seen = []

    def watch(_conn, head):
        if head is not None:
            seen.append((head.domain, head.position))
            if head.domain == "c":
                raise ClockJumped("ahead of c")

    store.watch_clock = watch
    with writing(store) as writer:
        outcomes = await share(writer, *[(name, form(name)) for name in domains])
    store.watch_clock = lambda _conn, _head: None
    assert [isinstance(o, ClockJumped) for o in outcomes] == [
        name == "c" for name in domains
    ]
    assert set(seen) == {(name, 1) for name in domains}


@pytest.fixture
def postgresql(postgresql_url):
    """Open a store that is PostgreSQL, with domains."""
    with closing(open_store(postgresql_url)) as opened:
        for name in NAMES:
            build.a_domain(opened, name)
        yield opened


async def test_a_head_that_is_held_holds_up_nobody_else(postgresql):
    """Others commit meanwhile, in its round and later; it commits when it can."""
    with writing(postgresql) as writer, psycopg.connect(postgresql.url) as other:
        other.execute(HEAD, ("b",))
        writer.start()
        held = [
            asyncio.ensure_future(waiting)
            for waiting in (
                writer.submit("b", form("b1")),
                writer.submit("b", form("b2")),
                writer.run("b", lambda w: w.head.position),
            )
        ]
        for n in range(5):
            await asyncio.gather(
                *(writer.submit(name, form(f"{name}{n}")) for name in "acd"),
                *(writer.run(name, lambda w: w.domain) for name in "acd"),
            )
        held.append(asyncio.ensure_future(writer.submit("b", form("b3"))))
        await writer.submit("a", form("last"))
        assert not any(one.done() for one in held)
        other.rollback()
        await asyncio.gather(*held)
        await writer.submit("b", form("b4"))
        await writer.stop()
    assert kinds(postgresql, "b") == [Kind.NORMAL] * 4
    assert all(verify(postgresql, name).ok for name in NAMES)


async def test_what_waits_for_a_head_is_written_before_the_end(postgresql):
    """Who stops waits for it; several heads are waited for one after the other."""
    with writing(postgresql) as writer, psycopg.connect(postgresql.url) as other:
        for name in "ad":
            other.execute(HEAD, (name,))
        waiting = [
            asyncio.ensure_future(writer.submit(name, form(name))) for name in NAMES
        ]
        await asyncio.sleep(0)
        writer.start()
        await asyncio.gather(*waiting[1:3])
        stopping = asyncio.ensure_future(writer.stop())
        await asyncio.sleep(0.1)
        assert not stopping.done()
        other.rollback()
        await stopping
        assert not [e for e in await asyncio.gather(*waiting) if e is None]


@pytest.fixture
def seize(store):
    """Lend what has somebody else hold the head of ``b``; SQLite has no such lock."""
    with ExitStack() as stack:
        other = None
        if store.dialect.write_needs_lock:
            other = stack.enter_context(psycopg.connect(store.url))

        def take(_why=None):
            if other is not None and not take.done.is_set():
                other.execute(HEAD, ("b",))
            take.done.set()

        def let_go():
            if other is not None:
                other.rollback()

        take.done, take.let_go = threading.Event(), let_go
        yield take


async def test_keeping_a_failure_holds_up_nobody_else(store, domains, seize):
    """Where its head was seized meanwhile it is kept later, and then it is told."""
    handler = logging.Handler(logging.ERROR)
    handler.emit = seize
    logging.getLogger("ledger.writer").addHandler(handler)
    sound = build.a_form([build.a_create("kept")], form_id="kept")
    with writing(store) as writer:
        writer.start()
        failing = asyncio.ensure_future(writer.submit("b", DefectiveForm(sound)))
        await asyncio.to_thread(seize.done.wait, 60)
        async with asyncio.timeout(60):
            for n in range(3):
                await writer.submit("a", form(f"a{n}"))
        assert not failing.done() or not store.dialect.write_needs_lock
        seize.let_go()
        with pytest.raises(ZeroDivisionError):
            await failing
        await writer.stop()
    logging.getLogger("ledger.writer").removeHandler(handler)
    assert kinds(store, "b") == [Kind.ERROR]
    assert sorted(writer.grown) == ["a", "a", "a", "b"]


async def test_a_new_dictionary_holds_up_nobody_else(
    store, domains, seize, monkeypatch
):
    """Where its head was seized meanwhile it is made later, before the end."""
    trained = []
    monkeypatch.setattr("ledger.writer.wants_dictionary", lambda *_: True)
    monkeypatch.setattr(
        "ledger.writer.add_dictionary", lambda writer: trained.append(writer.domain)
    )
    with writing(store) as writer:
        writer.on_committed = seize
        writer.start()
        async with asyncio.timeout(60):
            await writer.submit("b", form("b1"))
            await writer.submit("a", form("a1"))
        assert "b" not in trained or not store.dialect.write_needs_lock
        seize.let_go()
        await writer.stop()
    assert sorted(trained) == ["a", "b"]


def test_who_holds_a_head_waits_for_no_other(postgresql):
    """Two who did would wait for each other for ever."""
    with postgresql.writing_together() as heads:
        heads.take(["a"])
        with pytest.raises(AssertionError, match="waits for no other"):
            heads.wait_for("b")


async def test_two_who_write_in_opposite_orders_never_lock_each_other_out(
    store, url, domains
):
    """Each has all domains in every round, and none of them waits for ever."""
    with closing(open_store(url)) as second:
        writers = [LedgerWriter(each, build.a_ledger()) for each in (store, second)]
        for writer in writers:
            writer.start()

        async def follow(number, names):
            for turn in range(12):
                commands = [(n, form(f"{n}{number}{turn}")) for n in names]
                await asyncio.gather(*(writers[number].submit(*c) for c in commands))

        together = asyncio.gather(follow(0, domains), follow(1, domains[::-1]))
        await asyncio.wait_for(together, 120)
        for writer in writers:
            await writer.stop()
    for name in domains:
        assert kinds(store, name) == [Kind.NORMAL] * 24


async def test_an_outage_tells_everybody(store, domains):
    """Nothing is split, and nothing is kept."""
    writer = LedgerWriter(store, build.a_ledger())

    def away(_conn, _head):
        raise StoreUnavailable("gone for now")

    store.watch_clock = away
    outcomes = await share(writer, *[(name, form(name)) for name in domains])
    store.watch_clock = lambda _conn, _head: None
    assert all(isinstance(outcome, LedgerError) for outcome in outcomes)
    assert all(kinds(store, name) == [] for name in domains)
