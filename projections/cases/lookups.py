"""What imports ask of the cases beside their ids: by index, by type, by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, select

from ledger.storage.connection import Statement
from ledger.store import Reader
from projections.commit.case_statements import statements_of
from projections.names import CASES
from projections.tables import case_tables


class Titled(NamedTuple):
    """A case and its name."""

    case_id: str
    case_name: str


def dependents_of(r: Reader, case_id: str, index: str) -> list[str]:
    """Return the cases whose index of a name points at a case.

    Served by the primary key.
    """
    rows = r.conn.rows(
        _statements(r.head.live[CASES]).dependents,
        domain=r.domain,
        target=case_id,
        of_name=index,
    )
    return [found for (found,) in rows]


def references_of(r: Reader, case_ids: Sequence[str]) -> list[str]:
    """Return the cases of which some index points at one of some cases.

    Served by the primary key.
    """
    rows = r.conn.rows(
        statements_of(r.head.live[CASES]).references,
        domain=r.domain,
        targets=list(case_ids),
    )
    return [found for (found,) in rows]


def count_of_type(r: Reader, case_type: str, *, most: int) -> int:
    """Return how many cases of a type there are; of more than ``most``, that many.

    Served by ``ix_cases_type``.
    """
    counted: int = r.conn.value(
        _statements(r.head.live[CASES]).count,
        domain=r.domain,
        of_type=case_type,
        most=most,
    )
    return counted


def titles_of(r: Reader, case_type: str) -> list[Titled]:
    """Return the names of all cases of a type; served by ``ix_cases_type``."""
    rows = r.conn.rows(
        _statements(r.head.live[CASES]).titles, domain=r.domain, of_type=case_type
    )
    return [Titled(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class _Statements:
    """The queries over one generation."""

    dependents: Statement
    count: Statement
    titles: Statement


@lru_cache(maxsize=16)
def _statements(generation: int) -> _Statements:
    tables = case_tables(generation)
    cases, indices = tables.cases, tables.case_indices
    of_type: Any = (
        cases.c.domain == bindparam("domain"),
        cases.c.case_type == bindparam("of_type"),
        cases.c.deleted_on.is_(None),
    )
    some = select(cases.c.case_id).where(*of_type).limit(bindparam("most")).subquery()
    return _Statements(
        dependents=Statement(
            select(indices.c.case_id).where(
                indices.c.domain == bindparam("domain"),
                indices.c.target_id == bindparam("target"),
                indices.c.name == bindparam("of_name"),
            )
        ),
        count=Statement(select(func.count()).select_from(some)),
        titles=Statement(select(cases.c.case_id, cases.c.case_name).where(*of_type)),
    )
