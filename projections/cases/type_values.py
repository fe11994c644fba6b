"""A few properties of the cases of a type, as they change.

Whoever has read all of them once, and reads what changed since under the lock of the
head, knows them as they are: every change of a case gives it a new, later place.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import bindparam, select

from ledger.storage.connection import Statement
from ledger.storage.dialect import property_text
from ledger.store import Reader
from ledger.times import Micros
from projections.names import CASES
from projections.tables import case_tables


class Values(NamedTuple):
    """A case, closed and deleted ones too, and what it has under each name."""

    indexed_on: Micros
    case_id: str
    texts: tuple[str | None, ...]


def values_since(
    r: Reader, case_type: str, names: Sequence[str], *, after: Micros, most: int
) -> list[Values]:
    """Return the cases of a type that changed behind a time, the earliest first.

    Served by the index ``type``.
    """
    rows = r.conn.rows(
        _statement(r.head.live[CASES], len(names)),
        domain=r.domain,
        case_type=case_type,
        after=after,
        most=most,
        **{f"name{place}": name for place, name in enumerate(names)},
    )
    return [Values(row[0], row[1], tuple(row[2:])) for row in rows]


@lru_cache(maxsize=16)
def _statement(generation: int, count: int) -> Statement:
    cases = case_tables(generation).cases
    texts = [property_text(cases.c.properties, f"name{n}") for n in range(count)]
    return Statement(
        select(cases.c.indexed_on, cases.c.case_id, *texts)
        .where(
            cases.c.domain == bindparam("domain"),
            cases.c.case_type == bindparam("case_type"),
            cases.c.indexed_on > bindparam("after"),
        )
        .order_by(cases.c.indexed_on)
        .limit(bindparam("most"))
    )
