"""Texts that are asked for in any letter case: how the cases spell them.

A filter that folds letter case becomes one of exact values, those that the cases of the
domain have, so that indexes, counters and totals serve it like any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

from sqlalchemy import Integer, bindparam, func, select

from ledger.forms.names import is_legal
from ledger.storage.connection import Statement
from ledger.store import Reader
from projections.lists.filter import CaseFilter
from projections.lists.narrow import both
from projections.names import CASES
from projections.rule.remembered import Remembered
from projections.tables import case_tables

_ESCAPE = "\\"

_SPELLED: Remembered[tuple[str, ...]] = Remembered(1024)


def spelled(r: Reader, asked: CaseFilter) -> CaseFilter:
    """Return a filter whose ``folded`` texts are the values that cases have."""
    if not asked.folded:
        return asked
    exact = CaseFilter(
        equals={column: _values(r, column, text) for column, text in asked.folded}
    )
    return both(replace(asked, folded=()), exact)


def _values(r: Reader, column: str, text: str) -> tuple[str, ...]:
    """Return the values of a column that a text means in any letter case."""
    if not text or not is_legal(text):
        return (text,)
    key = (r.domain, r.head.digest, column, text)
    found = _SPELLED.get(key)
    if found is None:
        meant = text.casefold()
        every = _types(r) if column == "case_type" else _like(r, column, text)
        found = tuple(value for value in every if value.casefold() == meant)
        _SPELLED.put(key, found)
    return found


def _types(r: Reader) -> Iterator[str]:
    """Yield the types of a domain, each found behind the one before."""
    statement = _next_type(r.head.live[CASES])
    rows = r.conn.rows(statement, domain=r.domain, behind="", limit=1)
    while rows:
        yield rows[0][0]
        rows = r.conn.rows(statement, domain=r.domain, behind=rows[0][0], limit=1)


def _like(r: Reader, column: str, text: str) -> Iterator[str]:
    """Yield the values that have the ASCII letters of a text, in any case.

    What a database makes of other letters is its own affair: they stand for anything.
    """
    statement = _alike(r.head.live[CASES], column)
    for row in r.conn.rows(statement, domain=r.domain, pattern=_pattern(text)):
        yield row[0]


def _pattern(text: str) -> str:
    pattern = ""
    for char in text.lower():
        if not char.isascii():
            pattern += "" if pattern.endswith("%") else "%"
        elif char in "%_\\":
            pattern += _ESCAPE + char
        else:
            pattern += char
    return pattern


@lru_cache(maxsize=16)
def _next_type(generation: int) -> Statement:
    cases = case_tables(generation).cases
    return Statement(
        select(cases.c.case_type)
        .where(
            cases.c.domain == bindparam("domain"),
            cases.c.case_type > bindparam("behind"),
        )
        .order_by(cases.c.case_type)
        .limit(bindparam("limit", type_=Integer()))
    )


@lru_cache(maxsize=16)
def _alike(generation: int, column: str) -> Statement:
    tables = case_tables(generation)
    # External ids stand in a table that is nothing but them.
    is_external = column == "external_id"
    source: Any = tables.external_ids if is_external else tables.cases
    text = source.c[column]
    return Statement(
        select(text)
        .where(
            source.c.domain == bindparam("domain"),
            func.lower(text).like(bindparam("pattern"), escape=_ESCAPE),
        )
        .distinct()
    )
