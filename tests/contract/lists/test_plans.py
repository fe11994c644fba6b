"""Every list query is served by its index: what the databases themselves say.

A planner reads tables of some thousand rows whole when that is cheaper, so those ways
are barred where a planner has them: what is left is what a large domain gets, and a
query that has no index for its order shows a sort even then.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace

import pytest

from ledger.cases.case import Case, CaseIndex, FoldKey
from ledger.store import open_store
from projections.cases.with_head import By, headed_statement
from projections.commit.indexing import IndexChanges
from projections.lists.filter import CaseFilter, Operator, TimeRange
from projections.lists.plan import make_plan
from projections.lists.property_names import build_step, start_index
from projections.lists.sql import Driver, count_statement, page_statement
from projections.rule.case_row import to_row
from projections.tables import case_tables
from tests.conftest import DATABASES
from tests.kit.build import NOW, WHEN_UTC, a_domain
from tests.kit.prepared import prepare

CASES = 6000
DOMAIN = "large"


@pytest.fixture(scope="module", params=DATABASES)
def large(request, tmp_path_factory):
    """Open a store with two domains of six thousand cases, two names hot."""
    if request.param == DATABASES[0]:
        url = f"sqlite:///{tmp_path_factory.mktemp('plans') / 'caseledger.db'}"
        prepare(url)
    else:
        url = request.getfixturevalue("postgres_server").lend_prepared()
    store = open_store(url)
    for domain in ("other", DOMAIN):
        stock(store, domain)
    if not store.reads_inline:
        store.connection.execute("VACUUM ANALYZE")
        for tempting in ("seqscan", "bitmapscan", "sort", "hashjoin", "mergejoin"):
            store.connection.execute(f"SET enable_{tempting} = off")
    yield store
    store.close()
    if not store.reads_inline:
        request.getfixturevalue("postgres_server").take_back(url)


def stock(store, domain):
    """Put cases into the read tables, and build the indexes of two names."""
    a_domain(store, domain)
    with store.writing(domain) as writer:
        tables = case_tables(writer.head.live["cases"])
        changes = IndexChanges(domain, ())
        cases = [a_case(domain, n) for n in range(CASES)]
        for case in cases:
            changes.note(None, case)
        writer.conn.insert(tables.cases, [to_row(case) for case in cases])
        changes.save_additions(writer.conn, tables)
        writer.head = replace(writer.head, appended_on=NOW + CASES)
        writer.save_head()
        for name in ("state", "batch"):
            start_index(writer, name)
            while build_step(writer, name):
                pass


def a_case(domain, n):
    """Return a case of a domain whose cases differ in everything."""
    parent = CaseIndex(case_id=f"c{n % 50}", case_type="x", relationship="child")
    return Case(
        domain=domain,
        case_id=f"c{n}",
        case_type="household" if n % 4 == 0 else "patient",
        case_name=f"Name {n % 196}",
        external_id=f"x{n}",
        owner_id=f"o{n % 100}",
        opened_on=WHEN_UTC,
        opened_by="u",
        modified_on=WHEN_UTC,
        modified_by="u",
        closed=n % 20 == 0,
        closed_on=WHEN_UTC if n % 20 == 0 else None,
        closed_by="",
        location_id=None,
        properties={
            "state": f"s{n % 10}",
            "batch": f"b{n * 100 // CASES}",
            "notes": "went as planned, next call in a week " * 8,
        },
        indices={"parent": parent},
        attachments={},
        server_modified_on=WHEN_UTC,
        indexed_on=NOW + n,
        position=2 + n,
        deleted_on=None,
        folded_to=FoldKey(received_on=NOW + n, position=2 + n),
    )


def explained(reader, statement, **params):
    """Return the plan of a statement, a line for each step."""
    sql, constants = statement.compiled(reader.conn.dialect)
    verb = "EXPLAIN QUERY PLAN" if reader.conn.dialect.begin_read else "EXPLAIN"
    values = {n: reader.conn.dialect.bind(value) for n, value in params.items()}
    found = reader.conn.raw.execute(f"{verb} {sql}", {**values, **constants})
    return [str(row[-1]) for row in found.fetchall()]


def plans(store, asked, *, limit, low=NOW + 100):
    """Return the plans of the page and of the count, and what was asked for."""
    with store.reading(DOMAIN) as reader:
        plan = make_plan(reader, asked)
        params = {"domain": DOMAIN, "low": low, "high": plan.high, "limit": limit}
        params |= plan.params
        page = explained(reader, page_statement(plan.shape), **params)
        alone = plan.shape._replace(counted=False)
        counted = explained(reader, count_statement(alone), **params)
    return plan, page, counted


def used(lines):
    """Return what each table is read by: the names of indexes."""
    found = defaultdict(set)
    for line in lines:
        # SQLite: SEARCH t USING [COVERING] INDEX i (..); t USING PRIMARY KEY (..)
        # PostgreSQL: Index [Only] Scan using i on t; Bitmap Index Scan on i
        hit = re.search(r"SEARCH (\w+) USING (?:COVERING )?(?:INDEX (\w+)|PRIM)", line)
        if hit:
            found[hit[1]].add(hit[2] or "key")
        hit = re.search(r"Index (?:Only )?Scan (?:using (\w+) on|on) (\w+)", line)
        if hit:
            found[hit[2]].add(hit[1] or hit[2])
    return {index for indexes in found.values() for index in indexes}


def walks(lines):
    """Return the steps that read a whole table."""
    return [
        line
        for line in lines
        if re.search(r"Seq Scan on|^SCAN (?!json_each|anon_)", line)
    ]


def sorts(lines):
    """Return the steps that sort more than the merged parts of a page."""
    if any("MERGE" in line for line in lines):
        return []
    return [line for line in lines if re.search(r"Sort  \(|USE TEMP B-TREE", line)]


SOME_OWNERS = tuple(f"o{n}" for n in range(5))
SINCE = TimeRange(
    column="indexed_on",
    operator=Operator.GTE,
    values=("2024-03-05T09:00:00.002000Z",),
)
QUERIES = {
    "the list": (CaseFilter(), Driver.PAGE, "_page"),
    "a cold name": (CaseFilter(properties={"notes": ("x",)}), Driver.PAGE, "_page"),
    "cases that are open": (CaseFilter(closed=(False,)), Driver.PAGE, "_page"),
    "a type": (CaseFilter(equals={"case_type": ("patient",)}), Driver.TYPE, "_type"),
    "an owner": (CaseFilter(equals={"owner_id": ("o7",)}), Driver.OWNER, "_owner"),
    "some owners": (
        CaseFilter(equals={"owner_id": SOME_OWNERS}),
        Driver.OWNER,
        "_owner",
    ),
    "an owner and a cold name": (
        CaseFilter(equals={"owner_id": ("o7",)}, properties={"notes": ("x",)}),
        Driver.OWNER,
        "_owner",
    ),
    "an owner and a hot name": (
        CaseFilter(equals={"owner_id": ("o7",)}, properties={"state": ("s7",)}),
        Driver.OWNER,
        "_owner",
    ),
    "a hot name": (CaseFilter(properties={"state": ("s3",)}), Driver.NAME, "index"),
    "some values of a hot name": (
        CaseFilter(properties={"state": ("s3", "s4", "")}),
        Driver.NAME,
        "index",
    ),
    "two hot names": (
        CaseFilter(properties={"state": ("s3",), "batch": ("b97",)}),
        Driver.NAME,
        "index",
    ),
    "a hot name and a type": (
        CaseFilter(properties={"state": ("s3",)}, equals={"case_type": ("patient",)}),
        Driver.NAME,
        "index",
    ),
    "a hot name from a moment on": (
        CaseFilter(properties={"state": ("s3",)}, ranges=(SINCE,)),
        Driver.NAME,
        "index",
    ),
}


@pytest.mark.parametrize("limit", [21, 101, 5001])
@pytest.mark.parametrize("title", QUERIES)
def test_a_page_comes_from_its_index_in_order(large, title, limit):
    """No walk over the domain and no sort, whatever the size (rules/design.md 5.7)."""
    asked, driver, index = QUERIES[title]
    plan, page, _ = plans(large, asked, limit=limit)
    assert plan.shape.driver is driver
    assert walks(page) == []
    assert sorts(page) == []
    assert any(index in name or name == "key" for name in used(page)), page


@pytest.mark.parametrize("title", [t for t in QUERIES if QUERIES[t][1] is Driver.NAME])
def test_a_count_by_a_hot_name_walks_its_index_alone(large, title):
    """Counts that no counter tells walk the driving index (rules/design.md 5.8)."""
    _, _, counted = plans(large, QUERIES[title][0], limit=101)
    assert walks(counted) == []
    assert any("property_index" in line for line in counted)


GATHERED = {
    "case ids": CaseFilter(equals={"case_id": ("c7", "c8")}),
    "an external id": CaseFilter(equals={"external_id": ("x7",)}),
    "an index": CaseFilter(indices={"parent": ("c7",)}),
    "an index and a type": CaseFilter(
        indices={"parent": ("c7",)}, equals={"case_type": ("patient",)}
    ),
    "an external id and a hot name": CaseFilter(
        equals={"external_id": ("x7",)}, properties={"state": ("s3",)}
    ),
}


@pytest.mark.parametrize("title", GATHERED)
def test_small_sets_are_gathered_by_their_key(large, title):
    """Ids, external ids and references never walk the list of the domain."""
    _, page, counted = plans(large, GATHERED[title], limit=101)
    for lines in (page, counted):
        assert walks(lines) == []
        assert not any(name.endswith("_page") for name in used(lines)), lines
        assert any("cases" in name for name in used(lines)), lines


def test_a_page_at_the_end_is_planned_like_one_at_the_beginning(large):
    """The plan does not depend on the depth (W6, W8)."""
    for title, (asked, _, _) in QUERIES.items():
        shallow = plans(large, asked, limit=101, low=NOW)[1]
        deep = plans(large, asked, limit=101, low=NOW + CASES - 60)[1]
        assert used(shallow) == used(deep), title


@pytest.mark.parametrize("by", By)
@pytest.mark.parametrize("ids", ["x7", ["x7", "x8"]])
def test_a_case_beside_its_head_is_found_by_its_key(large, by, ids):
    """One case costs the same whatever the size of the domain (W11)."""
    with large.reading(DOMAIN) as reader:
        statement = headed_statement(reader.head.live["cases"], by, one=ids == "x7")
        lines = explained(reader, statement, domain=DOMAIN, ids=ids)
    found = used(lines)
    assert not any("SCAN cases" in line or "Scan on cases" in line for line in lines)
    assert any(re.search(r"cases_\d+_(1|pkey)$", name) for name in found), lines
    assert not any(name.startswith("ix_") for name in found), lines
