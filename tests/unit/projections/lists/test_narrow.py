"""Conditions that a query makes necessary (rules/case-api-v2.md 6.3)."""

from __future__ import annotations

import pytest

from projections.csql import Node, parse
from projections.csql.nodes import And
from projections.lists.filter import CaseFilter, Operator, TimeRange
from projections.lists.narrow import NOTHING, both, is_impossible, narrowed, necessary

EVERYTHING = CaseFilter()


def read(text: str) -> Node:
    return parse(text, now="2024-02-29T12:00:00.000000Z")


def needed(text: str) -> CaseFilter:
    return necessary(read(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("p = 'v'", CaseFilter(properties={"p": ("v",)})),
        ("p = ''", CaseFilter(properties={"p": ("",)})),
        ("name = 'v'", CaseFilter(equals={"case_name": ("v",)})),
        ("case_name = 'v'", CaseFilter(equals={"case_name": ("v",)})),
        ("external_id = 'v'", CaseFilter(equals={"external_id": ("v",)})),
        ("@case_id = 'v'", CaseFilter(equals={"case_id": ("v",)})),
        ("@case_type = 'v'", CaseFilter(equals={"case_type": ("v",)})),
        ("@owner_id = 'v'", CaseFilter(equals={"owner_id": ("v",)})),
        ("@status = 'open'", CaseFilter(closed=(False,))),
        ("@status = 'closed'", CaseFilter(closed=(True,))),
        ("parent/@case_id = 'v'", CaseFilter(indices={"parent": ("v",)})),
        ("p = 1 and p = 1", CaseFilter(properties={"p": ("1",)})),
        ("p = 1 or p = 2", CaseFilter(properties={"p": ("1", "2")})),
        ("(p = 1 and q = 1) or p = 2", CaseFilter(properties={"p": ("1", "2")})),
        ("p = 1 or match-none()", CaseFilter(properties={"p": ("1",)})),
        (
            "p = 1 and q > 2 and @status = 'open'",
            CaseFilter(properties={"p": ("1",)}, closed=(False,)),
        ),
        (
            "@status = 'open' and p = 1 or @status = 'open' and q = 1",
            CaseFilter(closed=(False,)),
        ),
    ],
)
def test_equalities_are_necessary(text, expected):
    """Rule 6.3: what an index can begin with."""
    assert needed(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "p != 'v'",
        "not(p = 'v')",
        "p > 3",
        "starts-with(p, 'v')",
        "external_id = ''",
        "date_opened = '2020-01-01'",
        "closed_on = ''",
        "@nothing = ''",
        "p = 1 or q = 1",
        "p = 1 or match-all()",
        "@status = 'open' or @status = 'closed'",
        "@status = 'open' or p = 1",
        "parent/p = 1",
        "parent/parent/@case_id = 1",
        "subcase-exists('parent', @case_id = 1)",
        "match-all()",
    ],
)
def test_nothing_else_is_necessary(text):
    """Rule 6.3: never a condition that a match might fail."""
    assert needed(text) == EVERYTHING


@pytest.mark.parametrize(
    "text",
    [
        "match-none()",
        "p = 1 and p = 2",
        "@status = 'ajar'",
        "@status = 'open' and @status = 'closed'",
        "@case_id = 'a' and name = 'x' and @case_id = 'b'",
        "(p = 1 and p = 2) or match-none()",
    ],
)
def test_a_contradiction_is_impossible(text):
    """Rule 6.3: a query that nothing can match needs no database."""
    assert is_impossible(needed(text))


def test_a_filter_keeps_its_conditions_when_it_is_narrowed():
    """Rule 6.3: the query combines with the other filters by AND."""
    query = read("p = 1 and @case_type = 'a'")
    asked = CaseFilter(
        equals={"case_type": ("a", "b"), "owner_id": ("o",)},
        properties={"q": ("2",)},
        query=query,
        include_deleted=True,
    )
    assert narrowed(asked) == CaseFilter(
        equals={"case_type": ("a",), "owner_id": ("o",)},
        properties={"q": ("2",), "p": ("1",)},
        query=query,
        include_deleted=True,
    )


def test_a_filter_without_query_is_narrow_already():
    """Rule 6.0: ``query`` is optional."""
    asked = CaseFilter(closed=(True,))
    assert narrowed(asked) is asked


def test_both_joins_ranges_queries_and_contradictions():
    """Rule 6.0.1: different parameters combine by AND."""
    one, other = (read(text) for text in ("p = 1", "q > 1"))
    early = TimeRange(column="opened_on", operator=Operator.LT, values=("2020",))
    late = TimeRange(column="opened_on", operator=Operator.GT, values=("2021",))
    assert both(
        CaseFilter(ranges=(early,), query=one), CaseFilter(ranges=(late,), query=other)
    ) == CaseFilter(ranges=(early, late), query=And(parts=(one, other)))
    assert both(CaseFilter(closed=(True,)), CaseFilter(closed=(True,))) == CaseFilter(
        closed=(True,)
    )
    assert is_impossible(both(CaseFilter(closed=(True,)), CaseFilter(closed=(False,))))
    assert is_impossible(both(NOTHING, EVERYTHING))
    assert not is_impossible(EVERYTHING)
