"""The statements behind parts of a list that are counted off.

The keys of a page are found first, by themselves, in an index where there is one; the
rows are read for these alone. What a page passes over costs no row's text.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    false,
    func,
    literal_column,
    select,
    true,
    tuple_,
)

from ledger.storage.connection import Statement
from ledger.storage.dialect import in_select
from projections.cases.by_id import whole_columns
from projections.lists.axis import Axis
from projections.lists.filter import Sort
from projections.lists.sql import Maker, Shape
from projections.tables import case_tables

_LIMIT: Any = bindparam("limit", type_=BigInteger())
_OFFSET: Any = bindparam("offset", type_=BigInteger())


class WalkShape(NamedTuple):
    """What decides the text of a statement that walks along an axis.

    ``bounded`` adds the bounds of ``indexed_on`` where the axis is the other one.
    """

    shape: Shape
    axis: Axis
    bounded: bool


@lru_cache(maxsize=512)
def gathering_statement(shape: Shape, sorts: tuple[Sort, ...]) -> Statement:
    """Return the query for the rows of a page, found by sorting all that match.

    Parameters: those of a page of the shape, ``low`` and ``high``, ``limit`` and
    ``offset``. Rows are those of ``WholeCase``, flat and in no order.
    """
    maker = Maker(shape, on_rows=True)
    cases = maker.cases
    first, *weaker = sorts
    # As an expression, so that no index promises the order.
    column = cases.c[first.column]
    is_number = first.column == Axis.INDEXED
    nothing: Any = literal_column("0" if is_number else "''")
    hidden = column + nothing if is_number else column.concat(nothing)
    order = [_directed(hidden, first.descending)]
    order += [_directed(cases.c[column], down) for column, down in weaker]
    order.append(_directed(cases.c.case_id, first.descending))
    keys = maker.candidates([maker.position()], maker.one_or_all())
    return _rows_at(shape, keys.order_by(*order).limit(_LIMIT).offset(_OFFSET))


@lru_cache(maxsize=512)
def walking_statement(asked: WalkShape, *, descending: bool) -> Statement:
    """Return the query for the rows of a page, found by walking along an axis.

    Parameters: those of the shape, ``low`` and ``high`` if it is bounded, ``limit``,
    ``offset``, and the places between which it walks: ``from0``, ``to0``, and
    ``from1``, ``to1`` where a place has two parts. Rows as above.
    """
    maker = Maker(asked.shape)
    keys = _along(maker, asked, [maker.position()])
    order = [_directed(column, descending) for column in _axis(maker, asked.axis)]
    return _rows_at(asked.shape, keys.order_by(*order).limit(_LIMIT).offset(_OFFSET))


@lru_cache(maxsize=512)
def walked_statement(asked: WalkShape) -> Statement:
    """Return the query for how many cases stand between two places, up to ``limit``."""
    maker = Maker(asked.shape)
    found = _along(maker, asked, [literal_column("1").label("one")]).limit(_LIMIT)
    return Statement(select(func.count()).select_from(found.subquery()))


def _along(maker: Maker, asked: WalkShape, columns: list[Any]) -> Select[Any]:
    """Return what stands between two places of an axis and passes the tests."""
    cases = maker.cases
    key = _axis(maker, asked.axis)
    tests = maker.tests()
    start: list[Any] = [bindparam(f"from{part}") for part in range(len(key))]
    end: list[Any] = [bindparam(f"to{part}") for part in range(len(key))]
    if asked.axis is Axis.INDEXED:
        source, driving = maker.driver(maker.one_or_all())
        driving += [key[0] > start[0], key[0] < end[0]]
    else:
        source = cases
        driving = [
            cases.c.domain == bindparam("domain"),
            tuple_(*key) > tuple_(*start),
            tuple_(*key) < tuple_(*end),
        ]
    if asked.bounded:
        tests += [
            cases.c.indexed_on > bindparam("low"),
            cases.c.indexed_on <= bindparam("high"),
        ]
    passes = [case((and_(*tests), true()), else_=false())] if tests else []
    return select(*columns).select_from(source).where(*driving, *passes)


def _axis(maker: Maker, axis: Axis) -> list[ColumnElement[Any]]:
    if axis is Axis.INDEXED:
        return [maker.position()]
    return [maker.cases.c.server_modified_on, maker.cases.c.case_id]


def _rows_at(shape: Shape, positions: Select[Any]) -> Statement:
    tables = case_tables(shape.generation)
    return Statement(
        select(*whole_columns(tables)).where(
            tables.cases.c.domain == bindparam("domain"),
            in_select(tables.cases.c.indexed_on, positions),
        )
    )


def _directed(
    column: ColumnElement[Any],
    descending: bool,  # noqa: FBT001 - a part of an order
) -> ColumnElement[Any]:
    return column.desc() if descending else column
