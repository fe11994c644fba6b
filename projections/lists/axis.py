"""The two orders of cases that an index yields, and the places in them. Pure.

A place is exclusive on both sides: what is between two of them is neither.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from projections.lists.filter import Operator, Sort, TimeRange
from projections.rule.case_row import SeenCase

Place = tuple[int | str, ...]
"""``(indexed_on,)``, or ``(server_modified_on, case_id)``."""

_LAST_ID = "\U0010ffff"
_FIRST: Place = ("", "")
_LAST: Place = ("~", "")


class Axis(StrEnum):
    """A column that cases are walked along."""

    INDEXED = "indexed_on"
    SERVER = "server_modified_on"


def axis_of(sorts: tuple[Sort, ...]) -> Axis | None:
    """Return the axis that an order is; what stands behind a unique column is idle."""
    if sorts[0].column == Axis.INDEXED:
        return Axis.INDEXED
    alone = len(sorts) == 1 and sorts[0].column == Axis.SERVER
    return Axis.SERVER if alone else None


def place_of(axis: Axis, row: SeenCase) -> Place:
    """Return where a case stands."""
    if axis is Axis.INDEXED:
        return (row.indexed_on,)
    return (row.server_modified_on, row.case_id)


def behind(axis: Axis, place: Place) -> Place:
    """Return the place with which all that is not behind another one is before it."""
    if axis is Axis.INDEXED:
        return (int(place[0]) + 1,)
    return place


def server_span(ranges: Iterable[TimeRange]) -> tuple[Place, Place]:
    """Return between which places the cases of some ranges stand.

    Those of ``server_modified_on`` alone count, each with one value.
    """
    low, high = _FIRST, _LAST
    for asked in ranges:
        if asked.column == Axis.SERVER:
            when = asked.values[0]
            match asked.operator:
                case Operator.GTE:
                    low = max(low, (when, ""))
                case Operator.GT:
                    low = max(low, (when, _LAST_ID))
                case Operator.LTE:
                    high = min(high, (when, _LAST_ID))
                case Operator.LT:
                    high = min(high, (when, ""))
    return low, high


def is_bounded(ranges: Iterable[TimeRange]) -> bool:
    """Tell whether ranges bound ``server_modified_on``."""
    return any(asked.column == Axis.SERVER for asked in ranges)
