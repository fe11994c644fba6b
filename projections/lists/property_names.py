"""Which property names have an index, and how one is built and taken away.

A name becomes hot by configuration or by itself, after its second filtered request
(``rules/design.md`` 5.1); ``index_keeper.py`` sees to that. The list of names is part
of the head, so whoever writes knows it and keeps the indexes current
(``projections/commit/indexing.py``). Every step here runs under the lock of the head.

``built_to`` of a name tells its state: a moment while it is being built, ``None`` when
it is hot, ``LEAVING`` while its rows are taken away.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from sqlalchemy import Integer, bindparam, select

from ledger.entry import Head, IndexedName
from ledger.forms.names import is_name
from ledger.storage.connection import Statement
from ledger.storage.dialect import property_text
from ledger.store import Writer
from ledger.times import Micros
from projections.lists.filter import CaseFilter
from projections.lists.narrow import narrowed
from projections.names import CASES, LEAVING
from projections.rule.hashing import CASE_NAME, value_hash
from projections.tables import CaseTables, case_tables

MOST_NAMES = 64
"""Names of a domain that may have an index at the same time."""

_LONGEST_NAME = 255


def names_asked(asked: CaseFilter) -> tuple[str, ...]:
    """Return the names whose indexes could serve a filter."""
    whole = narrowed(asked)
    names = [name for name in whole.properties if can_be_indexed(name)]
    return (*names, CASE_NAME) if "case_name" in whole.equals else tuple(names)


def can_be_indexed(name: str) -> bool:
    """Tell whether a case can have a property of this name, or it is the case name."""
    return name == CASE_NAME or (len(name) <= _LONGEST_NAME and is_name(name))


def find_name(head: Head, name: str) -> IndexedName | None:
    """Return what the head says of a name."""
    return next((found for found in head.indexed if found.name == name), None)


def start_index(w: Writer, name: str) -> bool:
    """Begin to index a name; return whether its index is there or being built.

    It is not while the domain has ``MOST_NAMES`` already or while the rows of an
    earlier index of the name are being taken away.
    """
    found = find_name(w.head, name)
    if found is not None:
        return found.built_to != LEAVING
    present = sum(known.built_to != LEAVING for known in w.head.indexed)
    if present >= MOST_NAMES or not can_be_indexed(name):
        return False
    # A leaving name keeps its place in the list, so its id is not given away.
    name_id = 1 + max((known.name_id for known in w.head.indexed), default=0)
    added = IndexedName(name_id=name_id, name=name, built_to=0)
    _save(w, (*w.head.indexed, added))
    return True


def build_step(w: Writer, name: str, *, cases: int = 2000) -> bool:
    """Index the next cases of the list; return whether there is more to do."""
    indexed = find_name(w.head, name)
    if indexed is None or indexed.built_to is None or indexed.built_to == LEAVING:
        return False
    tables = case_tables(w.head.live[CASES])
    rows = w.conn.rows(
        _statements(tables.generation).next_cases,
        domain=w.domain,
        after=indexed.built_to,
        most=cases,
        name=name,
    )
    live = [
        (value_hash((case_name if name == CASE_NAME else value) or ""), indexed_on)
        for indexed_on, deleted_on, case_name, value in rows
        if deleted_on is None
    ]
    _insert(w, tables, indexed.name_id, sorted(live))
    more = len(rows) == cases
    _replace(w, replace(indexed, built_to=rows[-1][0] if more else None))
    return more


def drop_index(w: Writer, name: str) -> bool:
    """Stop to use and to keep an index; return whether there was one.

    Readers that still know the head from before may use its rows for a moment, so
    ``clear_step`` should begin a little later.
    """
    indexed = find_name(w.head, name)
    if indexed is None or indexed.built_to == LEAVING:
        return False
    _replace(w, replace(indexed, built_to=LEAVING))
    return True


def clear_step(w: Writer, name: str, *, rows: int = 5000) -> bool:
    """Delete some rows of a leaving index; return whether there is more to do."""
    indexed = find_name(w.head, name)
    if indexed is None or indexed.built_to != LEAVING:
        return False
    tables = case_tables(w.head.live[CASES])
    statements = _statements(tables.generation)
    for table, some in (
        (tables.property_index, statements.some_rows),
        (tables.case_counts, statements.some_counts),
    ):
        keys = w.conn.rows(some, domain=w.domain, name_id=indexed.name_id, most=rows)
        w.conn.delete(table, keys)
        if len(keys) == rows:
            return True
    _save(w, tuple(known for known in w.head.indexed if known.name != name))
    return False


def _insert(
    w: Writer, tables: CaseTables, name_id: int, values: Iterable[tuple[int, Micros]]
) -> None:
    """Add the rows of cases and count them; values are sorted."""
    rows = [(w.domain, name_id, value, indexed_on) for value, indexed_on in values]
    w.conn.insert_new(tables.property_index, rows)
    counts = Counter(value for _, _, value, _ in rows)
    w.conn.add(
        tables.case_counts,
        [(w.domain, name_id, value, n) for value, n in counts.items()],
    )


def _replace(w: Writer, changed: IndexedName) -> None:
    _save(
        w,
        tuple(
            changed if known.name_id == changed.name_id else known
            for known in w.head.indexed
        ),
    )


def _save(w: Writer, names: tuple[IndexedName, ...]) -> None:
    w.head = replace(w.head, indexed=names)
    w.save_head()


@dataclass(frozen=True, slots=True)
class _Statements:
    """The reads of one generation."""

    next_cases: Statement
    some_rows: Statement
    some_counts: Statement


@lru_cache(maxsize=16)
def _statements(generation: int) -> _Statements:
    tables = case_tables(generation)
    cases, index, counts = tables.cases, tables.property_index, tables.case_counts
    most = bindparam("most", type_=Integer())
    return _Statements(
        next_cases=Statement(
            select(
                cases.c.indexed_on,
                cases.c.deleted_on,
                cases.c.case_name,
                property_text(cases.c.properties, "name"),
            )
            .where(
                cases.c.domain == bindparam("domain"),
                cases.c.indexed_on > bindparam("after"),
            )
            .order_by(cases.c.indexed_on)
            .limit(most)
        ),
        some_rows=Statement(
            select(*index.primary_key)
            .where(
                index.c.domain == bindparam("domain"),
                index.c.name_id == bindparam("name_id"),
            )
            .limit(most)
        ),
        some_counts=Statement(
            select(*counts.primary_key)
            .where(
                counts.c.domain == bindparam("domain"),
                counts.c.name_id == bindparam("name_id"),
            )
            .limit(most)
        ),
    )
