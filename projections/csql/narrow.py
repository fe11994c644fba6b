"""What every match of a query must also satisfy, for an index to begin with. Pure.

A query is judged case by case in Python; these conditions keep the database from
handing over every case of the domain. They may let too many cases through, never too
few: the query itself still has the last word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import reduce
from typing import TypeVar

from projections.csql.nodes import (
    STATUS_CLOSED,
    STATUS_OPEN,
    TIME_PROPERTIES,
    AncestorExists,
    And,
    Constant,
    Equals,
    Node,
    Or,
)
from projections.filters import CaseFilter

T = TypeVar("T")
Values = Mapping[T, tuple[str, ...]]

_COLUMNS = {
    "name": "case_name",
    "case_name": "case_name",
    "external_id": "external_id",
    "@case_id": "case_id",
    "@case_type": "case_type",
    "@owner_id": "owner_id",
}
_STATUS = {STATUS_OPEN: False, STATUS_CLOSED: True}
_EQUALS, _INDICES, _PROPERTIES = "equals", "indices", "properties"
_CLOSED = ("closed", "")
_CASE_ID = (_EQUALS, "case_id")
_Needs = Values[tuple[str, str]]
_NOTHING: _Needs = {_CASE_ID: ()}


def narrowed(asked: CaseFilter) -> CaseFilter:
    """Return the filter with the conditions that its query makes necessary."""
    if asked.query is None:
        return asked
    needed = necessary(asked.query)
    return replace(
        asked,
        equals=_both(asked.equals, needed.equals),
        indices=_both(asked.indices, needed.indices),
        properties=_both(asked.properties, needed.properties),
        **_closed(asked.closed, needed.closed),
    )


def necessary(node: Node) -> CaseFilter:
    """Return conditions that hold for every case that the query matches.

    Equalities only. A condition with no value left matches nothing.
    """
    needs = _needs(node)
    if _CLOSED in needs:
        statuses = {_STATUS[v] for v in needs[_CLOSED] if v in _STATUS}
        if not statuses:
            needs = _NOTHING
    return CaseFilter(
        equals=_of_kind(_EQUALS, needs),
        indices=_of_kind(_INDICES, needs),
        properties=_of_kind(_PROPERTIES, needs),
    )
