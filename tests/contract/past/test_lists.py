"""Lists of the past: folded once for all pages, bounded, and gone when they must be."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import replace

import pytest

from ledger import log
from ledger.entry import Entry, Kind
from ledger.errors import Conflict, NotFound, Overloaded
from ledger.times import next_tick
from projections.lists.filter import CaseFilter, Page
from projections.past.lists import Past
from tests.kit import build
from tests.kit.build import DOMAIN, NOW
from tests.kit.receiver import until

ALL = CaseFilter()


@pytest.fixture
def times(store):
    """Write six forms a second apart, each with a case of its own; return when."""
    build.a_domain(store)
    found = []
    for number in range(1, 7):
        found.append(NOW + number * 1_000_000)
        clock = build.FixedClock(found[-1])
        build.submit(store, build.a_form([build.a_create(f"c{number}")]), clock=clock)
    return found


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    """Let folds be kept in a folder of their own; return what is in it now."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return lambda: sorted(tmp_path.glob("caseledger-past-*"))


@pytest.fixture
async def past(store, times, scratch):
    """Open the lists of the past."""
    opened = Past(store, most_entries=6)
    yield opened
    await opened.aclose()
    assert scratch() == []


async def ids(past, when, *, limit=10, after=None, asked=ALL):
    """Return the ids of a page, the total, and where the next page begins."""
    page = await past.read_page(
        DOMAIN, when=when, asked=asked, page=Page(limit=limit, after=after)
    )
    return [row.case_id for row in page.rows], page.total, page.after


async def test_a_list_is_what_it_was(past, times):
    """Before the log there is nothing; at its end and later is the present."""
    assert await ids(past, NOW - 1) == ([], 0, None)
    assert await ids(past, NOW) == ([], 0, None)
    assert (await ids(past, times[2]))[0] == ["c1", "c2", "c3"]
    assert (await ids(past, times[2] - 1))[0] == ["c1", "c2"]
    assert (await ids(past, times[-1]))[1] == 6
    assert (await ids(past, times[-1] + 10**15))[1] == 6


async def test_pages_of_a_list_are_of_one_moment(past, times, store, scratch):
    """What is written between two pages changes none of them, and nothing is folded."""
    first = await ids(past, times[3], limit=2)
    [folder] = scratch()
    build.submit(store, build.a_form([build.an_update("c3", new="yes")]))
    assert first[:2] == (["c1", "c2"], 4)
    second = await ids(past, times[3], limit=2, after=first[2])
    assert second == (["c3", "c4"], 4, None)
    assert scratch() == [folder]


async def test_filters_are_answered_as_they_would_have_been(past, times, store):
    """A property that is set later was not there."""
    clock = build.FixedClock(times[-1] + 1_000_000)
    build.submit(store, build.a_form([build.an_update("c3", p="x")]), clock=clock)
    asked = CaseFilter(properties={"p": ("x",)})
    assert await ids(past, times[3], asked=asked) == ([], 0, None)
    assert (await ids(past, clock.now, asked=asked))[0] == ["c3"]


async def test_a_cut_that_is_too_long_is_refused(past, times):
    """The present is not folded, so it is never too long."""
    assert (await ids(past, times[4]))[1] == 5
    past.most_entries = 5
    with pytest.raises(Conflict, match="The log had 6 entries by then") as refused:
        await ids(past, times[4])
    assert refused.value.field == "time"
    assert (await ids(past, times[5]))[1] == 6


async def test_an_unknown_domain_is_not_found(past):
    """As everywhere."""
    with pytest.raises(NotFound):
        await past.read_page("nowhere", when=NOW, asked=ALL, page=Page(limit=1))


async def test_few_scratch_files_are_kept(past, times, scratch):
    """Those that were asked for last; the others are removed from the disk."""
    await ids(past, times[0])
    [oldest] = scratch()
    await ids(past, times[1])
    await ids(past, times[2])
    assert len(scratch()) == 2
    assert oldest not in scratch()


async def test_scratch_files_that_nobody_asks_for_are_removed(store, times, scratch):
    """And all of them when the server stops."""
    past = Past(store, most_entries=6, idle_seconds=0.01)
    assert (await ids(past, times[0]))[1] == 1
    await until(lambda: scratch() == [])
    assert (await ids(past, times[0]))[1] == 1
    await past.aclose()
    assert scratch() == []


async def test_what_was_erased_is_not_read_from_an_older_fold(
    past, times, store, scratch
):
    """An erasure anywhere in the log makes every kept fold worthless."""
    await ids(past, times[2])
    [before] = scratch()
    erase(store)
    assert (await ids(past, times[2]))[1] == 3
    [after] = scratch()
    assert after != before
    await ids(past, times[2])
    assert scratch() == [after]


async def test_one_is_served_at_a_time_and_few_wait(past, times):
    """Whoever comes when several wait is told to come again."""
    asked = [ids(past, when) for when in [*times[:5], *times[:5]]]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, Overloaded)]
    assert len(refused) == 5
    for place, answer in enumerate(answers):
        assert answer in refused or answer[1] == place % 5 + 1
    assert (await ids(past, times[0]))[1] == 1


async def test_a_fold_ends_when_the_server_stops(past, times):
    """Nobody waits for it, and nothing of it is left."""
    past.stop()
    with pytest.raises(Overloaded):
        await ids(past, times[2])


def erase(store):
    """Append the entry of an erasure; what it does to bodies is proved elsewhere."""
    with store.writing(DOMAIN) as writer:
        when = next_tick(0, writer.head.appended_on)
        position = writer.head.position + 1
        entry = Entry(
            domain=DOMAIN,
            position=position,
            kind=Kind.ERASE,
            form_id=None,
            form_position=position,
            received_on=when,
            appended_on=when,
            details={"case_ids": []},
        )
        log.append(writer, [(entry, None)])
        writer.head = replace(writer.head, appended_on=when)
        writer.save_head()
