"""What imports ask of cases beside their ids: the answers, and by which index."""

from __future__ import annotations

import pytest

from projections.cases.lookups import (
    count_of_type,
    dependents_of,
    references_of,
    titles_of,
)
from tests.kit import build
from tests.kit.plans import plans, walks


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
    ("index", "ask"),
    [
        ("case_indices", lambda r: dependents_of(r, "h1", "parent")),
        ("case_indices", lambda r: references_of(r, ["h1"])),
        ("_type", lambda r: count_of_type(r, "patient", most=9)),
        ("_type", lambda r: titles_of(r, "patient")),
    ],
    ids=["dependents", "references", "count", "titles"],
)
def test_each_question_walks_an_index(reader, index, ask):
    """Nothing is read whole."""
    [plan] = plans(reader.conn, lambda: ask(reader))
    assert index in plan, plan
    assert not walks(plan), plan
