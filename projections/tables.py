"""The tables of one generation of the read side.

Read tables have no migrations: raise the version of a projection whenever its fold or
its tables change meaning, and ``caseledger replay`` builds them anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

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

CASES_VERSION = 3
FORMS_VERSION = 3


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


@dataclass(frozen=True, slots=True)
class FormTables:
    """One physical set of the ``forms`` projection's tables."""

    generation: int
    metadata: MetaData
    forms: Table


@lru_cache(maxsize=64)
def case_tables(generation: int) -> CaseTables:
    """Return the tables of one generation of ``cases``."""
    metadata = MetaData()
    return CaseTables(
        generation,
        metadata,
        _cases(metadata, generation),
        _table(
            f"case_indices_{generation}",
            metadata,
            keys=("target_id", "name", "case_id"),
            values=(Column("relationship", Sortable, nullable=False),),
        ),
        _table(f"external_ids_{generation}", metadata, keys=("external_id", "case_id")),
        _table(
            f"case_forms_{generation}",
            metadata,
            keys=("case_id", *map(_number, ("received_on", "form_position"))),
            values=(
                Column("position", BigInteger, nullable=False),
                Column("actions", Integer, nullable=False),
                Column("place", Integer, nullable=False),
            ),
        ),
        _table(
            f"case_counts_{generation}",
            metadata,
            keys=(*map(_number, ("name_id", "value")),),
            values=(Column("n", BigInteger, nullable=False),),
        ),
        _table(
            f"property_index_{generation}",
            metadata,
            keys=(*map(_number, ("name_id", "value", "indexed_on")),),
        ),
    )


def _cases(metadata: MetaData, generation: int) -> Table:
    cases = Table(
        f"cases_{generation}",
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
    domain, indexed_on = cases.c.domain, cases.c.indexed_on
    name = f"ix_{cases.name}"
    Index(f"{name}_page", domain, indexed_on, unique=True)
    Index(f"{name}_owner", domain, cases.c.owner_id, indexed_on)
    Index(f"{name}_type", domain, cases.c.case_type, indexed_on)
    _partial_index(f"{name}_closed", domain, indexed_on, where="closed = 1")
    # PostgreSQL finds all that a page passes over in the index. What is included is no
    # part of the key: a planner without figures would look for ids in here.
    Index(
        f"{name}_server",
        *(domain, cases.c.server_modified_on),
        postgresql_include=["case_id", "indexed_on", "deleted_on"],
    )
    return cases


def _table(
    name: str,
    metadata: MetaData,
    *,
    keys: tuple[str | Column[Any], ...],
    values: tuple[Column[Any], ...] = (),
) -> Table:
    """Return a table that is nothing but its primary key and a few values."""
    return Table(
        name,
        metadata,
        Column("domain", Sortable, primary_key=True),
        *(
            Column(key, Sortable, primary_key=True) if isinstance(key, str) else key
            for key in keys
        ),
        *values,
        sqlite_with_rowid=False,
    )


def _number(name: str) -> Column[Any]:
    return Column(name, BigInteger, primary_key=True, autoincrement=False)


def _partial_index(name: str, *columns: Column[Any], where: str) -> None:
    Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


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
        Column("version", BigInteger, nullable=False),
        Column("state", Sortable, nullable=False),
        Column("orig_form_id", Sortable),
        Column("received_on", BigInteger, nullable=False),
        Column("xmlns_key", BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    domain, position, state = forms.c.domain, forms.c.position, forms.c.state
    # They hold what a list looks at in each form that it counts or passes over.
    Index(
        f"ix_forms_{g}_page",
        domain,
        position,
        state,
        forms.c.xmlns_key,
        forms.c.received_on,
    )
    Index(f"ix_forms_{g}_received", domain, forms.c.received_on, position, state)
    _partial_index(
        f"ix_forms_{g}_state",
        domain,
        state,
        position,
        where="state <> 'normal'",
    )
    return FormTables(generation, metadata, forms)
