"""Lists of cases on both databases: what matches, in which order, how many.

The rules are those of rules/case-api-v2.md 6.
"""

from __future__ import annotations

import pytest
from sqlalchemy import delete, insert

from ledger.cases.case import Case
from ledger.entry import Kind
from ledger.migrations import migrate
from ledger.storage.connection import Statement
from ledger.store import open_store
from projections.csql import parse
from projections.lists.filter import CaseFilter, Operator, Page, TimeRange
from projections.lists.pages import list_cases, read_page
from projections.lists.plan import make_plan
from projections.lists.property_names import build_step, find_name, start_index
from projections.lists.sql import Driver
from projections.rebuild.replay import replay
from projections.rule.hashing import CASE_NAME, value_hash
from projections.tables import case_tables
from tests.kit.build import (
    DOMAIN,
    NOW,
    a_create,
    a_domain,
    a_flag,
    a_form,
    a_submission,
    an_update,
    cases_of,
    submit,
    write,
)

CASES = 90
NAMES = ("state", "village", "ward", CASE_NAME)
STATES = ("goa", "bihar", "", None)


@pytest.fixture
def stocked(store):
    """Make a domain of ninety cases: some changed, some closed, some deleted."""
    a_domain(store)
    write(store, *[a_submission(a_form([block(n)])) for n in range(CASES)])
    closing = [an_update(f"c{n:02}", ward="w9") for n in (3, 40)]
    write(store, a_submission(a_form(closing)), a_flag("c05", "c50"))
    return store


def block(n: int) -> str:
    """Return the block that creates case ``n``."""
    state = STATES[n % 4]
    update = {"village": f"v{n % 7}", "external_id": f"x{n % 80}"}
    update |= {} if state is None else {"state": state}
    owner = {"owner_id": f"o{n % 30}", "case_name": f"Name {n % 5}"}
    return a_create(
        f"c{n:02}",
        create={"case_type": "patient" if n % 3 else "household", **owner},
        update=update,
        index={"parent": f"c{n // 10 * 10:02}"} if n % 10 else None,
        close=n % 6 == 0,
        date_modified=f"2024-01-{n % 28 + 1:02}",
    )


def make_hot(store, *names):
    """Build the indexes of these names to the end."""
    for name in names:
        with store.writing(DOMAIN) as writer:
            assert start_index(writer, name)
        more = True
        while more:
            with store.writing(DOMAIN) as writer:
                more = build_step(writer, name, cases=40)


def walked(store, asked, *, limit=7):
    """Return the ids on all pages; every page must tell the same total."""
    ids, totals, after = [], set(), None
    while True:
        with store.reading(DOMAIN) as reader:
            page = list_cases(reader, asked, Page(limit=limit, after=after))
        ids += [row.case_id for row in page.rows]
        totals.add(page.total)
        if page.after is None:
            break
        assert len(page.rows) == limit
        after = page.after
    assert totals == {len(ids)}
    return ids


def property_of(case: Case, name: str) -> str:
    """Return the value of a property; missing is the same as empty."""
    return case.properties.get(name, "")


def query(text):
    """Return the filter of a CSQL expression."""
    return CaseFilter(query=parse(text, now="2024-03-05T12:00:00.000000Z"))


def since(n):
    """Return the moment at which case ``n`` was indexed; tests run from ``NOW``."""
    return f"2024-03-05T09:00:00.{n + 1:06}Z"


