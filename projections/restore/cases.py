"""The cases that a device is sent, as rows, in batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from sqlalchemy import bindparam, select

from ledger.storage.connection import Statement
from ledger.storage.dialect import in_list
from ledger.store import Reader
from projections.names import CASES
from projections.restore.collect import chunks
from projections.restore.values import SentCase
from projections.tables import case_tables


def sent_cases(r: Reader, case_ids: Iterable[str]) -> Iterator[list[SentCase]]:
    """Yield these cases a batch at a time, in the order of the ids.

    Deleted ones are left out. ``r`` is a snapshot. Served by the primary key.
    """
    statement = _by_id(r.head.live[CASES])
    for chunk in chunks(case_ids):
        rows = r.conn.rows(statement, domain=r.domain, case_ids=chunk)
        found = {row[0]: SentCase._make(row) for row in rows}
        yield [found[case_id] for case_id in chunk if case_id in found]


@lru_cache(maxsize=16)
def _by_id(generation: int) -> Statement:
    cases = case_tables(generation).cases
    return Statement(
        select(*(cases.c[name] for name in SentCase._fields)).where(
            cases.c.domain == bindparam("domain"),
            in_list(cases.c.case_id, "case_ids"),
            cases.c.deleted_on.is_(None),
        )
    )
