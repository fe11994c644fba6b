"""Texts, truth and equality as the original's language has them.

The rules are those of rules/batch-imports.md 1.5.
"""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importers.haplo.rules.scripting import (
    is_same,
    is_truthy,
    number_text,
    shown,
    text_of,
)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (42, "42"),
        (42.0, "42"),
        (42.5, "42.5"),
        (-0.0, "0"),
        (0.1, "0.1"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (10**21, "1e+21"),
        (1.5e300, "1.5e+300"),
        (0.000001, "0.000001"),
        (1e-7, "1e-7"),
        (-1.25e-9, "-1.25e-9"),
        (123456789012345680000.0, "123456789012345680000"),
        (2**63, "9223372036854775808"),
        (10**400, "Infinity"),
        (-(10**400), "-Infinity"),
        (float("nan"), "NaN"),
    ],
)
def test_numbers_look_as_in_javascript(number, text):
    assert number_text(number) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_the_text_of_a_number_is_that_number(number):
    assert float(number_text(number)) == number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", "x"),
        (None, "null"),
        (True, "true"),
        (False, "false"),
        ([1, None, ["a", True]], "1,,a,true"),
        ({"a": 1}, "[object Object]"),
        ([{}], "[object Object]"),
    ],
)
def test_values_become_texts(value, text):
    assert text_of(value) == text


def test_a_deep_list_has_an_end():
    deep = json.loads("[" * 900 + "]" * 900)
    assert text_of(deep) == "…"


def test_what_is_true():
    assert all(map(is_truthy, [1, "0", [], {}, True, -1]))
    assert not any(map(is_truthy, [0, 0.0, "", None, False, float("nan")]))


def test_what_is_the_same():
    """Rule 1.5b: strictly equal, type included."""
    assert is_same(1, 1.0)
    assert is_same("a", "a")
    assert is_same(None, None)
    assert not any(is_same(number, bool(number)) for number in (0, 1))
    assert not is_same("1", 1)
    assert not is_same([], [])


def test_a_shown_value_is_one_line_that_can_be_stored():
    assert shown("a\nb\r\0\ud800") == "a\\nb\\r\\x00\\ud800"
