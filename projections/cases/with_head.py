"""Single cases, read by one statement with the head of their domain.

The head names the generation that is live, and so must come first. Here the generation
is that of the look before: the head in the answer tells whether it still is, and if
not, one reads again. A generation changes with a replay, so that is rare.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache, partial
from typing import Any

from sqlalchemy import and_, bindparam, select

from ledger.errors import LedgerError
from ledger.heads import HEAD_COLUMNS
from ledger.storage.connection import Connection, Statement
from ledger.storage.dialect import Row, in_list
from ledger.store import Store
from ledger.tables import domains
from projections.cases.by_id import by_external_id, looked_up, seen_columns
from projections.names import CASES
from projections.rule.case_row import SeenCase
from projections.tables import case_tables

_HEAD = len(HEAD_COLUMNS)


class By(StrEnum):
    """What a case is asked for by."""

    CASE_ID = "case_id"
    EXTERNAL_ID = "external_id"


class HeadedReads:
    """Reads live cases of any domain; one a process, used by any thread."""

    def __init__(self, store: Store) -> None:
        """Know no domain yet."""
        self._store = store
        self._live: dict[str, int] = {}

    def by_id(self, domain: str, case_ids: Sequence[str]) -> dict[str, SeenCase]:
        """Return the live cases with these ids by id; raises ``NotFound``."""
        found = self._read(domain, By.CASE_ID, looked_up(case_ids))
        return {case.case_id: case for case in found}

    def by_external_id(
        self, domain: str, external_ids: Sequence[str]
    ) -> dict[str, list[SeenCase]]:
        """Return the live cases with these external ids, the oldest of each first.

        Raises ``NotFound`` for an unknown domain.
        """
        found = self._read(domain, By.EXTERNAL_ID, looked_up(external_ids))
        return by_external_id(found)

    def _read(self, domain: str, by: By, ids: list[str]) -> list[SeenCase]:
        generation = self._live.get(domain)
        if generation is None:
            generation = self._look_at_head(domain)
        while ids:
            try:
                live, found = self._store.look(
                    partial(self._looked, domain, generation, by, ids)
                )
            except LedgerError:
                raise
            except Exception:
                live, found = self._look_at_head(domain), []
                if live == generation:
                    raise
            if live == generation:
                return found
            self._live[domain] = generation = live
        self._look_at_head(domain)
        return []

    def _look_at_head(self, domain: str) -> int:
        with self._store.reading(domain) as reader:
            live = reader.head.live[CASES]
        self._live[domain] = live
        return live

    def _looked(
        self, domain: str, generation: int, by: By, ids: list[str], conn: Connection
    ) -> tuple[int, list[SeenCase]]:
        """Return which generation is live, and what was found in this one."""
        one = len(ids) == 1
        rows: list[Row] = conn.rows(
            headed_statement(generation, by, one=one),
            domain=domain,
            ids=ids[0] if one else ids,
        )
        first = rows[0] if rows else None
        head = self._store.head_in(conn, domain, first and first[:_HEAD])
        # A domain in which nothing was found is a row without a case.
        cases = [SeenCase._make(row[_HEAD:]) for row in rows if row[_HEAD] is not None]
        return head.live[CASES], cases


@lru_cache(maxsize=64)
def headed_statement(generation: int, by: By, *, one: bool) -> Statement:
    """Return the query for a domain's head beside each of the cases asked for.

    Parameters: ``domain`` and ``ids``, a text for ``one`` and else a list. Served by
    the primary keys; a domain without such a case is one row.
    """
    tables = case_tables(generation)
    cases, names = tables.cases, tables.external_ids
    asked = (cases if by is By.CASE_ID else names).c[by.value]
    meets: Any = asked == bindparam("ids") if one else in_list(asked, "ids")
    live = cases.c.deleted_on.is_(None)
    if by is By.CASE_ID:
        source = domains.outerjoin(
            cases, and_(cases.c.domain == domains.c.domain, meets, live)
        )
    else:
        source = domains.outerjoin(
            names, and_(names.c.domain == domains.c.domain, meets)
        ).outerjoin(
            cases,
            and_(
                cases.c.domain == names.c.domain,
                cases.c.case_id == names.c.case_id,
                live,
            ),
        )
    return Statement(
        select(*HEAD_COLUMNS, *seen_columns(tables))
        .select_from(source)
        .where(domains.c.domain == bindparam("domain"))
    )
