"""All cases of a domain, one after the other, in memory that does not grow.

What serves requests is in ``pages.py``; this is for exports.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import bindparam, select

from ledger.storage.connection import Statement
from ledger.store import Reader
from projections.cases.by_id import seen_columns
from projections.lists.filter import CaseFilter, Page
from projections.lists.pages import list_cases
from projections.names import CASES
from projections.rule.case_row import SeenCase
from projections.tables import case_tables


def stream_cases(
    r: Reader, case_type: str | None = None
) -> Generator[SeenCase, None, None]:
    """Yield the cases, closed ones too but no deleted one, as they were last changed.

    ``r`` is a snapshot, and nothing else streams from it meanwhile. Served by the
    index ``page``, or ``type`` where a case type is asked for.
    """
    statements = _statements(r.head.live[CASES])
    if case_type is None:
        rows = r.conn.stream(statements.every, domain=r.domain)
    else:
        rows = r.conn.stream(statements.of_type, domain=r.domain, case_type=case_type)
    yield from map(SeenCase._make, rows)


def count_cases(r: Reader, case_type: str | None = None) -> int:
    """Return how many cases ``stream_cases`` yields."""
    equals = {} if case_type is None else {"case_type": (case_type,)}
    return list_cases(r, CaseFilter(equals=equals), Page(limit=0)).total


@dataclass(frozen=True, slots=True)
class _Statements:
    """The streams of one generation."""

    every: Statement
    of_type: Statement


@lru_cache(maxsize=16)
def _statements(generation: int) -> _Statements:
    tables = case_tables(generation)
    cases = tables.cases
    every = (
        select(*seen_columns(tables))
        .where(cases.c.domain == bindparam("domain"), cases.c.deleted_on.is_(None))
        .order_by(cases.c.indexed_on)
    )
    of_type = every.where(cases.c.case_type == bindparam("case_type"))
    return _Statements(every=Statement(every), of_type=Statement(of_type))
