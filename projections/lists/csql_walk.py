"""Cases that match a CSQL query: candidates from the database, judged in Python.

The database yields the candidates that the query's necessary conditions leave, some
hundreds at a time, and the cases they are related to with one read for all of them, so
memory stays bounded whatever the size of the domain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache

from sqlalchemy import bindparam, select

from ledger.forms.names import is_legal
from ledger.storage.connection import Statement
from ledger.storage.dialect import in_list
from ledger.store import Reader
from ledger.times import Micros
from projections.cases.by_id import get_cases, seen_columns
from projections.csql import Node, matches
from projections.names import CASES
from projections.rule.case_row import SeenCase
from projections.tables import case_tables

_FIRST_CHUNK = 250
_LARGEST_CHUNK = 2000
_TARGETS = 500

Candidates = Callable[[Micros, int], list[SeenCase]]
"""Returns so many candidates at most, indexed after a moment, in order."""


class Walk:
    """A walk over the candidates of one query."""

    def __init__(self, r: Reader, query: Node | None, candidates: Candidates) -> None:
        """Prepare; nothing is read yet."""
        self._query = query
        self._candidates = candidates
        self._relations = StoredRelations(r)

    def whole(
        self, low: Micros, *, after: Micros, most: int
    ) -> tuple[list[SeenCase], int]:
        """Return the first matches behind ``after``, and how many there are in all."""
        rows: list[SeenCase] = []
        total = 0
        for row in self._matching(low):
            total += 1
            if row.indexed_on > after and len(rows) < most:
                rows.append(row)
        return rows, total

    def first(self, low: Micros, *, most: int) -> list[SeenCase]:
        """Return the first matches, walking no further than needed."""
        rows: list[SeenCase] = []
        for row in self._matching(low):
            rows.append(row)
            if len(rows) >= most:
                break
        return rows

    def _matching(self, low: Micros) -> Iterator[SeenCase]:
        size = _FIRST_CHUNK
        while rows := self._candidates(low, size):
            yield from self._judged(rows)
            if len(rows) < size:
                return
            low = rows[-1].indexed_on
            size = min(size * 2, _LARGEST_CHUNK)

    def _judged(self, rows: list[SeenCase]) -> list[SeenCase]:
        if self._query is None:
            return rows
        verdicts = matches(self._query, rows, self._relations)
        return [row for row, good in zip(rows, verdicts, strict=True) if good]


class StoredRelations:
    """The live cases that other cases point at, and those that point at them."""

    def __init__(self, r: Reader) -> None:
        """Read from a domain."""
        self._r = r

    def cases(self, ids: Sequence[str]) -> Mapping[str, SeenCase]:
        """Return the cases with these ids by id; an unknown id is left out."""
        return get_cases(self._r, ids)

    def children(
        self, ids: Sequence[str], index_name: str
    ) -> Mapping[str, Sequence[SeenCase]]:
        """Return by target id the cases whose index of this name points at it."""
        found: dict[str, list[SeenCase]] = {}
        if not is_legal(index_name):
            return found
        statement = _children(self._r.head.live[CASES])
        targets = [text for text in ids if text and is_legal(text)]
        for start in range(0, len(targets), _TARGETS):
            for target, *row in self._r.conn.rows(
                statement,
                domain=self._r.domain,
                targets=targets[start : start + _TARGETS],
                index_name=index_name,
            ):
                found.setdefault(target, []).append(SeenCase._make(row))
        return found


@lru_cache(maxsize=16)
def _children(generation: int) -> Statement:
    tables = case_tables(generation)
    cases, references = tables.cases, tables.case_indices
    return Statement(
        select(references.c.target_id, *seen_columns(tables))
        .select_from(references)
        .join(
            cases,
            (cases.c.domain == references.c.domain)
            & (cases.c.case_id == references.c.case_id),
        )
        .where(
            references.c.domain == bindparam("domain"),
            in_list(references.c.target_id, "targets"),
            references.c.name == bindparam("index_name"),
            cases.c.deleted_on.is_(None),
        )
    )
