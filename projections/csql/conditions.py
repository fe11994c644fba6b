"""What each condition says about the value of its property. Pure.

A condition becomes a test of one text once per evaluation, so that whatever can be
prepared (words, sound codes, the place in question) is prepared once for all cases.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import singledispatch
from typing import Any

from projections.csql.likeness import soundex, spelled_alike
from projections.csql.nodes import (
    Comparator,
    CompareDay,
    CompareInstant,
    CompareNumber,
    Equals,
    FuzzyMatch,
    PhoneticMatch,
    SelectedAll,
    SelectedAny,
    StartsWith,
    WithinDistance,
)
from projections.csql.values import (
    Place,
    instant_of,
    metres_between,
    number_of,
    place_of,
)

Test = Callable[[str], bool]

COMPARE: Mapping[Comparator, Callable[[Any, Any], bool]] = {
    Comparator.EQ: operator.eq,
    Comparator.NE: operator.ne,
    Comparator.LT: operator.lt,
    Comparator.LE: operator.le,
    Comparator.GT: operator.gt,
    Comparator.GE: operator.ge,
}
_DAY = 10  # characters of an instant that are its day


@singledispatch
def value_test(leaf: object) -> Test:
    """Return the test that a condition puts to a value; not set is the empty text."""
    raise TypeError(leaf)


@value_test.register
def _equals(leaf: Equals) -> Test:
    return leaf.value.__eq__


@value_test.register
def _compare_number(leaf: CompareNumber) -> Test:
    compare = COMPARE[leaf.comparator]

    def test(value: str) -> bool:
        number = number_of(value)
        return number is not None and compare(number, leaf.bound)

    return test


@value_test.register
def _compare_day(leaf: CompareDay) -> Test:
    compare, bound = COMPARE[leaf.comparator], leaf.bound.isoformat()

    def test(value: str) -> bool:
        instant = instant_of(value)
        return instant is not None and compare(instant[:_DAY], bound)

    return test


@value_test.register
def _compare_instant(leaf: CompareInstant) -> Test:
    compare = COMPARE[leaf.comparator]

    def test(value: str) -> bool:
        instant = instant_of(value)
        return instant is not None and compare(instant, leaf.bound)

    return test


@value_test.register
def _selected_any(leaf: SelectedAny) -> Test:
    wanted = frozenset(leaf.words)
    return lambda value: not wanted.isdisjoint(value.split())


@value_test.register
def _selected_all(leaf: SelectedAll) -> Test:
    wanted = frozenset(leaf.words)
    return lambda value: wanted.issubset(value.split())


@value_test.register
def _starts_with(leaf: StartsWith) -> Test:
    return lambda value: value.startswith(leaf.prefix)


@value_test.register
def _fuzzy_match(leaf: FuzzyMatch) -> Test:
    wanted = leaf.text.lower()

    def test(value: str) -> bool:
        lowered = value.lower()
        return spelled_alike(lowered, wanted) or any(
            spelled_alike(word, wanted) for word in lowered.split()
        )

    return test


@value_test.register
def _phonetic_match(leaf: PhoneticMatch) -> Test:
    wanted = frozenset(map(soundex, leaf.text.split()))
    return lambda value: not wanted.isdisjoint(map(soundex, value.split()))


@value_test.register
def _within_distance(leaf: WithinDistance) -> Test:
    centre = Place(leaf.latitude, leaf.longitude)

    def test(value: str) -> bool:
        place = place_of(value)
        return place is not None and metres_between(place, centre) <= leaf.metres

    return test