FILTERS = {
    "nothing asked": (CaseFilter(), lambda case: True),
    "type": (
        CaseFilter(equals={"case_type": ("patient",)}),
        lambda case: case.case_type == "patient",
    ),
    "two types": (
        CaseFilter(equals={"case_type": ("patient", "household", "no")}),
        lambda case: True,
    ),
    "owner": (
        CaseFilter(equals={"owner_id": ("o7",)}),
        lambda case: case.owner_id == "o7",
    ),
    "more owners than are merged": (
        CaseFilter(equals={"owner_id": tuple(f"o{n}" for n in range(20))}),
        lambda case: int(case.owner_id[1:]) < 20,
    ),
    "many unknown owners and one": (
        CaseFilter(equals={"owner_id": ("o3", *(f"x{n}" for n in range(40)))}),
        lambda case: case.owner_id == "o3",
    ),
    "case ids": (
        CaseFilter(equals={"case_id": ("c40", "c07", "c05", "none")}),
        lambda case: case.case_id in {"c40", "c07"},
    ),
    "external id": (
        CaseFilter(equals={"external_id": ("x3", "x4")}),
        lambda case: case.external_id in {"x3", "x4"},
    ),
    "closed": (CaseFilter(closed=(True,)), lambda case: case.closed),
    "open": (CaseFilter(closed=(False,)), lambda case: not case.closed),
    "open or closed": (CaseFilter(closed=(True, False)), lambda case: True),
    "closed of a type": (
        CaseFilter(closed=(True,), equals={"case_type": ("household",)}),
        lambda case: case.closed and case.case_type == "household",
    ),
    "name": (
        CaseFilter(equals={"case_name": ("Name 2",)}),
        lambda case: case.case_name == "Name 2",
    ),
    "name of a type": (
        CaseFilter(equals={"case_name": ("Name 2",), "case_type": ("patient",)}),
        lambda case: (case.case_name, case.case_type) == ("Name 2", "patient"),
    ),
    "index": (
        CaseFilter(indices={"parent": ("c10", "c20")}),
        lambda case: (
            "parent" in case.indices
            and case.indices["parent"].case_id in {"c10", "c20"}
        ),
    ),
    "index of an owner": (
        CaseFilter(indices={"parent": ("c10",)}, equals={"owner_id": ("o11",)}),
        lambda case: case.case_id == "c11",
    ),
    "unknown index": (CaseFilter(indices={"host": ("c10",)}), lambda case: False),
    "property": (
        CaseFilter(properties={"state": ("goa",)}),
        lambda case: property_of(case, "state") == "goa",
    ),
    "property missing or empty": (
        CaseFilter(properties={"state": ("",)}),
        lambda case: not property_of(case, "state"),
    ),
    "either of two values": (
        CaseFilter(properties={"state": ("goa", "")}),
        lambda case: property_of(case, "state") in {"goa", ""},
    ),
    "two properties": (
        CaseFilter(properties={"state": ("bihar",), "village": ("v3", "v1")}),
        lambda case: (
            property_of(case, "state") == "bihar"
            and property_of(case, "village") in {"v3", "v1"}
        ),
    ),
    "properties of which one is seldom": (
        CaseFilter(properties={"ward": ("w9",), "village": ("v3",)}),
        lambda case: case.case_id == "c03",
    ),
    "property and owner": (
        CaseFilter(properties={"state": ("goa",)}, equals={"owner_id": ("o4",)}),
        lambda case: (property_of(case, "state"), case.owner_id) == ("goa", "o4"),
    ),
    "property and index": (
        CaseFilter(properties={"village": ("v3",)}, indices={"parent": ("c10",)}),
        lambda case: case.case_id == "c17",
    ),
    "unknown property": (
        CaseFilter(properties={"nobody": ("x",)}),
        lambda case: False,
    ),
    "unknown property empty": (
        CaseFilter(properties={"nobody": ("",)}),
        lambda case: True,
    ),
    "opened since": (
        CaseFilter(
            ranges=(
                TimeRange(
                    column="opened_on",
                    operator=Operator.GTE,
                    values=("2024-01-20T00:00:00.000000Z",),
                ),
            )
        ),
        lambda case: case.opened_on >= "2024-01-20",
    ),
    "closed before": (
        CaseFilter(
            ranges=(
                TimeRange(
                    column="closed_on",
                    operator=Operator.LT,
                    values=("2024-01-09T00:00:00.000000Z",),
                ),
            )
        ),
        lambda case: case.closed and case.closed_on < "2024-01-09",
    ),
    "indexed between, with a property": (
        CaseFilter(
            properties={"state": ("goa",)},
            ranges=(
                TimeRange(
                    column="indexed_on", operator=Operator.GT, values=(since(20),)
                ),
                TimeRange(
                    column="indexed_on", operator=Operator.LTE, values=(since(60),)
                ),
            ),
        ),
        lambda case: (
            property_of(case, "state") == "goa"
            and NOW + 21 < case.indexed_on <= NOW + 61
        ),
    ),
    "query": (
        query("starts-with(state, 'bi') or village > 3"),
        lambda case: property_of(case, "state") == "bihar",
    ),
    "query and property": (
        query("state = 'goa' and not(village = 'v3')"),
        lambda case: (
            property_of(case, "state") == "goa" and property_of(case, "village") != "v3"
        ),
    ),
    "query about a parent": (
        query("parent/village = 'v3' and case_name = 'Name 1'"),
        lambda case: case.case_name == "Name 1" and case.case_id[1] in "18",
    ),
    "query about children": (
        query("subcase-count('parent', state = 'goa') > 1"),
        lambda case: case.case_id.endswith("0"),
    ),
    "no value left": (CaseFilter(equals={"owner_id": ()}), lambda case: False),
    "impossible values": (
        CaseFilter(equals={"owner_id": ("\x00", "\ud800")}),
        lambda case: False,
    ),
    "impossible name": (
        CaseFilter(properties={'sta"te': ("goa",)}),
        lambda case: False,
    ),
    "impossible name empty": (
        CaseFilter(properties={"a\x00": ("",)}),
        lambda case: True,
    ),
    "text that looks like JSON": (
        CaseFilter(properties={"state": ('goa"', "$.goa", "%")}),
        lambda case: False,
    ),
}


