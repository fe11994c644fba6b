"""Functions that make values, and texts with quotation marks.

The rules are those of rules/case-api-v2.md 6.3.
"""

from __future__ import annotations

import pytest

from projections.csql import Node, QueryError, parse
from projections.csql.nodes import (
    Comparator,
    CompareInstant,
    Equals,
    SelectedAll,
    SelectedAny,
)

NOW = "2024-02-29T12:34:56.789012Z"


def read(text: str) -> Node:
    return parse(text, now=NOW)


def value(text: str) -> str:
    node = read(f"p = {text}")
    assert isinstance(node, Equals)
    return node.value


def problem(text: str) -> str:
    with pytest.raises(QueryError) as caught:
        value(text)
    return caught.value.text


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("today()", "2024-02-29"),
        ("now()", NOW),
        ("date-add('2024-01-31', 'months', 1)", "2024-02-29"),
        ("date-add('2024-03-31', 'months', -13)", "2023-02-28"),
        ("date-add('2024-02-29', 'years', 1)", "2025-02-28"),
        ("date-add('2024-02-29', 'years', '4')", "2028-02-29"),
        ("date-add(today(), 'weeks', -2)", "2024-02-15"),
        ("date-add(date(0), 'days', 1)", "1970-01-02"),
        ("date-add(0, 'days', 1.5)", "1970-01-02"),
        ("date-add(date-add(today(), 'days', 1), 'days', 1)", "2024-03-02"),
        ("datetime('2024-01-01')", "2024-01-01T00:00:00.000000Z"),
        ("datetime('2024-01-01T02:00:00+02:00')", "2024-01-01T00:00:00.000000Z"),
        ("datetime(1.5)", "1970-01-02T12:00:00.000000Z"),
        ("datetime(today())", "2024-02-29T00:00:00.000000Z"),
        ("datetime-add(now(), 'hours', -12)", "2024-02-29T00:34:56.789012Z"),
        ("datetime-add(now(), 'minutes', .5)", "2024-02-29T12:35:26.789012Z"),
        ("datetime-add(now(), 'seconds', 1)", "2024-02-29T12:34:57.789012Z"),
        ("datetime-add('2024-01-31', 'months', 1)", "2024-02-29T00:00:00.000000Z"),
        ("datetime-add(now(), 'weeks', 1)", "2024-03-07T12:34:56.789012Z"),
        ("double('5')", "5"),
        ("double('005')", "5"),
        ("double('5.0')", "5"),
        ("double('-2.50')", "-2.5"),
        ("double(7)", "7"),
        ("double('1e3')", "1000"),
        ("double('1970-01-03')", "2"),
        ("double(datetime('1970-01-01T12:00:00Z'))", "0.5"),
        ("concat('a')", "a"),
        ("""concat("it's ", 'a "b"')""", """it's a "b\""""),
        ("concat('x', 7, today())", "x72024-02-29"),
    ],
)
def test_a_function_of_values_is_worked_out(call, expected):
    """Rule 6.3.6: dates, times, numbers and texts, one inside the other."""
    assert value(call) == expected


def test_a_time_that_is_worked_out_compares_as_a_time():
    """Rule 6.3.6: what a function makes is a value like a written one."""
    assert read("last_modified > datetime-add(now(), 'days', -7)") == CompareInstant(
        name="last_modified",
        comparator=Comparator.GT,
        bound="2024-02-22T12:34:56.789012Z",
    )


def test_a_list_gives_its_words():
    """Rule 6.3.6: each element is a text of words, as if they were written in one."""
    listed = """unwrap-list('["x y", "z", 3]')"""
    words = ("x", "y", "z", "3")
    assert read(f"selected(p, {listed})") == SelectedAny(name="p", words=words)
    assert read(f"selected-any(p, {listed})") == SelectedAny(name="p", words=words)
    assert read(f"selected-all(p, {listed})") == SelectedAll(name="p", words=words)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'both '' and \"'", "both ' and \""),
        ('"both \' and """', "both ' and \""),
        ("''", ""),
        ("''''", "'"),
        ('""""', '"'),
        ("\"''\"", "''"),
        ("'\"\"'", '""'),
    ],
)
def test_a_doubled_quotation_mark_stands_for_itself(text, expected):
    """Rule 6.3.7: only the kind that the text stands in is doubled."""
    assert value(text) == expected


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("date-add('2024-01-31', 'hours', 1)", "'hours' is not an interval of 'date-a"),
        ("datetime-add(now(), 'day', 1)", "Expected one of days, weeks, months, years"),
        ("date-add('soon', 'days', 1)", "Invalid date value."),
        ("date-add(now(), 'days', 1)", "Invalid date value."),
        ("datetime('soon')", "Invalid time value."),
        ("datetime(1000000000)", "Invalid time value."),
        ("date-add('2024-01-31', 'days', 'x')", "The quantity to add must be a numb"),
        ("date-add('2024-01-31', 'months', 1.5)", "a whole one for months and years"),
        ("date-add('9999-12-31', 'days', 1)", "leads out of the calendar"),
        ("date-add('0001-01-01', 'months', -1)", "leads out of the calendar"),
        ("date-add('2024-01-31', 'years', 99999999999)", "leads out of the calendar"),
        ("date-add('2024-01-31', 'weeks', '1e300')", "leads out of the calendar"),
        ("date-add('2024-01-31', 'days')", "write date-add('YYYY-MM-DD', 'interval', "),
        ("datetime-add(now(), 'days', 1, 2)", "Wrong number of arguments"),
        ("double('five')", "must be a number, a date or a time"),
        ("unwrap-list('x')", "must be a JSON list"),
        ("unwrap-list('{}')", "must be a JSON list"),
        ("unwrap-list('[null]')", "must be a JSON list"),
        ("unwrap-list('[\"x\"]')", "A list stands where one text must stand."),
        ("concat(unwrap-list('[]'))", "A list stands where one text must stand."),
        ("concat(q)", "You cannot reference a case property on the right side"),
        ("'open", "We didn't understand"),
        ("'odd'' ", "We didn't understand"),
    ],
)
def test_a_call_that_makes_no_value_is_explained(call, expected):
    """Rule 6.3.5: refused with the reason, never guessed."""
    assert expected in problem(call)
