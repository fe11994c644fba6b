"""Read tables are built anew beside live traffic, by whoever gets to the end."""

from __future__ import annotations

import threading
import time

import pytest

from ledger.entry import IndexedName, Kind
from ledger.errors import Conflict
from ledger.store import open_store
from projections.lists.property_names import build_step, start_index
from projections.rebuild import fresh, reading
from projections.rebuild import replay as replaying
from projections.rebuild.generations import all_generations
from projections.rebuild.replay import prune, replay
from projections.rebuild.verify import verify
from projections.rule.hashing import CASE_NAME
from tests.kit import build, children


@pytest.fixture(autouse=True)
def domain(store):
    return build.a_domain(store)


@pytest.fixture
def small_batches(monkeypatch):
    """Make a small log take many batches."""
    monkeypatch.setattr(fresh, "BATCH_ENTRIES", 20)
    monkeypatch.setattr(reading, "CHUNK", 20)
    monkeypatch.setattr(replaying, "NEAR", 5)


def fill(store, forms, *, start=0):
    for number in range(start, start + forms):
        blocks = [
            build.a_create(f"c{number % 40}", create={"case_name": f"n{number % 7}"}),
            build.an_update("shared", turn=str(number), even=str(number % 2)),
        ]
        build.submit(store, build.a_form(blocks, form_id=f"f{number}"))


def test_a_replay_gives_the_same_rows_and_swaps_them_in(store, small_batches):
    """Law 2: the tables that a replay makes equal the live ones row for row."""
    fill(store, 150)
    before = build.derived(store)
    report = replay(store, build.DOMAIN)
    with store.reading(build.DOMAIN) as reader:
        assert reader.head.live == report.generations
    assert report.entries == reader.head.position
    assert build.derived(store) == before
    assert verify(store, build.DOMAIN).ok


@pytest.mark.parametrize(
    ("limit", "most"),
    [
        ("CHUNK", 7),
        ("CHUNK_BYTES", 2_000),
        ("BATCH_ENTRIES", 1),
        ("BATCH_CASES", 5),
        ("BATCH_BYTES", 2_000),
        ("KEPT_CASES", 3),
        ("KEPT_BYTES", 3_000),
    ],
)
def test_how_much_is_read_written_and_kept_at_a_time_changes_nothing(
    store, small_batches, monkeypatch, limit, most
):
    """Law 2: entries, cases and bytes bound a batch, and no row is another."""
    fill(store, 60)
    build.submit(store, build.a_form([build.an_update("c3", even="2")], form_id="f7"))
    build.act(store, Kind.ARCHIVE, "f8", "f30")
    build.write(store, build.a_flag("c9"), build.a_rebuild("c7", "shared"))
    before = build.derived(store)
    where = reading if limit.startswith("CHUNK") else fresh
    monkeypatch.setattr(where, limit, most)
    replay(store, build.DOMAIN)
    assert build.derived(store) == before
    assert verify(store, build.DOMAIN).ok


def test_writes_go_on_during_a_replay_and_none_is_lost(store, url, small_batches):
    """docs/operating/replay.md: live traffic goes on untouched."""
    fill(store, 200)
    child = children.start("submit", url, "during", "240")
    try:
        for _ in range(3):
            replay(store, build.DOMAIN)
        answered = set(child.stdout.read().split())
        assert child.wait(60) == 0
    finally:
        child.kill()
        child.stdout.close()
    replay(store, build.DOMAIN)
    found = verify(store, build.DOMAIN)
    assert found.ok, [str(d) for d in found.differences[:5]]
    assert len(answered) == 240
    assert answered <= {row[1] for row in build.derived(store)["forms"]}


def test_a_replay_that_died_goes_on_where_it_stopped(store, small_batches):
    """docs/operating/replay.md: a killed replay resumes at its checkpoint."""
    fill(store, 120)

    def die(done, _total):
        if done >= 60:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replay(store, build.DOMAIN, progress=die)
    assert verify(store, build.DOMAIN).ok
    report = replay(store, build.DOMAIN)
    assert report.entries < 120
    assert verify(store, build.DOMAIN).ok


def test_two_replays_of_a_domain_do_not_both_go_on(store, url, small_batches):
    """The checkpoint moves only from where its replay left it."""
    fill(store, 120)
    other = open_store(url)
    began, lost = threading.Event(), []

    def meddle(done, _total):
        if done >= 40 and not began.is_set():
            began.set()
            replay(other, build.DOMAIN)

    try:
        replay(store, build.DOMAIN, progress=meddle)
    except Conflict as conflict:
        lost.append(str(conflict))
    finally:
        other.close()
    assert len(lost) == 1
    assert "at work" in lost[0]
    assert verify(store, build.DOMAIN).ok


def test_indexed_properties_are_indexed_in_the_new_tables(store, small_batches):
    """A name that was hot stays hot, with exactly the rows it needs."""
    fill(store, 90)
    with store.writing(build.DOMAIN) as writer:
        for name in ("even", CASE_NAME):
            start_index(writer, name)
            while build_step(writer, name):
                pass
    replay(store, build.DOMAIN)
    with store.reading(build.DOMAIN) as reader:
        assert [(n.name, n.built_to) for n in reader.head.indexed] == [
            ("even", None),
            (CASE_NAME, None),
        ]
        assert all(isinstance(n, IndexedName) for n in reader.head.indexed)
    found = verify(store, build.DOMAIN)
    assert found.ok, [str(d) for d in found.differences[:5]]
    assert found.rows["property_index"] == 2 * 41


def test_retired_generations_are_dropped_after_a_while(store):
    """Tables that no domain reads from go, those that are live stay."""
    fill(store, 10)
    replay(store, build.DOMAIN)
    time.sleep(0.01)
    dropped = prune(store, older_than=0)
    assert len(dropped) == 2
    assert {g.state for g in all_generations(store.connection)} == {"live"}
    assert verify(store, build.DOMAIN).ok
