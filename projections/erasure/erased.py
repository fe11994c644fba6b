"""What an erasure takes out of read tables that nobody reads any more.

A generation that a replay has replaced, that is still being built or that only other
domains read from may hold a case as it was. The live tables are folded anew by the
erasure itself (``projections/commit/case_batch.py``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import Table, bindparam, delete, select

from ledger.storage.connection import Connection, Statement
from ledger.storage.dialect import in_list
from ledger.store import Store, Writer
from projections.names import CASES
from projections.rebuild.generations import VERSIONS, all_generations
from projections.rebuild.replay import prune
from projections.rule.case_row import CaseRow, to_case, to_row
from projections.tables import CaseTables, case_tables


def forget_elsewhere(w: Writer, case_ids: Collection[str]) -> None:
    """Blank these cases in all tables but the live ones, and drop empty counters.

    A counter goes by a digest of the value that it counts.
    """
    live = w.head.live[CASES]
    _drop_empty_counters(w, case_tables(live))
    for found in all_generations(w.conn):
        if found.projection == CASES and found.generation != live:
            tables = case_tables(found.generation)
            if found.version == VERSIONS[CASES]:
                _blank(w, tables, case_ids)
            else:
                # Of other versions only the keys are known.
                w.conn.delete(tables.cases, [(w.domain, i) for i in case_ids])
            _drop_external_ids(w, tables.external_ids, case_ids)


def tidy(store: Store) -> bool:
    """Drop replaced tables and have the database let go of what was deleted.

    Returns false when somebody's reading kept the database from that.
    """
    store.look(_overwrite)
    prune(store, older_than=0)
    return store.look(lambda conn: conn.dialect.scrub(conn.raw))


def _overwrite(conn: Connection) -> None:
    for statement in conn.dialect.overwriting:
        conn.execute(statement)


def _blank(w: Writer, tables: CaseTables, case_ids: Iterable[str]) -> None:
    """Take the values out of cases.

    What counters and references go by stays: a replay that resumes on these tables
    keeps those by it, and comes to the entry of the erasure in the end.
    """
    statement = Statement(
        select(*tables.cases.columns).where(
            tables.cases.c.domain == bindparam("domain"),
            in_list(tables.cases.c.case_id, "case_ids"),
        )
    )
    rows = w.conn.rows(statement, domain=w.domain, case_ids=list(case_ids))
    blank = [
        to_case(CaseRow._make(row))._replace(
            case_name="",
            external_id=None,
            location_id=None,
            properties={},
            attachments={},
        )
        for row in rows
    ]
    w.conn.upsert(tables.cases, list(map(to_row, blank)))


def _drop_external_ids(w: Writer, table: Table, case_ids: Iterable[str]) -> None:
    """Delete by walking the domain's rows: nobody asks these tables by case."""
    statement = Statement(
        delete(table).where(
            table.c.domain == bindparam("domain"),
            in_list(table.c.case_id, "case_ids"),
        )
    )
    w.conn.run(statement, domain=w.domain, case_ids=list(case_ids))


def _drop_empty_counters(w: Writer, tables: CaseTables) -> None:
    counts = tables.case_counts
    statement = Statement(
        delete(counts).where(
            counts.c.domain == bindparam("domain"), counts.c.n == bindparam("nothing")
        )
    )
    w.conn.run(statement, domain=w.domain, nothing=0)
