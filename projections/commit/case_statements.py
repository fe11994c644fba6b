"""What a batch asks of the tables of cases: one statement each, compiled once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import bindparam, select

from ledger.storage.connection import Statement
from ledger.storage.dialect import in_list
from projections.tables import case_tables


@dataclass(frozen=True, slots=True)
class CaseStatements:
    """The queries over one generation, compiled once."""

    by_id: Statement
    by_external: Statement
    references: Statement


@lru_cache(maxsize=64)
def statements_of(generation: int) -> CaseStatements:
    """Return the statements over one generation."""
    tables = case_tables(generation)
    cases, external_ids = tables.cases, tables.external_ids
    case_indices = tables.case_indices
    return CaseStatements(
        by_id=Statement(
            select(*cases.columns).where(
                cases.c.domain == bindparam("domain"),
                in_list(cases.c.case_id, "case_ids"),
            )
        ),
        by_external=Statement(
            select(external_ids.c.external_id, external_ids.c.case_id).where(
                external_ids.c.domain == bindparam("domain"),
                in_list(external_ids.c.external_id, "external_ids"),
            )
        ),
        references=Statement(
            select(case_indices.c.case_id).where(
                case_indices.c.domain == bindparam("domain"),
                in_list(case_indices.c.target_id, "targets"),
            )
        ),
    )