@pytest.mark.parametrize("hot", [(), NAMES], ids=["cold", "hot"])
def test_a_filter_finds_what_a_reader_of_every_case_finds(stocked, hot):
    """Each condition of the list, alone and joined, by index and by walk (rule 6)."""
    make_hot(stocked, *hot)
    cases = sorted(cases_of(stocked).values(), key=lambda case: case.indexed_on)
    live = [case for case in cases if not case.deleted_on]
    for title, (asked, matches) in FILTERS.items():
        expected = [case.case_id for case in live if matches(case)]
        assert walked(stocked, asked) == expected, title
        assert walked(stocked, asked, limit=200) == expected, title


def test_the_filters_of_this_file_tell_cases_apart(stocked):
    """Most filters match some cases and not others, or they would prove nothing."""
    live = [case for case in cases_of(stocked).values() if not case.deleted_on]
    told = [
        title
        for title, (_, matches) in FILTERS.items()
        if 0 < sum(map(matches, live)) < len(live)
    ]
    assert len(told) >= 25


@pytest.mark.parametrize("hot", [(), NAMES], ids=["cold", "hot"])
def test_deleted_cases_are_listed_only_when_asked_for(stocked, hot):
    """Deleted cases are never listed (rule 6.0.3)."""
    make_hot(stocked, *hot)
    asked = CaseFilter(equals={"case_id": ("c05", "c50", "c07")})
    assert walked(stocked, asked) == ["c07"]
    for plain, deleted in (
        (CaseFilter(), {"c05", "c50"}),
        (CaseFilter(properties={"state": ("bihar",)}), {"c05"}),
        (CaseFilter(equals={"owner_id": ("o20",)}), {"c50"}),
    ):
        everything = CaseFilter(
            equals=plain.equals, properties=plain.properties, include_deleted=True
        )
        assert set(walked(stocked, everything)) - set(walked(stocked, plain)) == deleted


