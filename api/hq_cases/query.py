"""What a query string asks of HQ's lists of cases (``rules/hq-cases.md`` 2). Pure."""

from __future__ import annotations

from api.hq_cases.wire import KEYS
from api.wire.hq_query import HqQuery, Order
from api.wire.list_v0_5 import Page
from projections.lists.filter import CaseFilter, Sort, Window

MOST_LIMIT = 5000

_SORTED_BY = {
    "indexed_on": "indexed_on",
    "date_modified": "modified_on",
    "server_date_modified": "server_modified_on",
}
"""The keys that a list may be sorted by, with their columns."""
_BY_DEFAULT = (Order("server_date_modified"),)


def window_of(query: HqQuery, page: Page) -> Window:
    """Return which part of the list is asked for, in which order (rule 2.3)."""
    orders = query.order(_SORTED_BY, known=KEYS) or _BY_DEFAULT
    sorts = tuple(Sort(_SORTED_BY[field], down) for field, down in orders)
    return Window(limit=page.limit, offset=page.offset, sorts=sorts)


def filter_of(query: HqQuery) -> CaseFilter:
    """Return which cases are asked for; raises a 400 for what is not known."""
    query.require_known({"order_by"})
    return CaseFilter()
