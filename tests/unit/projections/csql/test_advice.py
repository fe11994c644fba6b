"""Whoever does what a refusal of CSQL says is understood (rules/case-api-v2.md 6.3)."""

from __future__ import annotations

import re

import pytest

from projections.csql import QueryError, parse

NOW = "2024-02-29T12:34:56.789012Z"


def problem(text: str) -> str:
    with pytest.raises(QueryError) as caught:
        parse(text, now=NOW)
    return caught.value.text


@pytest.mark.parametrize(
    ("asked", "advice", "mended"),
    [
        ("a", "at least one boolean operator (=, !=", ["a = 1", "a != 1", "a > 1"]),
        ("a ~ 1", "The operators we accept are: =", ["a = 1 and b <= 2 or c < 3"]),
        ("a = b", "surround it with quotation marks", ["a = 'b'", 'a = "b"']),
        ("a > 'x'", "a number or date. Dates must be", ["a > 1", "a > '2024-01-01'"]),
        ("a = date('x')", "days since 1970-01-01 or a text", ["a = date(1)"]),
        ("a = date('x')", "'YYYY-MM-DD'", ["a = date('2024-01-01')"]),
        ("a = datetime('x')", "days since 1970-01-01 or", ["a = datetime(1.5)"]),
        (
            "a = datetime('x')",
            "'YYYY-MM-DDTHH:MM:SSZ'",
            ["a = datetime('2024-01-01T12:00:00Z')"],
        ),
        (
            "a = double('x')",
            "a number, a date or a time",
            ["a = double(1)", "a = double('2024-01-01')", "a = double(now())"],
        ),
        (
            "a = date-add(today(), 'months', .5)",
            "a whole one for months and years",
            ["a = date-add(today(), 'months', 1)", "a = date-add(0, 'weeks', .5)"],
        ),
        (
            "a = unwrap-list('[]')",
            "may be the second argument of 'selected', 'selected-any' and",
            [f"{n}(a, unwrap-list('[1]'))" for n in ("selected", "selected-all")],
        ),
        (
            "selected(a, unwrap-list('a'))",
            """such as '["a", "b"]'""",
            ["""selected(a, unwrap-list('["a", "b"]'))"""],
        ),
        (
            "within-distance(p, 'x', 1, 'feet')",
            "Write 'latitude longitude'",
            ["within-distance(p, '1.5 -2', 1, 'feet')"],
        ),
        (
            "within-distance(p, '1 1', 'x', 'feet')",
            "must be a number, zero or more",
            ["within-distance(p, '1 1', 0, 'feet')"],
        ),
        (
            "subcase-count('parent', a = 1) > 'x'",
            "compared with a whole number, zero or more",
            ["subcase-count('parent', a = 1) > 0"],
        ),
        ("selected('a', 'b')", "must be a case property", ["selected(a, 'b')"]),
        (
            "subcase-exists(parent, a = 1)",
            "must be the name of an index",
            ["subcase-exists('parent', a = 1)"],
        ),
        ("selected(a)", "write selected(property, 'text')", ["selected(a, 'text')"]),
        (
            "a = datetime-add(now())",
            "write datetime-add('YYYY-MM-DDTHH:MM:SSZ', 'interval', quantity)",
            ["a = datetime-add('2024-01-01T12:00:00Z', 'hours', 2)"],
        ),
        ("a = concat()", "We didn't understand", ["a = concat('text', 'text')"]),
    ],
)
def test_what_a_refusal_says_can_be_done(asked, advice, mended):
    """Rule 6.3.5: each advice leads to a query that is understood."""
    assert advice in problem(asked)
    for text in mended:
        parse(text, now=NOW)


@pytest.mark.parametrize(
    ("asked", "mended"),
    [
        ("within-distance(p, '1 1', 1, 'x')", "within-distance(p, '1 1', 1, '{}')"),
        ("a = date-add(0, 'x', 1)", "a = date-add(0, '{}', 1)"),
        ("a = datetime-add(0, 'x', 1)", "a = datetime-add(0, '{}', 1)"),
    ],
)
def test_every_word_that_a_refusal_offers_is_taken(asked, mended):
    """Rule 6.3.5: units and intervals."""
    found = re.search(r"Expected one of (.+)", problem(asked))
    assert found is not None
    for word in found[1].split(", "):
        parse(mended.format(word), now=NOW)
