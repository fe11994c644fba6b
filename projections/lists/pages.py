"""Lists of cases: one page and how many match in all (``rules/case-api-v2.md`` 6).

The order is that of ``indexed_on``, which is unique in a domain, so a page begins right
behind the last case of the one before, at any depth for the same price.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from operator import attrgetter
from typing import Any

import orjson

from ledger.store import Reader, Store
from projections.lists.csql_walk import Walk
from projections.lists.filter import CaseFilter, CasePage, Page
from projections.lists.narrow import narrowed
from projections.lists.plan import BEGINNING, END, Plan, counters, make_plan, uncounted
from projections.lists.sql import count_statement, page_statement
from projections.rule.case_row import SeenCase
from projections.rule.hashing import CASE_NAME
from projections.rule.remembered import Remembered

_SHORT_PAGE = 200
_SHORT_WORK = 1000
"""Cases that may be read on the event loop before a thread is the better place."""

_NOTHING = CasePage(rows=(), total=0)
_COLUMNS = len(SeenCase._fields)
_position = attrgetter("indexed_on")


async def read_page(
    store: Store, domain: str, *, asked: CaseFilter, page: Page
) -> CasePage:
    """Return a page, reading where it delays nobody else.

    Raises ``NotFound`` for an unknown domain.
    """
    if store.reads_inline and page.limit <= _SHORT_PAGE:
        done = await store.read(domain, partial(_if_short, asked=asked, page=page))
        if done is not None:
            return done
    at_one_moment = partial(_at_one_moment, store, asked=asked, page=page)
    return await store.scan(domain, at_one_moment)


def list_cases(r: Reader, asked: CaseFilter, page: Page) -> CasePage:
    """Return a page of the cases that match, and how many there are now.

    The first page is the one without ``after``. With ``limit`` 0 only the total is
    found. A query in the filter makes many reads; let them see one moment.
    """
    plan = make_plan(r, narrowed(asked))
    return _NOTHING if plan is None else _List(r, plan, asked).page(page)


def _if_short(r: Reader, *, asked: CaseFilter, page: Page) -> CasePage | None:
    """Return the page if that takes no longer than a plain one, else nothing."""
    if asked.query is not None:
        return None
    plan = make_plan(r, asked)
    if plan is None:
        return _NOTHING
    return None if plan.work > _SHORT_WORK else _List(r, plan, asked).page(page)


def _at_one_moment(
    store: Store, r: Reader, *, asked: CaseFilter, page: Page
) -> CasePage:
    """Return the page of a snapshot where statements would see later writes."""
    if store.reads_inline or asked.query is None:
        return list_cases(r, asked, page)
    with store.snapshot(r.domain) as moment:
        return list_cases(moment, asked, page)


class _List:
    """A filter that is answered from one plan."""

    def __init__(self, r: Reader, plan: Plan, asked: CaseFilter) -> None:
        self._r = r
        self._plan = plan
        self._query = asked.query
        self._key: Any = None
        self._known: int | None = None
        if plan.counter is None or asked.query is not None:
            self._key = (r.domain, r.head.digest, repr(plan), asked.query)
            self._known = _TOTALS.get(self._key)

    def page(self, page: Page) -> CasePage:
        """Return the rows behind ``after`` and the total."""
        if self._query is not None:
            return self._walked(page)
        if not page.limit:
            return CasePage(rows=(), total=self._total(()))
        start = max(self._plan.low, BEGINNING if page.after is None else page.after)
        rows, total = self._rows(start, page.limit + 1)
        if total is None:
            total = self._total(rows, start=start, full=len(rows) > page.limit)
        return _cut(self._checked(rows), rows, limit=page.limit, total=total)

    def _rows(self, low: int, limit: int) -> tuple[list[SeenCase], int | None]:
        """Return rows in order, and the total where the counters tell it."""
        plan = self._plan
        found = self._r.conn.rows(
            page_statement(plan.shape),
            domain=self._r.domain,
            low=low,
            high=plan.high,
            limit=limit,
            **plan.params,
        )
        if not plan.shape.counted:
            rows = [SeenCase._make(row) for row in found]
            total = None
        else:
            rows = [SeenCase._make(row[:_COLUMNS]) for row in found]
            total = found[0][_COLUMNS] if found else None
        rows.sort(key=_position)
        return rows, total

    def _total(
        self, rows: list[SeenCase] | tuple[()], *, start: int = END, full: bool = True
    ) -> int:
        """Return how many cases match, counting only what the page did not meet."""
        plan = self._plan
        if plan.counter is not None:
            return counters(self._r, plan.shape.generation, [plan.counter])[0]
        if self._known is None:
            self._known = len(rows) + self._count(plan.low, min(start, plan.high))
            if rows and full:
                self._known += self._count(rows[-1].indexed_on, plan.high)
            _TOTALS.put(self._key, self._known)
        return self._known

    def _count(self, low: int, high: int) -> int:
        if low >= high:
            return 0
        shape = self._plan.shape._replace(counted=False, ended=high < END)
        counted: int = self._r.conn.value(
            count_statement(shape),
            domain=self._r.domain,
            low=low,
            high=high,
            **self._plan.params,
        )
        return counted

    def _checked(self, rows: list[SeenCase]) -> list[SeenCase]:
        """Return the rows without those that only a hash brought here."""
        for name, values in self._plan.again:
            rows = [row for row in rows if holds(row, name, values)]
        return rows

    def _walked(self, page: Page) -> CasePage:
        """Return the page of a query, which only Python can judge."""
        self._plan = uncounted(self._plan)
        walk = Walk(self._r, self._query, self._candidates)
        after = BEGINNING if page.after is None else page.after
        if self._known is None:
            rows, total = walk.whole(self._plan.low, after=after, most=page.limit + 1)
            _TOTALS.put(self._key, total)
        else:
            start = max(self._plan.low, after)
            rows, total = walk.first(start, most=page.limit + 1), self._known
        return _cut(rows, rows, limit=page.limit, total=total)

    def _candidates(self, low: int, limit: int) -> list[SeenCase]:
        return self._rows(low, limit)[0]


def _cut(
    rows: list[SeenCase], met: list[SeenCase], *, limit: int, total: int
) -> CasePage:
    """Return a page of rows, of which the database met those in ``met``."""
    if not limit or len(met) <= limit:
        return CasePage(rows=tuple(rows[:limit]), total=total)
    last = met[limit - 1].indexed_on
    rows = [row for row in rows if row.indexed_on <= last]
    return CasePage(rows=tuple(rows), total=total, after=last)


def holds(row: SeenCase, name: str, values: Sequence[str]) -> bool:
    """Tell whether a case that a hash brought along has one of the values."""
    if name == CASE_NAME:
        return row.case_name in values
    if any(_written(name, value) in row.properties for value in values):
        return True
    return orjson.loads(row.properties).get(name, "") in values


def _written(name: str, value: str) -> str:
    """Return how a property stands in the text of a row.

    Quotes within values are escaped there, so nothing else can look like it.
    """
    return f"{orjson.dumps(name).decode()}:{orjson.dumps(value).decode()}"


_TOTALS: Remembered[int] = Remembered(1024)
