"""Conditions that a query makes necessary, for an index to begin with. Pure.

A query is judged case by case in Python; these conditions keep the database from
handing over every case of the domain. They may let too many cases through, never too
few: the query itself still has the last word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import reduce

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
from projections.lists.filter import CaseFilter

Values = Mapping[str, tuple[str, ...]]

EVERYTHING = CaseFilter()
"""The filter without a condition."""
NOTHING = CaseFilter(equals={"case_id": ()})
"""A condition with no value left matches nothing, and so does its filter."""

_COLUMNS = {
    "name": "case_name",
    "case_name": "case_name",
    "external_id": "external_id",
    "@case_id": "case_id",
    "@case_type": "case_type",
    "@owner_id": "owner_id",
}
_STATUSES = {
    STATUS_OPEN: CaseFilter(closed=(False,)),
    STATUS_CLOSED: CaseFilter(closed=(True,)),
}


def narrowed(asked: CaseFilter) -> CaseFilter:
    """Return the filter with the conditions that its query makes necessary."""
    return asked if asked.query is None else both(asked, necessary(asked.query))


def necessary(node: Node) -> CaseFilter:
    """Return conditions that hold for every case that the query matches.

    Only equalities are found: of properties and pseudo-properties, and of the id of a
    direct ancestor, which is a condition on the case's own index.
    """
    match node:
        case And():
            return reduce(both, map(necessary, node.parts), EVERYTHING)
        case Or():
            return _any_of([necessary(part) for part in node.parts])
        case Constant():
            return EVERYTHING if node.value else NOTHING
        case AncestorExists(path=(index,)):
            targets = necessary(node.condition).equals.get("case_id")
            return (
                EVERYTHING if targets is None else CaseFilter(indices={index: targets})
            )
        case Equals():
            return _equality(node.name, node.value)
    return EVERYTHING


def both(one: CaseFilter, other: CaseFilter) -> CaseFilter:
    """Return the filter that matches what both filters match."""
    closed = one.closed or other.closed
    if one.closed and other.closed:
        closed = tuple(value for value in one.closed if value in other.closed)
        if not closed:
            other = replace(other, equals=NOTHING.equals)
    queries = [query for query in (one.query, other.query) if query is not None]
    return CaseFilter(
        equals=_common(one.equals, other.equals),
        closed=closed,
        indices=_common(one.indices, other.indices),
        properties=_common(one.properties, other.properties),
        ranges=(*one.ranges, *other.ranges),
        query=And(parts=tuple(queries))
        if len(queries) > 1
        else next(iter(queries), None),
        include_deleted=one.include_deleted or other.include_deleted,
    )


def is_impossible(asked: CaseFilter) -> bool:
    """Tell whether a condition has no value left, so that nothing matches."""
    conditions = (asked.equals, asked.indices, asked.properties)
    return any(() in condition.values() for condition in conditions)


def _any_of(parts: Iterable[CaseFilter]) -> CaseFilter:
    """Return conditions that hold wherever one of the parts does."""
    possible = [part for part in parts if not is_impossible(part)]
    if not possible:
        return NOTHING
    closed = {part.closed for part in possible}
    return CaseFilter(
        equals=_any([part.equals for part in possible]),
        closed=closed.pop() if len(closed) == 1 else (),
        indices=_any([part.indices for part in possible]),
        properties=_any([part.properties for part in possible]),
    )


def _equality(name: str, value: str) -> CaseFilter:
    if name == "@status":
        return _STATUSES.get(value, NOTHING)
    if name.startswith("@") and name not in _COLUMNS:
        return EVERYTHING
    if name in TIME_PROPERTIES or (name == "external_id" and not value):
        return EVERYTHING  # an absent external id is no empty text in its column
    if name in _COLUMNS:
        return CaseFilter(equals={_COLUMNS[name]: (value,)})
    return CaseFilter(properties={name: (value,)})


def _common(one: Values, other: Values) -> Values:
    shared = {
        name: tuple(value for value in one[name] if value in other[name])
        for name in one.keys() & other.keys()
    }
    return {**one, **other, **shared}


def _any(parts: Sequence[Values]) -> Values:
    """Return the names that all parts have, with all their values."""
    shared = set(parts[0]).intersection(*parts[1:])
    return {
        name: tuple(dict.fromkeys(value for part in parts for value in part[name]))
        for name in sorted(shared)
    }
