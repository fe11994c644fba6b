"""Dates by patterns: rules/batch-imports.md 1.6.1a."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importers.haplo.rules.dates import BadDate, BadPattern, read_pattern


def read(pattern: str, text: str) -> str:
    """Return a date as a case has it."""
    found = read_pattern(pattern)
    return found.written(found.read(text, this_year=2024))


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("dd/MM/yyyy", "01/02/2020", "2020-02-01"),
        ("dd/MM/yyyy", "1/2/2020 and more", "2020-02-01"),
        ("d MMM yyyy", "3 Feb 1999", "1999-02-03"),
        ("d MMMM yyyy", "3 FEBRUARY 1999", "1999-02-03"),
        ("MMM d, yyyy", "May 5, 2020", "2020-05-05"),
        ("EEE, d MMM yyyy", "Monday, 3 Feb 2020", "2020-02-03"),
        ("yyyyMMdd", "20200102", "2020-01-02"),
        ("yy-MM-dd", "99-01-02", "1999-01-02"),
        ("yy-MM-dd", "23-01-02", "2023-01-02"),
        ("yy-MM-dd", "1987-01-02", "1987-01-02"),
        ("yyyy", "2020", "2020-01-01"),
        ("yyyy-MM-dd HH:mm", "2020-01-02 03:04", "2020-01-02T03:04:00Z"),
        ("yyyyMMddHHmmss", "20200102030405", "2020-01-02T03:04:05Z"),
        (
            "yyyy-MM-dd'T'HH:mm:ss.SSSZ",
            "2020-01-02T03:04:05.678+0130",
            "2020-01-02T01:34:05Z",
        ),
        (
            "yyyy-MM-dd'T'HH:mm:ssX",
            "2020-01-02T03:04:05-01:00",
            "2020-01-02T04:04:05Z",
        ),
        ("yyyy-MM-dd'T'HH:mm:ssX", "2020-01-02T03:04:05Z", "2020-01-02T03:04:05Z"),
        ("yyyy-MM-dd HH:mm z", "2020-01-02 03:04 PST", "2020-01-02T11:04:00Z"),
        ("yyyy-MM-dd HH:mm z", "2020-01-02 03:04 GMT+02:00", "2020-01-02T01:04:00Z"),
        ("yyyy-MM-dd hh:mm a", "2020-01-02 12:30 am", "2020-01-02T00:30:00Z"),
        ("yyyy-MM-dd hh:mm a", "2020-01-02 12:30 PM", "2020-01-02T12:30:00Z"),
        ("yyyy-MM-dd h:mm", "2020-01-02 3:30", "2020-01-02T03:30:00Z"),
        ("yyyy 'o''clock' MM", "2020 o'clock 05", "2020-05-01"),
        ("yyyy''MM", "2020'05", "2020-05-01"),
        ("yyyy-MM-dd", " 2020-01-02", "2020-01-02"),
    ],
)
def test_dates_are_read(pattern, text, found):
    assert read(pattern, text) == found


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("dd/MM/yyyy", "31/02/2020"),
        ("dd/MM/yyyy", "01/13/2020"),
        ("dd/MM/yyyy", "01-02-2020"),
        ("dd/MM/yyyy", ""),
        ("dd/MM/yyyy", "x"),
        ("yyyy", "0000"),
        ("yyyy", "10000"),
        ("yyyy", "9" * 400),
        ("HH:mm", "24:00"),
        ("hh:mm", "13:00"),
        ("HH:mm:ss", "10:60:00"),
        ("MMM yyyy", "Fob 2020"),
        ("EEE", "Nay"),
        ("HH a", "10 xx"),
        ("HH z", "10 XYZ"),
        ("HH Z", "10 "),
        ("HH Z", "10 +99"),
        ("yyyy HH:mm Z", "0001 00:00 +0100"),
        ("yyyy'x'", "2020y"),
    ],
)
def test_dates_that_are_none(pattern, text):
    """Fields out of range do not roll over."""
    with pytest.raises(BadDate):
        read(pattern, text)


@pytest.mark.parametrize("pattern", ["", "YYYY", "yyyy-'x", "QQ", "/", "'yyyy'"])
def test_patterns_that_are_none(pattern):
    with pytest.raises(BadPattern):
        read_pattern(pattern)


@given(st.text("yMdHhmsSaEzZX'/-: T", max_size=12), st.text(max_size=20))
def test_any_text_is_a_date_or_none(pattern, text):
    try:
        found = read_pattern(pattern)
        found.written(found.read(text, this_year=2024))
    except (BadPattern, BadDate):
        pass
