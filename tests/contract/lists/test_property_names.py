"""Which property names are indexed, and that their indexes hold what they must.

The rules are those of rules/design.md 5.
"""

from __future__ import annotations

from collections import Counter
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from ledger.entry import Kind
from ledger.storage.connection import Statement
from ledger.writer import LedgerWriter
from projections.lists.filter import CaseFilter
from projections.lists.index_keeper import IndexKeeper
from projections.lists.property_names import (
    MOST_NAMES,
    build_step,
    clear_step,
    drop_index,
    find_name,
    names_asked,
    start_index,
)
from projections.names import LEAVING
from projections.rule.hashing import CASE_NAME, value_hash
from projections.tables import case_tables
from tests.kit.build import (
    DOMAIN,
    a_create,
    a_domain,
    a_flag,
    a_form,
    a_ledger,
    a_submission,
    an_update,
    cases_of,
    write,
)

_DOMAINS = count(1)
NAMES = ("state", "ward", CASE_NAME)

one_case = st.integers(0, 11).map("c{}".format)
values = st.sampled_from(["", "goa", "bihar", "Ünïcode 🙂", "x" * 300])
names = st.sampled_from(NAMES)
steps = st.one_of(
    st.tuples(st.just("create"), one_case, values),
    st.tuples(st.just("state"), one_case, values),
    st.tuples(st.just("ward"), one_case, values),
    st.tuples(st.just("rename"), one_case, values),
    st.tuples(st.just("delete"), one_case),
    st.tuples(st.just("restore"), one_case),
    st.tuples(st.just("start"), names),
    st.tuples(st.just("build"), names),
    st.tuples(st.just("build"), names),
    st.tuples(st.just("drop"), names),
    st.tuples(st.just("clear"), names),
)


def take(store, domain, step):
    """Take one step: a write of cases or a piece of work on an index."""
    verb, about, *value = step
    match verb:
        case "create":
            block = a_create(about, create={"case_name": value[0]})
        case "state" | "ward":
            block = a_create(about, update={verb: value[0]})
        case "rename":
            block = an_update(about, case_name=value[0])
        case "delete" | "restore":
            kind = Kind.CASE_DELETE if verb == "delete" else Kind.CASE_RESTORE
            if about in cases_of(store, domain):
                write(store, a_flag(about, kind=kind), domain=domain)
            return
        case _:
            with store.writing(domain) as writer:
                work(writer, verb, about)
            return
    write(store, a_submission(a_form([block])), domain=domain)


def work(writer, verb, name):
    """Do one piece of work on an index."""
    match verb:
        case "start":
            start_index(writer, name)
        case "build":
            build_step(writer, name, cases=3)
        case "drop":
            drop_index(writer, name)
        case _:
            clear_step(writer, name, rows=2)


def stored(store, domain):
    """Return the rows and the counters of all names that are not leaving."""
    with store.snapshot(domain) as reader:
        tables = case_tables(reader.head.live["cases"])
        read = [
            reader.conn.rows(Statement(select(*table.columns)))
            for table in (tables.property_index, tables.case_counts)
        ]
        indexed = reader.head.indexed
    known = {n.name_id for n in indexed if n.built_to != LEAVING}
    leaving = {n.name_id for n in indexed if n.built_to == LEAVING}
    rows, counters = (
        [row[1:] for row in some if row[0] == domain and row[1] not in leaving]
        for some in read
    )
    assert {row[0] for row in rows} <= known
    counted = {row[:2]: row[2] for row in counters if row[2] and row[0] > 0}
    return Counter(rows), counted, indexed


def computed(store, domain, indexed):
    """Return what the rows and counters must be, from the cases alone."""
    rows = Counter()
    for known in indexed:
        for case in cases_of(store, domain).values():
            covered = known.built_to is None or case.indexed_on <= known.built_to
            if covered and not case.deleted_on:
                value = case.properties.get(known.name, "")
                value = case.case_name if known.name == CASE_NAME else value
                rows[known.name_id, value_hash(value), case.indexed_on] += 1
    return rows, Counter(row[:2] for row in rows.elements())


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, min_size=5, max_size=40))
def test_an_index_covers_exactly_the_live_cases_up_to_where_it_is_built(store, taken):
    """Writes and building steps in any order leave no row too many or too few.

    Rules 5.3 and 5.4, and the counters of rule 5.8.
    """
    domain = a_domain(store, f"d{next(_DOMAINS)}")
    for step in taken:
        take(store, domain, step)
    rows, counters, indexed = stored(store, domain)
    expected_rows, expected_counters = computed(store, domain, indexed)
    assert rows == expected_rows
    assert counters == dict(expected_counters)
    assert len({known.name_id for known in indexed}) == len(indexed)


def stock(store, number=9):
    """Make a domain with some cases."""
    a_domain(store)
    blocks = [a_create(f"c{n}", update={"state": f"s{n % 3}"}) for n in range(number)]
    write(store, a_submission(a_form(blocks)))


def test_a_name_is_built_step_by_step_and_then_hot(store):
    """Building goes in the order of the list and tells when it is done (rule 5.4)."""
    stock(store)
    told, states = [], []
    with store.writing(DOMAIN) as writer:
        assert start_index(writer, "state")
        assert start_index(writer, "state")
    for _ in range(4):
        with store.writing(DOMAIN) as writer:
            told.append(build_step(writer, "state", cases=4))
        with store.reading(DOMAIN) as reader:
            states.append(find_name(reader.head, "state").built_to)
    assert told == [True, True, False, False]
    assert states[0] < states[1]
    assert states[2:] == [None, None]


