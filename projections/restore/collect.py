"""The cases around a user: enough of the graph to tell which are live.

It begins with the open cases of the owners, and widens by the indices of what was found
and by what extends it, a few queries at a time, until nothing is new
(``rules/restore.md`` 3.6).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import bindparam, select

from ledger.cases.case import NO_INDICES, CaseIndex
from ledger.storage.connection import Statement
from ledger.storage.dialect import Row, in_list
from ledger.store import Reader
from projections.names import CASES
from projections.restore.footprint import EXTENSION, Held
from projections.tables import case_tables

CHUNK = 1000
"""How many ids one statement looks up."""


def collect_cases(r: Reader, owner_ids: Sequence[str]) -> dict[str, Held]:
    """Return every case that decides which cases of these owners are live.

    Deleted ones are left out. ``r`` is a snapshot.
    """
    ask = _statements(r.head.live[CASES])
    found: dict[str, Held] = {}
    asked: set[str] = set()
    new = dict(_held(r.conn.rows(ask.owned, domain=r.domain, owner_ids=owner_ids)))
    while new:
        found |= new
        asked |= new.keys()
        wanted = _targets(new.values()) - asked
        asked |= wanted
        rows = _asked(r, ask.by_id, wanted)
        rows += _asked(r, ask.extensions, new)
        new = {i: held for i, held in _held(rows) if i not in found}
    return found


def changed_of(
    r: Reader, case_ids: Collection[str], *, since: int, own: Collection[int]
) -> set[str]:
    """Return those of these cases that somebody else changed behind a position.

    ``own`` are the positions of a device's own forms. Served by the primary key of the
    histories.
    """
    ask = _statements(r.head.live[CASES]).touched
    return {
        case_id
        for chunk in chunks(case_ids)
        for case_id, position in r.conn.rows(
            ask, domain=r.domain, case_ids=chunk, since=since
        )
        if position not in own
    }


def moved_of(r: Reader, case_ids: Collection[str], *, since: int) -> set[str]:
    """Return those of these cases that have changed behind a position.

    Deleted ones are left out.
    """
    rows = _asked(r, _statements(r.head.live[CASES]).by_id, case_ids)
    return {i for i, held in _held(rows) if held.position > since}


def chunks(case_ids: Iterable[str]) -> Iterator[list[str]]:
    """Cut ids into lists for one statement each."""
    ids = list(case_ids)
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]


def indices_of(text: str) -> dict[str, CaseIndex]:
    """Return the indices that a row of the cases holds."""
    return {name: CaseIndex(**index) for name, index in orjson.loads(text).items()}


def _targets(cases: Iterable[Held]) -> set[str]:
    return {index.case_id for held in cases for index in held.indices.values()}


def _asked(r: Reader, statement: Statement, case_ids: Iterable[str]) -> list[Row]:
    return [
        row
        for chunk in chunks(case_ids)
        for row in r.conn.rows(statement, domain=r.domain, case_ids=chunk)
    ]


def _held(rows: Iterable[Row]) -> Iterator[tuple[str, Held]]:
    for case_id, owner_id, closed, indices, position in rows:
        known = NO_INDICES if indices == "{}" else indices_of(indices)
        yield case_id, Held(owner_id, bool(closed), known, position)


@dataclass(frozen=True, slots=True)
class _Statements:
    """The questions to one generation."""

    owned: Statement
    by_id: Statement
    extensions: Statement
    touched: Statement


@lru_cache(maxsize=16)
def _statements(generation: int) -> _Statements:
    tables = case_tables(generation)
    cases, references, steps = tables.cases, tables.case_indices, tables.case_forms
    domain: Any = bindparam("domain")
    held = select(
        cases.c.case_id,
        cases.c.owner_id,
        cases.c.closed,
        cases.c.indices,
        cases.c.position,
    )
    known = (cases.c.domain == domain, cases.c.deleted_on.is_(None))
    joined = (cases.c.domain == references.c.domain) & (
        cases.c.case_id == references.c.case_id
    )
    return _Statements(
        owned=Statement(
            held.where(
                *known, in_list(cases.c.owner_id, "owner_ids"), cases.c.closed == 0
            )
        ),
        by_id=Statement(held.where(*known, in_list(cases.c.case_id, "case_ids"))),
        extensions=Statement(
            held.select_from(references)
            .join(cases, joined)
            .where(
                references.c.domain == domain,
                in_list(references.c.target_id, "case_ids"),
                references.c.relationship == EXTENSION,
                cases.c.deleted_on.is_(None),
                cases.c.closed == 0,
            )
        ),
        touched=Statement(
            select(steps.c.case_id, steps.c.position).where(
                steps.c.domain == domain,
                in_list(steps.c.case_id, "case_ids"),
                steps.c.position > bindparam("since"),
            )
        ),
    )
