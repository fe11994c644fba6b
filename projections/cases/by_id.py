"""Point reads of cases: by id, by external id, and deleted ones for who may see them.

Lists are in ``projections/lists/pages.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, select

from ledger.forms.names import is_legal
from ledger.storage.connection import Statement
from ledger.storage.dialect import Row, in_list
from ledger.store import Reader
from projections.names import CASES
from projections.rule.case_row import CaseRow, SeenCase, WholeCase
from projections.tables import CaseTables, case_tables

_SEEN = len(SeenCase._fields)
_CHUNK = 1000
"""How many ids one statement looks up: enough to be quick, too few to fill memory."""


def seen_columns(tables: CaseTables) -> list[Any]:
    """Return the columns of ``SeenCase``."""
    return [tables.cases.c[name] for name in SeenCase._fields]


def whole_columns(tables: CaseTables) -> list[Any]:
    """Return the columns of ``WholeCase``."""
    more = WholeCase._fields[1:]
    return [*seen_columns(tables), *(tables.cases.c[name] for name in more)]


def whole_case(row: Row) -> WholeCase:
    """Return a row of ``whole_columns`` as what it holds."""
    return WholeCase(SeenCase._make(row[:_SEEN]), *row[_SEEN:])


def whole_cases(r: Reader, case_ids: Sequence[str]) -> dict[str, WholeCase]:
    """Return the live cases with these ids by id, whole; the others are left out."""
    statement = _statements(r.head.live[CASES]).whole
    found: dict[str, WholeCase] = {}
    for chunk in chunks(case_ids):
        rows = r.conn.rows(statement, domain=r.domain, case_ids=chunk)
        found.update((row[1], whole_case(row)) for row in rows)
    return found


def get_cases(r: Reader, case_ids: Sequence[str]) -> dict[str, SeenCase]:
    """Return the live cases with these ids by id; the others are left out."""
    statement = _statements(r.head.live[CASES]).by_id
    found: dict[str, SeenCase] = {}
    for chunk in chunks(case_ids):
        rows = r.conn.rows(statement, domain=r.domain, case_ids=chunk)
        found.update((row[1], SeenCase._make(row)) for row in rows)
    return found


def find_external(r: Reader, external_ids: Sequence[str]) -> dict[str, list[SeenCase]]:
    """Return the live cases with these external ids, each id's oldest case first.

    Cases opened at the same time stand in the order of their ids
    (``rules/case-api-v2.md`` 4.2).
    """
    statement = _statements(r.head.live[CASES]).by_external
    return by_external_id(
        SeenCase._make(row)
        for chunk in chunks(external_ids)
        for row in r.conn.rows(statement, domain=r.domain, external_ids=chunk)
    )


def by_external_id(cases: Iterable[SeenCase]) -> dict[str, list[SeenCase]]:
    """Return cases by their external id, each id's oldest case first."""
    found: dict[str, list[SeenCase]] = {}
    for case in cases:
        found.setdefault(case.external_id or "", []).append(case)
    for several in found.values():
        several.sort(key=lambda case: (case.opened_on, case.case_id))
    return found


def case_any(r: Reader, case_id: str) -> CaseRow | None:
    """Return the case with this id, whether it is deleted or not."""
    if not is_legal(case_id):
        return None
    statement = _statements(r.head.live[CASES]).any_by_id
    row = r.conn.row(statement, domain=r.domain, case_id=case_id)
    return None if row is None else CaseRow._make(row)


def looked_up(ids: Sequence[str]) -> list[str]:
    """Return the ids that a case can have, each once."""
    return [text for text in dict.fromkeys(ids) if text and is_legal(text)]


def chunks(ids: Sequence[str]) -> Iterator[list[str]]:
    """Cut the ids that a case can have into lists for one statement each."""
    wanted = looked_up(ids)
    for start in range(0, len(wanted), _CHUNK):
        yield wanted[start : start + _CHUNK]


@dataclass(frozen=True, slots=True)
class _Statements:
    """The point reads of one generation."""

    by_id: Statement
    whole: Statement
    by_external: Statement
    any_by_id: Statement


@lru_cache(maxsize=16)
def _statements(generation: int) -> _Statements:
    tables = case_tables(generation)
    cases, names = tables.cases, tables.external_ids
    domain: Any = bindparam("domain")
    live = cases.c.deleted_on.is_(None)
    return _Statements(
        by_id=Statement(
            select(*seen_columns(tables)).where(
                cases.c.domain == domain, in_list(cases.c.case_id, "case_ids"), live
            )
        ),
        whole=Statement(
            select(*whole_columns(tables)).where(
                cases.c.domain == domain, in_list(cases.c.case_id, "case_ids"), live
            )
        ),
        by_external=Statement(
            select(*seen_columns(tables))
            .select_from(names)
            .join(
                cases,
                (cases.c.domain == names.c.domain)
                & (cases.c.case_id == names.c.case_id),
            )
            .where(
                names.c.domain == domain,
                in_list(names.c.external_id, "external_ids"),
                live,
            )
        ),
        any_by_id=Statement(
            select(*cases.columns).where(
                cases.c.domain == domain, cases.c.case_id == bindparam("case_id")
            )
        ),
    )
