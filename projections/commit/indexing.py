"""What a change of cases means for everything that finds them.

External ids, references to other cases, counters and property indexes are kept beside
the cases, in the same transaction. A property index covers exactly the live cases with
``indexed_on`` up to its ``built_to`` (``rules/design.md`` 5.3, 5.4); a case that
changes moves to the end of the list, so an index being built will still meet it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ledger.cases.case import Case
from ledger.entry import IndexedName
from ledger.storage.connection import Connection
from projections.rule.hashing import (
    CASE_NAME,
    CASE_TYPE,
    CLOSED,
    OWNER,
    TOTAL,
    value_hash,
)
from projections.tables import CaseTables

Key = tuple[int, int]
_Kind = tuple[str, str, bool]
"""What a live case is counted by: its type, its owner, whether it is closed."""


class IndexChanges:
    """Collects the removals and additions of one batch."""

    def __init__(self, domain: str, indexed: Sequence[IndexedName]) -> None:
        """Start with nothing to change."""
        self._domain = domain
        self._indexed = indexed
        self._external_gone: list[tuple[str, str, str]] = []
        self._external_new: list[tuple[str, str, str]] = []
        self._indices_gone: list[tuple[str, str, str, str]] = []
        self._indices_new: list[tuple[str, str, str, str, str]] = []
        self._properties_gone: list[tuple[str, int, int, int]] = []
        self._properties_new: list[tuple[str, int, int, int]] = []
        self._counts: Counter[Key] = Counter()
        self._kinds: dict[_Kind, int] = {}

    def note(self, old: Case | None, new: Case) -> None:
        """Take in one case that changed from ``old`` to ``new``."""
        self._note_external(old, new)
        if new.indices or (old is not None and old.indices):
            self._note_indices(old, new)
        before = None if old is None or old.deleted_on else _kind(old)
        after = None if new.deleted_on else _kind(new)
        if before != after:
            kinds = self._kinds
            if before is not None:
                kinds[before] = kinds.get(before, 0) - 1
            if after is not None:
                kinds[after] = kinds.get(after, 0) + 1
        if self._indexed:
            self._note_properties(old, new)

    def note_indexed(self, case: Case) -> None:
        """Take in a case for the property indexes alone, which have no row of it."""
        self._note_properties(None, case)

    def save_removals(self, conn: Connection, tables: CaseTables) -> None:
        """Delete what no longer holds."""
        conn.delete(tables.external_ids, self._external_gone)
        conn.delete(tables.case_indices, self._indices_gone)
        conn.delete(tables.property_index, sorted(self._properties_gone))

    def save_additions(self, conn: Connection, tables: CaseTables) -> None:
        """Insert what is new and move the counters."""
        conn.insert_new(tables.external_ids, self._external_new)
        conn.upsert(tables.case_indices, self._indices_new)
        conn.insert_new(tables.property_index, sorted(self._properties_new))
        self._count_kinds()
        conn.add(
            tables.case_counts,
            sorted(
                (self._domain, name_id, value, n)
                for (name_id, value), n in self._counts.items()
                if n
            ),
        )

    def _note_external(self, old: Case | None, new: Case) -> None:
        before = old.external_id if old is not None else None
        if before == new.external_id:
            return
        if before:
            self._external_gone.append((self._domain, before, new.case_id))
        if new.external_id:
            self._external_new.append((self._domain, new.external_id, new.case_id))

    def _note_indices(self, old: Case | None, new: Case) -> None:
        before = _references(old) if old is not None else {}
        after = _references(new)
        self._indices_gone += [
            (self._domain, target, name, new.case_id)
            for (target, name) in before
            if (target, name) not in after
        ]
        self._indices_new += [
            (self._domain, target, name, new.case_id, relationship)
            for (target, name), relationship in after.items()
            if before.get((target, name)) != relationship
        ]

    def _count_kinds(self) -> None:
        """Move the counters by the live cases that came and went."""
        counts = self._counts
        for (case_type, owner_id, closed), n in self._kinds.items():
            counts[TOTAL, 0] += n
            counts[CASE_TYPE, value_hash(case_type)] += n
            counts[OWNER, value_hash(owner_id)] += n
            counts[CLOSED, int(closed)] += n
        self._kinds.clear()

    def _note_properties(self, old: Case | None, new: Case) -> None:
        for indexed in self._indexed:
            if old is not None and covers(indexed, old):
                key = (indexed.name_id, value_hash(value_of(old, indexed.name)))
                self._properties_gone.append((self._domain, *key, old.indexed_on))
                self._counts[key] -= 1
            if covers(indexed, new):
                key = (indexed.name_id, value_hash(value_of(new, indexed.name)))
                self._properties_new.append((self._domain, *key, new.indexed_on))
                self._counts[key] += 1


def covers(indexed: IndexedName, case: Case) -> bool:
    """Tell whether an index holds a row for this state of a case."""
    built = indexed.built_to is None or case.indexed_on <= indexed.built_to
    return built and not case.deleted_on


def value_of(case: Case, name: str) -> str:
    """Return the value a case is indexed under; missing and empty are the same."""
    return case.case_name if name == CASE_NAME else case.properties.get(name, "")


def _kind(case: Case) -> _Kind:
    return case.case_type, case.owner_id, case.closed


def _references(case: Case) -> dict[tuple[str, str], str]:
    return {
        (index.case_id, name): index.relationship
        for name, index in case.indices.items()
        if index.case_id
    }
