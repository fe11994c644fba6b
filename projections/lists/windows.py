"""Parts of a list that are counted off from its beginning, in the order asked for.

Where ``pages.py`` goes on behind the last case of a page, here a page is so many cases
behind the first so many (``rules/hq-frame.md`` 2). Along an axis it is found from where
a page before it ended, or by walking from the end that is nearer, so that whoever walks
a list, or asks for its end, pays for the page alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any, NamedTuple

from ledger.store import Reader
from projections.cases.by_id import whole_case
from projections.lists.axis import (
    Axis,
    Place,
    axis_of,
    behind,
    is_bounded,
    place_of,
    server_span,
)
from projections.lists.filter import CaseFilter, Page, Sort, Window
from projections.lists.folded import spelled
from projections.lists.pages import holds, list_cases
from projections.lists.plan import (
    BEGINNING,
    END,
    Plan,
    counters,
    make_plan,
    make_walk,
    uncounted,
)
from projections.lists.sql import IN_ORDER
from projections.lists.window_sql import (
    WalkShape,
    gathering_statement,
    walked_statement,
    walking_statement,
)
from projections.rule.case_row import WholeCase
from projections.rule.remembered import Remembered

_MOST = 1 << 62
_NEAR = 10_000
"""Cases that are counted to get from one total to another; more are counted afresh."""


class _Total(NamedTuple):
    """How many cases stand behind a place."""

    start: Place
    cases: int


_TOTALS: Remembered[_Total] = Remembered(1024)
_PLACES: Remembered[Place] = Remembered(4096)
"""Behind which case the page at an offset begins."""


def list_window(
    r: Reader, asked: CaseFilter, window: Window
) -> tuple[list[WholeCase], int]:
    """Return a part of the list of cases that match, and how many do in all.

    Let its reads see one moment.
    """
    asked = spelled(r, asked)
    axis = axis_of(window.sorts)
    if axis is Axis.INDEXED:
        plan = make_plan(r, asked)
        if plan is None:
            return [], 0
        if plan.shape.driver in IN_ORDER and plan.shape.branches == 1:
            span = (plan.low,), (min(plan.high + 1, END),)
            return _Walk(r, plan, axis, span).page(window)
    elif axis is Axis.SERVER:
        others = [a for a in asked.ranges if a.column != Axis.SERVER]
        walk = make_walk(r, replace(asked, ranges=tuple(others)))
        if walk is None:
            return [], 0
        if walk.is_along:
            bounded = is_bounded(asked.ranges)
            plan = replace(walk.plan, counter=None) if bounded else walk.plan
            return _Walk(r, plan, axis, server_span(asked.ranges)).page(window)
    return _gathered(r, asked, window)


def _gathered(
    r: Reader, asked: CaseFilter, window: Window
) -> tuple[list[WholeCase], int]:
    """Return the rows of a page, found by sorting all that match, and the total."""
    total = list_cases(r, asked, Page(limit=0)).total
    plan = make_plan(r, asked)
    if plan is None or window.offset >= total:
        return [], total
    found = r.conn.rows(
        gathering_statement(plan.shape, window.sorts),
        domain=r.domain,
        low=plan.low,
        high=plan.high,
        limit=window.limit,
        offset=window.offset,
        **plan.params,
    )
    return _checked(plan, in_order(map(whole_case, found), window.sorts)), total


class _Walk:
    """A list that is walked along an axis, between two places of it."""

    def __init__(
        self, r: Reader, plan: Plan, axis: Axis, span: tuple[Place, Place]
    ) -> None:
        self._r = r
        self._plan = plan
        self._axis = axis
        self._low, self._high = span
        bounded = axis is Axis.SERVER and (plan.low, plan.high) != (BEGINNING, END)
        bare = replace(uncounted(plan), counter=None, work=0)
        self._shape = WalkShape(bare.shape, axis, bounded)
        self._params = {**bare.params, "low": plan.low, "high": plan.high}
        if axis is Axis.INDEXED:
            bare = replace(bare, low=BEGINNING)
        self._key = (r.domain, r.head.digest, axis, self._high, repr(bare))

    def page(self, window: Window) -> tuple[list[WholeCase], int]:
        """Return the rows of a page in order, and the total."""
        total = self._total()
        many = min(window.limit, total - window.offset)
        if many <= 0:
            return [], total
        rows = self._rows_at(window, many, total=total)
        if rows:
            key = (*self._key, self._low, window.sorts, window.offset + many)
            _PLACES.put(key, place_of(self._axis, rows[-1].seen))
        return _checked(self._plan, rows), total

    def _rows_at(self, window: Window, many: int, *, total: int) -> list[WholeCase]:
        """Return so many rows from an offset on, passing over as few as can be.

        The row before the first is looked at too: it tells where the page begins.
        """
        sorts, offset = window.sorts, window.offset
        descending = sorts[0].descending
        key = (*self._key, self._low, sorts, offset)
        place = _PLACES.get(key)
        if place is not None:
            return self._rows(many, sorts, descending=descending, behind=place)
        before = 1 if offset else 0
        beyond = total - offset - many
        if offset <= beyond:
            rows = self._rows(
                many + before, sorts, descending=descending, offset=offset - before
            )
        else:
            rows = self._rows(
                many + before, sorts, descending=not descending, offset=beyond
            )
        if before and rows:
            _PLACES.put(key, place_of(self._axis, rows[0].seen))
        return rows[before:]

    def _rows(
        self,
        limit: int,
        sorts: Sequence[Sort],
        *,
        descending: bool,
        offset: int = 0,
        behind: Place | None = None,
    ) -> list[WholeCase]:
        low, high = self._low, self._high
        if behind is not None and descending:
            high = behind
        elif behind is not None:
            low = behind
        found = self._r.conn.rows(
            walking_statement(self._shape, descending=descending),
            domain=self._r.domain,
            limit=limit,
            offset=offset,
            **self._params,
            **_between(low, high),
        )
        return in_order(map(whole_case, found), sorts)

    def _total(self) -> int:
        """Return how many cases match; from one place to a near one by the difference.

        Readers that go on from the time of the last case ask for ever later starts.
        """
        counter = self._plan.counter
        if counter is not None:
            total = counters(self._r, self._plan.shape.generation, [counter])[0]
        else:
            known = _TOTALS.get(self._key)
            total = -1 if known is None else self._moved(known)
            if total < 0:
                total = self._count(self._low, self._high, most=_MOST)
        _TOTALS.put(self._key, _Total(self._low, total))
        return total

    def _moved(self, known: _Total) -> int:
        """Return the total behind another place; negative where it is far away."""
        if known.start == self._low:
            return known.cases
        first, last = sorted((known.start, self._low))
        between = self._count(first, behind(self._axis, last), most=_NEAR)
        if between >= _NEAR:
            return -1
        return known.cases + (between if self._low == first else -between)

    def _count(self, low: Place, high: Place, *, most: int) -> int:
        counted: int = self._r.conn.value(
            walked_statement(self._shape),
            domain=self._r.domain,
            limit=most,
            **self._params,
            **_between(low, high),
        )
        return counted


def in_order(rows: Any, sorts: Sequence[Sort]) -> list[WholeCase]:
    """Return cases in an order, those that are equal in it by their ids."""
    down = sorts[0].descending
    found = sorted(rows, key=attrgetter("seen.case_id"), reverse=down)
    for column, descending in reversed(sorts):
        found.sort(key=attrgetter(f"seen.{column}"), reverse=descending)
    return found


def _checked(plan: Plan, rows: list[WholeCase]) -> list[WholeCase]:
    """Return the rows without those that only a hash brought here."""
    for name, values in plan.again:
        rows = [row for row in rows if holds(row.seen, name, values)]
    return rows


def _between(low: Place, high: Place) -> dict[str, int | str]:
    params: dict[str, int | str] = {}
    for name, place in (("from", low), ("to", high)):
        for part, value in enumerate(place):
            params[f"{name}{part}"] = value
    return params
