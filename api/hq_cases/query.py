"""What a query string asks of HQ's lists of cases (``rules/hq-cases.md`` 2). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import reduce

from api.wire.hq_case import KEYS
from api.wire.hq_query import HqQuery, Order
from api.wire.hq_search import SEARCH, searched_times
from api.wire.list_v0_5 import Page
from ledger.times import format_micros
from projections.lists.filter import CaseFilter, Operator, Sort, TimeRange, Window
from projections.lists.narrow import both

MOST_LIMIT = 5000

_SORTED_BY = {
    "indexed_on": "indexed_on",
    "date_modified": "modified_on",
    "server_date_modified": "server_modified_on",
}
"""The keys that a list may be sorted by, with their columns."""
_BY_DEFAULT = (Order("server_date_modified"),)

FOLDED = {
    "type": "case_type",
    "case_type": "case_type",
    "name": "case_name",
    "case_name": "case_name",
    "external_id": "external_id",
}
"""The parameters whose value is meant in any letter case."""
EXACT = {
    "type.exact": "case_type",
    "name.exact": "case_name",
    "external_id.exact": "external_id",
    "owner_id": "owner_id",
    "user_id": "modified_by",
    "opened_by": "opened_by",
    "closed_by": "closed_by",
    "case_id": "case_id",
}
TIMES = {
    "indexed_on": "indexed_on",
    "server_date_modified": "server_modified_on",
    "server_modified_on": "server_modified_on",
    "date_modified": "modified_on",
}
"""The times that have a parameter ``…_start`` and one ``…_end``."""
_BOUNDS = {"_start": Operator.GTE, "_end": Operator.LTE}

_KNOWN = frozenset({*FOLDED, *EXACT, "closed", "order_by", SEARCH}).union(
    f"{name}{bound}" for name in TIMES for bound in _BOUNDS
)


@dataclass(frozen=True, slots=True)
class Extras:
    """What stands in a case beside its own keys (rule 3.1)."""

    parents: bool = False
    children: bool = False
    forms_by_name: bool = False
    forms_by_xmlns: bool = False


def window_of(query: HqQuery, page: Page) -> Window:
    """Return which part of the list is asked for, in which order (rule 2.5)."""
    orders = query.order(_SORTED_BY, known=KEYS) or _BY_DEFAULT
    sorts = tuple(Sort(_SORTED_BY[field], down) for field, down in orders)
    return Window(limit=page.limit, offset=page.offset, sorts=sorts)


def filter_of(query: HqQuery) -> CaseFilter:
    """Return which cases are asked for; raises a 400 that names the parameter."""
    extras = (name for name, _ in query.pairs if name.endswith("__full"))
    query.require_known(_KNOWN.union(extras))
    conditions = [
        CaseFilter(equals={column: (text,)})
        for name, column in EXACT.items()
        if (text := query.text(name)) is not None
    ]
    closed = query.flag("closed")
    plain = CaseFilter(
        closed=() if closed is None else (closed,),
        ranges=(*_ranges(query), *_searched(query.text(SEARCH))),
    )
    folded = tuple(
        (column, text)
        for name, column in FOLDED.items()
        if (text := query.text(name)) is not None
    )
    return replace(reduce(both, conditions, plain), folded=folded)


def extras_of(query: HqQuery) -> Extras:
    """Return which extra parts are switched on."""
    return Extras(
        parents=query.is_on("parent_cases__full"),
        children=query.is_on("child_cases__full"),
        forms_by_name=query.is_on("xforms_by_name__full"),
        forms_by_xmlns=query.is_on("xforms_by_xmlns__full"),
    )


def _ranges(query: HqQuery) -> Iterator[TimeRange]:
    for name, column in TIMES.items():
        for bound, operator in _BOUNDS.items():
            when = query.moment(f"{name}{bound}")
            if when is not None:
                values = (format_micros(when),)
                yield TimeRange(column=column, operator=operator, values=values)


def _searched(text: str | None) -> Iterator[TimeRange]:
    if text is None:
        return
    found = searched_times(text)
    for operator, when in ((Operator.GTE, found.first), (Operator.LTE, found.last)):
        if when is not None:
            values = (format_micros(when),)
            yield TimeRange(column=found.key, operator=operator, values=values)
