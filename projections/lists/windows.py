"""Parts of a list that are counted off from its beginning, in the order asked for.

Where ``pages.py`` goes on behind the last case of a page, here a page is so many cases
behind the first so many (``rules/hq-frame.md`` 2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import attrgetter

from ledger.store import Reader, Store
from projections.cases.touching import touching_forms
from projections.cases.values import Touching
from projections.lists.filter import CaseFilter, Page, Sort, Window
from projections.lists.pages import list_cases
from projections.lists.plan import make_plan
from projections.lists.window_sql import window_statement
from projections.rule.case_row import SeenCase, WholeCase

_SEEN = len(SeenCase._fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowPage:
    """A part of a list: its cases, the forms that touch them, how many match in all."""

    rows: tuple[WholeCase, ...]
    touching: Mapping[str, Touching]
    total: int


async def read_window(
    store: Store, domain: str, *, asked: CaseFilter, window: Window
) -> WindowPage:
    """Return a part of a list as it is at one moment; raises ``NotFound``."""
    read = partial(_at_one_moment, store, domain, asked=asked, window=window)
    return await store.aside(read)


def _at_one_moment(
    store: Store, domain: str, *, asked: CaseFilter, window: Window
) -> WindowPage:
    with store.snapshot(domain) as reader:
        return list_window(reader, asked, window)


def list_window(r: Reader, asked: CaseFilter, window: Window) -> WindowPage:
    """Return a part of the list of cases that match; let its reads see one moment."""
    total = list_cases(r, asked, Page(limit=0)).total
    rows = _rows(r, asked, window) if window.offset < total else []
    found = touching_forms(r, [row.seen.case_id for row in rows])
    return WindowPage(rows=tuple(rows), touching=found, total=total)


def _rows(r: Reader, asked: CaseFilter, window: Window) -> list[WholeCase]:
    plan = make_plan(r, asked)
    if plan is None:
        return []
    found = r.conn.rows(
        window_statement(plan.shape, window.sorts),
        domain=r.domain,
        low=plan.low,
        high=plan.high,
        limit=window.limit,
        offset=window.offset,
        **plan.params,
    )
    rows = [WholeCase(SeenCase._make(row[:_SEEN]), *row[_SEEN:]) for row in found]
    return in_order(rows, window.sorts)


def in_order(rows: Sequence[WholeCase], sorts: Sequence[Sort]) -> list[WholeCase]:
    """Return cases in an order, those that are equal in it by their ids."""
    found = sorted(rows, key=attrgetter("seen.case_id"))
    for column, descending in reversed(sorts):
        found.sort(key=attrgetter(f"seen.{column}"), reverse=descending)
    return found
