"""Forms in error: which there are, by what went wrong, who sent them, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import lru_cache
from heapq import merge
from itertools import islice
from typing import Any

from sqlalchemy import bindparam, func, literal_column, select
from sqlalchemy.sql.expression import Select

from ledger.errors import NotFound
from ledger.forms.lineage import ERROR
from ledger.log import to_entry
from ledger.storage.connection import Statement
from ledger.store import Reader
from ledger.tables import entries
from projections.forms.states import ERROR_STATES
from projections.forms.values import ErrorFilter, ErrorForm, FormView
from projections.forms.view import look_at_form
from projections.names import FORMS
from projections.tables import form_tables

_BEYOND = 2**62


def latest_errors(
    r: Reader, asked: ErrorFilter, *, limit: int, before: int | None = None
) -> list[ErrorForm]:
    """Return the newest forms in error, those before a position.

    Served by ``ix_forms_…_state``.
    """
    below = _BEYOND if before is None else before
    pages = [
        _page(r, asked, state=state, limit=limit, above=-1, below=below, rising=False)
        for state in ERROR_STATES
        if asked.state in {None, state}
    ]
    found = merge(*pages, key=lambda error: -error.position)
    return list(islice(found, limit))


def errors_after(
    r: Reader, asked: ErrorFilter, *, position: int, last: int, limit: int
) -> list[ErrorForm]:
    """Return the oldest XFormErrors behind a position, up to another one.

    Those are the forms that can be reprocessed. Served by ``ix_forms_…_state``.
    """
    return _page(
        r,
        asked,
        state=ERROR,
        limit=limit,
        above=position,
        below=last + 1,
        rising=True,
    )


def count_errors(r: Reader, asked: ErrorFilter) -> int:
    """Return how many XFormErrors match; served by ``ix_forms_…_state``."""
    names, params = _conditions(asked)
    count = _counting(r.head.live[FORMS], names)
    found: int = r.conn.value(count, domain=r.domain, state=ERROR, **params)
    return found


def look_at_error(r: Reader, form_id: str) -> FormView:
    """Return a form in error with its life; raises ``NotFound`` for any other."""
    view = look_at_form(r, form_id)
    if view.row.state not in ERROR_STATES:
        raise NotFound(
            f"Form '{form_id}' is not in error: its state is {view.row.state}"
        )
    return view


def _page(
    r: Reader,
    asked: ErrorFilter,
    *,
    state: str,
    limit: int,
    above: int,
    below: int,
    rising: bool,
) -> list[ErrorForm]:
    names, params = _conditions(asked)
    statement = _paging(r.head.live[FORMS], names, rising=rising)
    rows = r.conn.rows(
        statement,
        domain=r.domain,
        state=state,
        above=above,
        below=below,
        limit=limit,
        **params,
    )
    return [
        ErrorForm(
            form_id=row[0],
            state=row[1],
            position=row[2],
            orig_form_id=row[3],
            entry=to_entry(row[4:]),
        )
        for row in rows
    ]


def _conditions(asked: ErrorFilter) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return the conditions that were given, beside the state, with their values."""
    given = {n: v for n, v in asdict(asked).items() if v is not None and n != "state"}
    params = dict(given)
    if asked.problem is not None:
        params["problem_length"] = len(asked.problem)
    return tuple(given), params


@lru_cache(maxsize=256)
def _paging(generation: int, names: Sequence[str], *, rising: bool) -> Statement:
    forms = form_tables(generation).forms
    query = select(
        forms.c.form_id,
        forms.c.state,
        forms.c.position,
        forms.c.orig_form_id,
        *entries.columns,
    )
    place = forms.c.position
    return Statement(
        _matching(query, generation, names)
        .where(place > bindparam("above"), place < bindparam("below"))
        .order_by(place if rising else place.desc())
        .limit(bindparam("limit"))
    )


@lru_cache(maxsize=256)
def _counting(generation: int, names: Sequence[str]) -> Statement:
    return Statement(_matching(select(func.count()), generation, names))


def _matching(query: Select[Any], generation: int, names: Sequence[str]) -> Select[Any]:
    """Return a query over the forms in one state that meet the named conditions."""
    forms = form_tables(generation).forms
    start = func.substr(entries.c.problem, 1, bindparam("problem_length"))
    conditions = {
        "problem": start == bindparam("problem"),
        "xmlns": entries.c.xmlns == bindparam("xmlns"),
        "user_id": entries.c.user_id == bindparam("user_id"),
        "form_id": forms.c.form_id == bindparam("form_id"),
        "received_from": entries.c.received_on >= bindparam("received_from"),
        "received_to": entries.c.received_on < bindparam("received_to"),
    }
    return (
        query.select_from(
            forms.join(
                entries,
                (entries.c.domain == forms.c.domain)
                & (entries.c.position == forms.c.version),
            )
        )
        .where(
            forms.c.domain == bindparam("domain"),
            forms.c.state == bindparam("state"),
            # In these words the planner finds that the partial index will do.
            forms.c.state != literal_column("'normal'"),
        )
        .where(*(conditions[name] for name in names))
    )
