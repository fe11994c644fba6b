"""What imports ask of cases beside their ids: the answers, and by which index."""

from __future__ import annotations

import pytest

from projections.cases import lookups as import_lookups
from projections.cases.lookups import (
    count_of_type,
    dependents_of,
    references_of,
    titles_of,
)
from projections.tables import CASES
from tests.kit import build


@pytest.fixture(autouse=True)
def cases(store):
    """Make a household with two people, of whom one is deleted."""
    build.a_domain(store)
    house = build.a_create("h1", create={"case_type": "house", "case_name": "Mill"})
    people = [
        build.a_create(name, create={"case_name": name}, index={"parent": "h1"})
        for name in ("p1", "p2", "gone")
    ]
    other = build.a_create("p3", index={"host": "h1"})
    build.submit(store, build.a_form([house, *people, other]))
    build.write(store, build.a_flag("gone"))


@pytest.fixture
def reader(store):
    with store.reading(build.DOMAIN) as reader:
        yield reader


def test_dependents_are_found_by_the_name_of_their_index(reader):
    """Whether they are deleted is for others to see."""
    assert sorted(dependents_of(reader, "h1", "parent")) == ["gone", "p1", "p2"]
    assert dependents_of(reader, "h1", "host") == ["p3"]
    assert dependents_of(reader, "p1", "parent") == []


def test_references_are_found_by_any_index(reader):
    assert sorted(references_of(reader, ["h1", "p1"])) == ["gone", "p1", "p2", "p3"]


def test_cases_of_a_type_are_counted_up_to_a_limit(reader):
    assert count_of_type(reader, "patient", most=9) == 3
    assert count_of_type(reader, "patient", most=2) == 2
    assert count_of_type(reader, "none", most=9) == 0


def test_names_of_a_type(reader):
    assert [tuple(row) for row in titles_of(reader, "house")] == [("h1", "Mill")]
    assert len(titles_of(reader, "patient")) == 3


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("dependents", {"target": "h1", "of_name": "parent"}),
        ("count", {"of_type": "patient", "most": 9}),
        ("titles", {"of_type": "patient"}),
    ],
)
def test_each_question_walks_an_index(reader, name, params):
    """Nothing is read whole."""
    statements = import_lookups._statements(reader.head.live[CASES])
    sql, constants = getattr(statements, name).compiled(reader.conn.dialect)
    verb = "EXPLAIN QUERY PLAN" if reader.conn.dialect.begin_read else "EXPLAIN"
    about = {"domain": build.DOMAIN, **params, **constants}
    found = reader.conn.raw.execute(f"{verb} {sql}", about).fetchall()
    lines = [str(row[-1]) for row in found]
    assert any("case_indices" in line or "_type" in line for line in lines), lines
    assert not any("Seq Scan" in line for line in lines), lines
    assert not any(line.startswith("SCAN c") for line in lines), lines
