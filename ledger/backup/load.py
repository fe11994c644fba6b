"""Loading a backup into an empty database: all of it, proved, or nothing.

One transaction brings the log and everything kept. Domains come without read tables;
whoever knows the fold builds those afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Table, or_, select

from ledger.backup.format import BackupReader, BadBackup, Header, LogHead
from ledger.backup.write import (
    Meter,
    Progress,
    columns_of,
    heads_of,
    kept_tables,
    prove,
)
from ledger.domain_list import list_missing
from ledger.errors import Conflict, LedgerError
from ledger.proof.chain import Break
from ledger.storage.connection import Connection, Statement
from ledger.storage.dialect import Row
from ledger.store import Store
from ledger.tables import domains

_NO_GENERATION = 0
"""Stands for live read tables that are not built yet; no generation has it."""

_MOST_NAMES = 5

_WITHOUT_TABLES = Statement(
    select(domains.c.domain)
    .where(
        or_(
            domains.c.live_cases == _NO_GENERATION,
            domains.c.live_forms == _NO_GENERATION,
        )
    )
    .order_by(domains.c.domain)
)


def load_backup(
    store: Store, source: BackupReader, *, progress: Progress
) -> tuple[LogHead, ...]:
    """Load a backup into an empty database, all or nothing; return its logs' heads.

    The domains have no read tables yet: ``domains_without_tables`` names them. Does
    nothing when an earlier restore of the same backup got as far as that. Raises
    ``BadBackup``, and ``Conflict`` for a database that holds anything else.
    """
    fills = _fills(source.header)
    try:
        with store.administering() as conn:
            if not _stands_already(conn, source.header):
                _load(conn, source, fills, progress)
    except LedgerError:
        raise
    except Exception:
        # The database may have choked on what the file would have disowned at its end.
        source.check()
        raise
    finally:
        # What was learnt of dictionaries may have been rolled back.
        store.connection.codecs = None
    return source.header.domains


def domains_without_tables(conn: Connection) -> list[str]:
    """Return the domains that a replay must make readable; a marked fan-out."""
    return [domain for (domain,) in conn.rows(_WITHOUT_TABLES)]


def _not_loaded(domain: str, broken: Break) -> LedgerError:
    return BadBackup(
        f"the log of '{domain}' in the backup is damaged at position "
        f"{broken.position}: {broken.text}"
    )


class _Fill:
    """How rows of the file become rows of a table of this program."""

    def __init__(self, table: Table, columns: Sequence[tuple[str, str]]) -> None:
        """Match the columns by name."""
        given = {name: place for place, (name, _) in enumerate(columns)}
        places = [given.get(column.name) for column in table.columns]
        lacking = [
            column.name
            for column, place in zip(table.columns, places, strict=True)
            if place is None and not column.nullable
        ]
        self.table = table
        self.fits = set(columns) <= set(columns_of(table)) and not lacking
        self._places = places
        self._as_it_is = places == list(range(len(columns)))

    def rows(self, rows: Iterable[Sequence[Any]]) -> list[Row]:
        """Return rows in the order of the table's columns."""
        if not self._as_it_is:
            rows = [[None if p is None else r[p] for p in self._places] for r in rows]
        if self.table is domains:
            rows = map(_without_tables, rows)
        return list(map(tuple, rows))


def _without_tables(row: Sequence[Any]) -> list[Any]:
    """Return the row of a domain that has no read tables yet."""
    live = {domains.c.live_cases.name, domains.c.live_forms.name}
    return [
        _NO_GENERATION if column.name in live else value
        for column, value in zip(domains.columns, row, strict=True)
    ]


def _fills(header: Header) -> dict[str, _Fill]:
    """Return how each table of a file is filled; raises ``BadBackup``.

    A column that is new since then must be one that may be empty.
    """
    known = {table.name: table for table in kept_tables()}
    fills = {
        name: _Fill(known[name], columns)
        for name, columns in header.tables.items()
        if name in known
    }
    if len(fills) < len(header.tables) or not all(f.fits for f in fills.values()):
        raise BadBackup(
            f"the backup was written by caseledger {header.program}, whose tables are "
            f"not those of this program: restore it with that release, then migrate"
        )
    return fills


def _stands_already(conn: Connection, header: Header) -> bool:
    """Tell whether the logs of a backup were loaded and wait to be made readable.

    Raises ``Conflict`` for a database with other domains.
    """
    found = {head.domain: head for head in heads_of(conn)}
    waiting = domains_without_tables(conn)
    written = {head.domain: head for head in header.domains}
    same = all(found[domain] == written.get(domain) for domain in waiting)
    if waiting and same and found.keys() == written.keys():
        return True
    if found:
        names = ", ".join(list(found)[:_MOST_NAMES])
        raise Conflict(
            f"the database already has domains ({names}): restore into an empty one"
        )
    return False


def _load(
    conn: Connection,
    source: BackupReader,
    fills: Mapping[str, _Fill],
    progress: Progress,
) -> None:
    """Insert everything, then prove what has arrived; raises ``BadBackup``."""
    header = source.header
    meter = Meter(header.domains, progress)
    for name, rows in source.rows():
        conn.insert(fills[name].table, fills[name].rows(rows))
        meter.add(name, len(rows))
    list_missing(conn)
    if heads_of(conn) != header.domains:
        raise BadBackup("the backup does not hold the domains that it names")
    for head in header.domains:
        prove(conn, head, _not_loaded)