def test_a_page_of_no_cases_tells_the_total(stocked):
    """limit=0: the total, no cases, no next page (rule 6.0.4)."""
    for asked in (CaseFilter(), CaseFilter(properties={"state": ("goa",)})):
        expected = len(walked(stocked, asked))
        with stocked.reading(DOMAIN) as reader:
            page = list_cases(reader, asked, Page(limit=0))
        assert (page.rows, page.total, page.after) == ((), expected, None)


def test_an_exactly_full_last_page_has_no_next(stocked):
    """A next page is promised only if a case is on it (rule D12)."""
    for asked in (CaseFilter(), query("state = 'goa'")):
        count = len(walked(stocked, asked))
        with stocked.reading(DOMAIN) as reader:
            assert list_cases(reader, asked, Page(limit=count)).after is None
            assert list_cases(reader, asked, Page(limit=count - 1)).after is not None


def test_a_page_behind_the_last_case_is_empty_and_knows_the_total(stocked):
    """The total is that of all pages, on every page (rule D11)."""
    with stocked.reading(DOMAIN) as reader:
        page = list_cases(reader, CaseFilter(), Page(limit=5, after=NOW * 2))
    assert (page.rows, page.total, page.after) == ((), CASES - 2, None)


@pytest.mark.parametrize("hot", [(), NAMES], ids=["cold", "hot"])
def test_a_case_that_changes_during_a_walk_comes_again(stocked, hot):
    """Modified after its page: again later, with its newer state (rule 6.2.4)."""
    make_hot(stocked, *hot)
    asked = CaseFilter(properties={"state": ("goa",)})
    with stocked.reading(DOMAIN) as reader:
        first = list_cases(reader, asked, Page(limit=5))
    submit(stocked, a_form([an_update(first.rows[0].case_id, ward="w1")]))
    submit(stocked, a_form([an_update("c88", state="bihar")]))
    submit(stocked, a_form([a_create("new", update={"state": "goa"})]))
    with stocked.reading(DOMAIN) as reader:
        rest = list_cases(reader, asked, Page(limit=500, after=first.after))
    ids = [row.case_id for row in rest.rows]
    assert ids[-2:] == [first.rows[0].case_id, "new"]
    assert "c88" not in ids
    assert rest.total == first.total
    assert '"ward":"w1"' in rest.rows[-2].properties


@pytest.mark.parametrize("hot", [(), NAMES], ids=["cold", "hot"])
def test_totals_follow_every_write(stocked, hot):
    """matching_records is what matches now, however it is found (rule 6.2.2)."""
    make_hot(stocked, *hot)
    asked = [
        CaseFilter(),
        CaseFilter(properties={"state": ("goa",)}),
        CaseFilter(properties={"state": ("goa",)}, equals={"case_type": ("patient",)}),
        query("state = 'goa'"),
    ]
    before = [len(walked(stocked, each)) for each in asked]
    submit(stocked, a_form([a_create("new", update={"state": "goa"})]))
    assert [len(walked(stocked, each)) for each in asked] == [n + 1 for n in before]
    write(stocked, a_flag("new"))
    assert [len(walked(stocked, each)) for each in asked] == before
    write(stocked, a_flag("new", kind=Kind.CASE_RESTORE))
    assert [len(walked(stocked, each)) for each in asked] == [n + 1 for n in before]


def test_two_values_with_one_hash_are_not_taken_for_each_other(stocked):
    """A collision can never show a wrong case (rules/design.md 5.2)."""
    make_hot(stocked, "state")
    wrong = cases_of(stocked)["c01"]
    with stocked.writing(DOMAIN) as writer:
        index = case_tables(writer.head.live["cases"]).property_index
        name_id = find_name(writer.head, "state").name_id
        row = (DOMAIN, name_id, value_hash("goa"), wrong.indexed_on)
        writer.conn.insert(index, [row])
    with stocked.reading(DOMAIN) as reader:
        asked = CaseFilter(properties={"state": ("goa",)})
        pages = [list_cases(reader, asked, Page(limit=limit)) for limit in (3, 200)]
    assert wrong.properties["state"] == "bihar"
    assert all("c01" not in {row.case_id for row in page.rows} for page in pages)
    assert pages[0].after is not None


