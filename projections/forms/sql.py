"""The statements behind lists of forms, one for each shape of a question.

A list is counted and walked in an index that holds what its conditions look at, so what
a page passes over costs little; the rows and the bytes of forms are read for the page
alone. Values are parameters.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    and_,
    bindparam,
    case,
    exists,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
)

from ledger.forms.lineage import NORMAL
from ledger.storage.connection import Statement
from ledger.storage.dialect import in_list, property_text
from ledger.tables import entries
from projections.forms.stored import is_listed
from projections.forms.values import FormOrder
from projections.tables import form_tables

BEGINNING, END = -(2**62), 2**62
"""Before and behind every time and every position."""


class Shape(NamedTuple):
    """What decides the text of a statement.

    ``order`` names the index that is walked. ``beside`` adds the bounds of the other
    order, ``ids`` bounds the list to the forms with some ids.
    """

    generation: int
    order: FormOrder
    archived: bool
    beside: bool
    xmlns: bool
    app_id: bool
    ids: bool


class Key(NamedTuple):
    """The place of a form in a list of either order."""

    position: int
    received_on: int


@lru_cache(maxsize=256)
def count_statement(shape: Shape) -> Statement:
    """Return the query for how many forms there are.

    Parameters: ``domain``, ``first_position``, ``last_position``, ``first_received``,
    ``last_received`` (all included), and ``xmlns_key``, ``form_ids``, ``app_id`` with
    ``app_key``, the name of it in the details of an entry, where the shape has them.
    """
    return Statement(_matching(select(func.count()), shape, []))


@lru_cache(maxsize=256)
def keys_statement(shape: Shape, *, descending: bool) -> Statement:
    """Return the query for the keys of a page.

    Parameters: those of ``count_statement``, ``limit``, ``offset``, and the key that
    the page stands behind: ``behind_position``, ``behind_received``.
    """
    forms = form_tables(shape.generation).forms
    if shape.order is FormOrder.INDEXED:
        orders: list[ColumnElement[Any]] = [forms.c.position]
        ties: list[ColumnElement[bool]] = []
    else:
        orders = [forms.c.received_on, forms.c.position]
        ties = [_is_behind(shape.generation, descending=descending)]
    if shape.ids:
        # As a sum, so that no index promises the order: the forms are few.
        orders = [column + literal_column("0") for column in orders]
    query = select(forms.c.position, forms.c.received_on)
    return Statement(
        _matching(query, shape, ties)
        .order_by(*(column.desc() if descending else column for column in orders))
        .limit(bindparam("limit", type_=Integer()))
        .offset(bindparam("offset", type_=Integer()))
    )


def _is_behind(generation: int, *, descending: bool) -> ColumnElement[bool]:
    """Return the condition that tells apart the forms that came at one time."""
    forms = form_tables(generation).forms
    place = forms.c.position
    behind: Any = bindparam("behind_position")
    return or_(
        forms.c.received_on != bindparam("behind_received"),
        place < behind if descending else place > behind,
    )


def _matching(
    query: Select[Any], shape: Shape, tests: list[ColumnElement[bool]]
) -> Select[Any]:
    """Return a query over the forms that a shape lets through."""
    forms = form_tables(shape.generation).forms
    by_position = _between(forms.c.position, "position")
    by_time = _between(forms.c.received_on, "received")
    is_indexed = shape.order is FormOrder.INDEXED
    walked, beside = (by_position, by_time) if is_indexed else (by_time, by_position)
    if shape.ids:
        walked, tests = [in_list(forms.c.form_id, "form_ids")], [*tests, *walked]
    state = forms.c.state
    tests = [is_listed(state) if shape.archived else state == NORMAL, *tests]
    if shape.xmlns:
        tests.append(forms.c.xmlns_key == bindparam("xmlns_key"))
    if shape.beside:
        tests += beside
    if shape.app_id:
        tests.append(_is_of_app(shape.generation))
    # Opaque to a planner, so that it begins with nothing but the index of the order.
    passes = case((and_(*tests), true()), else_=false())
    return query.where(forms.c.domain == bindparam("domain"), *walked, passes)


def _between(column: Any, name: str) -> list[Any]:
    return [
        column >= bindparam(f"first_{name}"),
        column <= bindparam(f"last_{name}"),
    ]


def _is_of_app(generation: int) -> ColumnElement[bool]:
    """Return the condition that a form came for an app; its entry alone knows that."""
    forms = form_tables(generation).forms
    return exists(
        select(literal_column("1")).where(
            entries.c.domain == forms.c.domain,
            entries.c.position == forms.c.version,
            property_text(entries.c.details, "app_key") == bindparam("app_id"),
        )
    )
