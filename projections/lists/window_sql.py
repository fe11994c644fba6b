"""The statement behind a part of a list that is counted off from its beginning."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import Integer, bindparam, select

from ledger.storage.connection import Statement
from ledger.storage.dialect import in_select
from projections.cases.by_id import seen_columns
from projections.lists.filter import Sort
from projections.lists.sql import Maker, Shape
from projections.tables import case_tables

_WHOLE = ("opened_by", "modified_by", "closed_by")


@lru_cache(maxsize=512)
def window_statement(shape: Shape, sorts: tuple[Sort, ...]) -> Statement:
    """Return the query for the rows of a window, in no order.

    Parameters: those of a page, and ``offset``. Rows are those of ``SeenCase`` with
    ``opened_by``, ``modified_by`` and ``closed_by`` behind them.
    """
    tables = case_tables(shape.generation)
    cases = tables.cases
    maker = Maker(shape, on_rows=True)
    order: list[Any] = []
    for column, descending in sorts:
        sorted_by = cases.c[column]
        order.append(sorted_by.desc() if descending else sorted_by)
    keys = (
        maker.candidates([maker.position()], maker.one_or_all())
        .order_by(*order, cases.c.case_id)
        .limit(bindparam("limit", type_=Integer()))
        .offset(bindparam("offset", type_=Integer()))
    )
    columns = [*seen_columns(tables), *(cases.c[name] for name in _WHOLE)]
    return Statement(
        select(*columns).where(
            cases.c.domain == bindparam("domain"), in_select(cases.c.indexed_on, keys)
        )
    )