def test_an_index_that_is_being_built_is_not_used(stocked):
    """Only a hot name answers; until then the walk does (rules/design.md 5.5)."""
    with stocked.writing(DOMAIN) as writer:
        start_index(writer, "state")
        build_step(writer, "state", cases=10)
    asked, matches = FILTERS["property"]
    live = [case for case in cases_of(stocked).values() if not case.deleted_on]
    assert len(walked(stocked, asked)) == sum(map(matches, live))


def test_a_total_from_the_counters_costs_no_walk(stocked):
    """One counted condition is answered by its counter (rules/design.md 5.8)."""
    make_hot(stocked, "state")
    with stocked.writing(DOMAIN) as writer:
        tables = case_tables(writer.head.live["cases"])
        writer.conn.run(Statement(delete(tables.case_counts)))
        rows = [(0, 0, 11), (-1, value_hash("patient"), 12), (1, value_hash("goa"), 13)]
        values = [dict(zip(("name_id", "value", "n"), r, strict=True)) for r in rows]
        writer.conn.run(
            Statement(
                insert(tables.case_counts).values(
                    [{"domain": DOMAIN, **value} for value in values]
                )
            ),
        )
    asked = [CaseFilter(), FILTERS["type"][0], FILTERS["property"][0]]
    with stocked.reading(DOMAIN) as reader:
        totals = [list_cases(reader, each, Page(limit=1)).total for each in asked]
    assert totals == [11, 12, 13]


async def test_a_page_is_the_same_wherever_it_is_read(stocked):
    """Short reads on the loop and long ones in a thread give one answer."""
    for title, (asked, _) in FILTERS.items():
        for limit in (5, 1000):
            page = Page(limit=limit)
            with stocked.reading(DOMAIN) as reader:
                expected = list_cases(reader, asked, page)
            found = await read_page(stocked, DOMAIN, asked=asked, page=page)
            assert found == expected, title


def test_a_query_asks_the_database_no_oftener_for_more_cases(sqlite_url):
    """Related cases are read together, never one query per case (rule 6.3)."""
    store = open_store(sqlite_url)
    migrate(store)
    a_domain(store)
    asked = query("parent/village = 'v3' and subcase-count('parent', state = 'x') = 0")
    counts = []
    for start in (0, 20):
        numbers = range(start, start * 10 + 20)
        write(store, *[a_submission(a_form([block(n)])) for n in numbers])
        counts.append(statements_of(store, asked))
    store.close()
    assert counts[0] == counts[1] > 0


def statements_of(store, asked):
    """Return how many queries a first page takes on SQLite."""
    seen = []
    store.connection.raw.set_trace_callback(seen.append)
    with store.reading(DOMAIN) as reader:
        assert list_cases(reader, asked, Page(limit=100)).total > 0
    store.connection.raw.set_trace_callback(None)
    return sum("FROM cases" in text for text in seen)


def test_a_plan_is_kept_until_an_index_or_a_replay_makes_another(stocked):
    """A walk plans its pages once, and goes by what the head says now."""

    def planned(value="goa"):
        with stocked.reading(DOMAIN) as reader:
            plan = make_plan(reader, CaseFilter(properties={"state": (value,)}))
            assert plan.shape.generation == reader.head.live["cases"]
            return plan

    before = planned()
    assert planned() is before
    assert planned("bihar").params != before.params
    make_hot(stocked, "state")
    assert (before.shape.driver, planned().shape.driver) == (Driver.PAGE, Driver.NAME)
    replay(stocked, DOMAIN)
    planned()
    planned("bihar")