def test_an_index_of_no_cases_is_hot_at_once(store):
    """A domain without cases has nothing to build."""
    a_domain(store)
    with store.writing(DOMAIN) as writer:
        start_index(writer, "state")
        assert build_step(writer, "state") is False
        assert find_name(writer.head, "state").built_to is None


def test_a_dropped_index_leaves_no_row_and_gives_its_id_back_only_then(store):
    """An id is not used again while rows of it remain."""
    stock(store)
    with store.writing(DOMAIN) as writer:
        start_index(writer, "state")
        build_step(writer, "state")
        first = find_name(writer.head, "state").name_id
        assert drop_index(writer, "state")
        assert not drop_index(writer, "state")
        assert not start_index(writer, "state")
        assert start_index(writer, "ward")
        assert find_name(writer.head, "ward").name_id != first
        told = [clear_step(writer, "state", rows=5) for _ in range(3)]
        assert find_name(writer.head, "state") is None
    assert told == [True, False, False]
    rows, counters, _ = stored(store, DOMAIN)
    assert not rows
    assert not counters


def test_a_domain_keeps_at_most_sixty_four_names(store):
    """Rule 5.1."""
    a_domain(store)
    with store.writing(DOMAIN) as writer:
        started = [start_index(writer, f"p{n}") for n in range(MOST_NAMES + 1)]
        assert started == [True] * MOST_NAMES + [False]
        assert len(writer.head.indexed) == MOST_NAMES


@pytest.mark.parametrize("name", ['a"b', "", "a\x00", "a b", "xmlfoo", "@other"])
def test_a_name_that_no_case_can_have_is_not_indexed(store, name):
    """Anything may be asked for; an index is made for possible names only."""
    a_domain(store)
    with store.writing(DOMAIN) as writer:
        assert not start_index(writer, name)
    asked = CaseFilter(properties={name: ("x",), "state": ("goa",)})
    assert names_asked(asked) == ("state",)


def test_the_name_of_cases_is_asked_for_under_its_pseudo_name():
    """A filter by case_name may become hot like one by a property."""
    asked = CaseFilter(equals={"case_name": ("Idris",), "case_type": ("patient",)})
    assert names_asked(asked) == (CASE_NAME,)


# -- the keeper ------------------------------------------------------------------------


@pytest.fixture
async def writer(store):
    """Run a writer over a stocked domain."""
    stock(store)
    running = LedgerWriter(store, a_ledger())
    running.start()
    yield running
    await running.stop()


def heads(store):
    """Return the state of each name."""
    with store.reading(DOMAIN) as reader:
        return {known.name: known.built_to for known in reader.head.indexed}


async def test_a_name_becomes_hot_after_its_second_request(store, writer):
    """By itself, in the background (rules 5.1 and 5.4)."""
    keeper = IndexKeeper(store, writer)
    keeper.note(DOMAIN, ["state", CASE_NAME])
    await keeper.drain()
    assert heads(store) == {}
    keeper.note(DOMAIN, ["state"])
    await keeper.drain()
    assert heads(store) == {"state": None}


async def test_a_new_process_goes_on_where_the_last_one_stopped(store, writer):
    """Building survives a restart (rule 5.4)."""
    with store.writing(DOMAIN) as own:
        start_index(own, "state")
        build_step(own, "state", cases=2)
        start_index(own, "ward")
        drop_index(own, "ward")
    keeper = IndexKeeper(store, writer, grace=0.0)
    keeper.start()
    await keeper.settled()
    await keeper.aclose()
    assert heads(store) == {"state": None}
    rows, counters, indexed = stored(store, DOMAIN)
    assert (rows, counters) == computed(store, DOMAIN, indexed)


async def test_a_full_list_makes_room_for_a_name_that_is_used_more(store, writer):
    """The least used name goes cold again (rule 5.1)."""
    with store.writing(DOMAIN) as own:
        for n in range(MOST_NAMES):
            start_index(own, f"p{n}")
            build_step(own, f"p{n}")
    keeper = IndexKeeper(store, writer, grace=0.0)
    for n in range(1, MOST_NAMES):
        keeper.note(DOMAIN, [f"p{n}"] * 9)
    keeper.note(DOMAIN, ["state"] * 2)
    await keeper.drain()
    assert "p0" not in heads(store)
    assert heads(store)["state"] is None
    keeper.note(DOMAIN, ["ward"] * 3)
    await keeper.drain()
    assert "ward" not in heads(store)
    assert len(heads(store)) == MOST_NAMES


async def test_readers_keep_a_dropped_index_for_a_while(store, writer):
    """Rows stay until no reader can still use them."""
    with store.writing(DOMAIN) as own:
        start_index(own, "state")
        build_step(own, "state")
        drop_index(own, "state")
    keeper = IndexKeeper(store, writer, grace=3600.0)
    keeper.start()
    await keeper.settled()
    await keeper.aclose()
    assert heads(store) == {"state": LEAVING}


async def test_a_domain_that_is_gone_fails_no_request(store, writer, caplog):
    """Nothing the keeper does may fail a request."""
    keeper = IndexKeeper(store, writer)
    keeper.note("nowhere", ["state"] * 2)
    keeper.note(DOMAIN, ["state"] * 2)
    await keeper.drain()
    assert heads(store) == {"state": None}
    assert not caplog.records


async def test_names_that_are_made_up_do_not_fill_the_memory(store, writer):
    """Counting is bounded whatever is asked for: what came once is forgotten."""
    keeper = IndexKeeper(store, writer)
    keeper.note(DOMAIN, ["state"] * 8)
    for n in range(25_000):
        keeper.note(DOMAIN, [f"made-up-{n}"])
    keeper.note(DOMAIN, ["made-up-0"])
    await keeper.drain()
    assert heads(store) == {"state": None}
