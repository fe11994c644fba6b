"""Rate limits as they are written (rules/operator.md 5.11)."""

from __future__ import annotations

import re

import pytest

from api.wire.rates import check_rates, rates_of

SECOND, MINUTE, HOUR, DAY, WEEK = 1, 60, 3600, 86400, 604800


def told(text, workers=0):
    """Return how many calls each window lets in, by its seconds."""
    found = rates_of(text, workers=workers)
    return {limit.get_expiry(): limit.amount for limit in found}


@pytest.mark.parametrize(
    ("workers", "expected"),
    [
        (0, {SECOND: 1, MINUTE: 10, HOUR: 30, DAY: 50, WEEK: 100}),
        (10, {SECOND: 4, MINUTE: 41, HOUR: 1334, DAY: 10050, WEEK: 50100}),
    ],
)
def test_the_limits_of_commcare_grow_with_the_workers(workers, expected):
    """A call passes while there are fewer than 3.17, so the fourth does."""
    assert told("commcare", workers) == expected


def test_no_limits_are_off():
    """As every domain begins."""
    assert told("off", 10) == {}


def test_figures_of_an_operator():
    """The shortest first; of two for one window the stricter counts."""
    found = told("2000/day; 5/second; 100 per minute; 90/minute; 7 per 2 hours")
    assert list(found.items()) == [(1, 5), (60, 90), (7200, 7), (86400, 2000)]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "'' are no rate limits: off, commcare, or calls for a time"),
        ("many", "'5/second; 100/minute; 2000/day'"),
        ("0/day", "write 'off'"),
        ("5/day; 0/second", "write 'off'"),
        ("1/3 years", "longer than a year"),
    ],
)
def test_what_means_nothing_is_refused(text, part):
    """Whoever types it is told what can be written."""
    with pytest.raises(ValueError, match=re.escape(part)):
        check_rates(text)
