"""The tables of one generation of the read side.

Read tables have no migrations: raise the version of a projection whenever its fold or
its tables change meaning, and ``caseledger replay`` builds them anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    text,
)

from ledger.columns import Sortable

CASES = "cases"
FORMS = "forms"
CASES_VERSION = 1
FORMS_VERSION = 1


@dataclass(frozen=True, slots=True)
class CaseTables:
    """One physical set of the ``cases`` projection's tables."""

    generation: int
    metadata: MetaData
    cases: Table
    case_indices: Table
    external_ids: Table
    case_forms: Table
    case_counts: Table
    property_index: Table

    @property
    def function_of_the_log(self) -> tuple[Table, ...]:
        """Return the tables that the log alone decides.

        Which properties are indexed and counted also depends on what is asked, so
        ``property_index`` and the counters of properties are checked by themselves.
        """
        return (self.cases, self.case_indices, self.external_ids, self.case_forms)


@dataclass(frozen=True, slots=True)
class FormTables:
    """One physical set of the ``forms`` projection's tables."""

    generation: int
    metadata: MetaData
    forms: Table

    @property
    def function_of_the_log(self) -> tuple[Table, ...]:
        """Return the tables that the log alone decides."""
        return (self.forms,)


@lru_cache(maxsize=64)
def case_tables(generation: int) -> CaseTables:
    """Return the tables of one generation of ``cases``."""
    metadata = MetaData()
    g = generation
    cases = Table(
        f"cases_{g}",
        metadata,
        Column("domain", Sortable, primary_key=True),
        Column("case_id", Sortable, primary_key=True),
        Column("indexed_on", BigInteger, nullable=False),
        Column("position", BigInteger, nullable=False),
        Column("case_type", Sortable, nullable=False),
        Column("case_name", Sortable, nullable=False),
        Column("external_id", Sortable),
        Column("owner_id", Sortable, nullable=False),
        Column("opened_on", Sortable, nullable=False),
        Column("opened_by", Sortable, nullable=False),
        Column("modified_on", Sortable, nullable=False),
        Column("modified_by", Sortable, nullable=False),
        Column("server_modified_on", Sortable, nullable=False),
        Column("closed", SmallInteger, nullable=False),
        Column("closed_on", Sortable),
        Column("closed_by", Sortable, nullable=False),
        Column("deleted_on", Sortable),
        Column("folded_on", BigInteger, nullable=False),
        Column("folded_position", BigInteger, nullable=False),
        Column("properties", Sortable, nullable=False),
        Column("indices", Sortable, nullable=False),
        Column("extra", Sortable),
    )
    Index(f"ix_cases_{g}_page", cases.c.domain, cases.c.indexed_on, unique=True)
    Index(
        f"ix_cases_{g}_owner", cases.c.domain, cases.c.owner_id, cases.c.indexed_on
    )
    Index(f"ix_cases_{g}_type", cases.c.domain, cases.c.case_type, cases.c.indexed_on)
    Index(
        f"ix_cases_{g}_closed",
        cases.c.domain,
        cases.c.indexed_on,
        sqlite_where=text("closed = 1"),
        postgresql_where=text("closed = 1"),
    )
    case_indices = Table(
        f"case_indices_{g}",
        metadata,
        Column("domain", Sortable, primary_key=True),
        Column("target_id", Sortable, primary_key=True),
        Column("name", Sortable, primary_key=True),
        Column("case_id", Sortable, primary_key=True),
        Column("relationship", Sortable, nullable=False),
        sqlite_with_rowid=False,
    )
    external_ids = Table(
        f"external_ids_{g}",
        metadata,
        Column("domain", Sortable, primary_key=True),
        Column("external_id", Sortable, primary_key=True),
        Column("case_id", Sortable, primary_key=True),
        sqlite_with_rowid=False,
    )
    case_forms = Table(
        f"case_forms_{g}",
        metadata,
        Column("domain", Sortable, primary_key=True),
        Column("case_id", Sortable, primary_key=True),
        Column("received_on", BigInteger, primary_key=True),
        Column("form_position", BigInteger, primary_key=True, autoincrement=False),
        Column("position", BigInteger, nullable=False),
        Column("actions", Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    case_counts = Table(
        f"case_counts_{g}",
        metadata,
        Column("domain", Sortable, primary_key=True),
        Column("name_id", Integer, primary_key=True, autoincrement=False),
        Column("value", BigInteger, primary_key=True, autoincrement=False),
        Column("n", BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    property_index = Table(
        f"property_index_{g}",
        metadata,
        Column("domain", Sortable, primary_key=True),
        Column("name_id", Integer, primary_key=True, autoincrement=False),
        Column("value", BigInteger, primary_key=True, autoincrement=False),
        Column("indexed_on", BigInteger, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
    return CaseTables(
        generation,
        metadata,
        cases,
        case_indices,
        external_ids,
        case_forms,
        case_counts,
        property_index,
    )


@lru_cache(maxsize=64)
def form_tables(generation: int) -> FormTables:
    """Return the tables of one generation of ``forms``."""
    metadata = MetaData()
    g = generation
    forms = Table(
        f"forms_{g}",
        metadata,
        Column("domain", Sortable, primary_key=True),
        Column("form_id", Sortable, primary_key=True),
        Column("position", BigInteger, nullable=False),
        Column("form_position", BigInteger, nullable=False),
        Column("state", Sortable, nullable=False),
        Column("orig_form_id", Sortable),
        sqlite_with_rowid=False,
    )
    Index(f"ix_forms_{g}_state", forms.c.domain, forms.c.state, forms.c.position)
    return FormTables(generation, metadata, forms)
