"""Writing a backup: everything that cannot be derived, of all domains, in one file.

The tables are those of ``tables.py`` whatever they are, so that a new one is not
forgotten; read tables and the bookkeeping about them are left out. Bodies travel as
they are stored, with their dictionaries. ``format.py`` knows the file,
``load.py`` the way back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache, reduce
from itertools import product
from operator import add
from typing import BinaryIO

from sqlalchemy import LargeBinary, Table, bindparam, func, literal, select

from ledger.backup.format import BackupWriter, Header, LogHead
from ledger.clock import now_micros
from ledger.entry import Head
from ledger.errors import LedgerError
from ledger.proof.chain import Break, verify_chain
from ledger.storage.connection import Connection, Statement
from ledger.storage.dialect import Row, kinds_of
from ledger.store import Reader, Store
from ledger.tables import bodies, domains, entries, metadata
from ledger.times import format_micros

Progress = Callable[[int, int], None]
"""Is told how many rows of the logs, of how many, are done."""

LEFT_OUT = frozenset({"generations", "checkpoints", "clocks", "failed_tries"})
"""Tables that a replay makes anew, since they tell which read tables there are; and
counts that mean nothing a quarter of an hour later."""

_MOST_ROWS = 1_000
_MOST_BYTES = 1024 * 1024
_LARGE = 16 * 1024
"""A row with so many bytes is fetched by itself: others come by thousands."""

_HEADS = Statement(
    select(
        domains.c.domain,
        domains.c.position,
        domains.c.appended_on,
        domains.c.digest,
    ).order_by(domains.c.domain)
)


def write_backup(
    store: Store, file: BinaryIO, *, program: str, progress: Progress
) -> tuple[LogHead, ...]:
    """Write all domains as they are at one moment; return where their logs end.

    Streams, so memory stays bounded. ``program`` names the version that writes. Raises
    ``LedgerError`` for a log that does not prove itself: nobody could restore it.
    """
    with store.snapshot_of_all() as conn:
        heads = heads_of(conn)
        for head in heads:
            prove(conn, head, _not_written)
        header = Header(
            written_on=format_micros(now_micros()),
            program=program,
            domains=heads,
            tables={str(table.name): columns_of(table) for table in kept_tables()},
        )
        writer = BackupWriter(file, header)
        meter = Meter(heads, progress)
        for head, table in product(heads, kept_tables()):
            for rows in _batches(_rows(conn, table, head.domain)):
                writer.rows(table.name, rows)
                meter.add(table.name, len(rows))
        writer.close()
    return heads


def kept_tables() -> list[Table]:
    """Return the tables that a backup holds."""
    return [table for table in metadata.sorted_tables if table.name not in LEFT_OUT]


class Meter:
    """Counts rows of the logs: they are nearly all there is."""

    def __init__(self, heads: Iterable[LogHead], progress: Progress) -> None:
        """Take each entry to have a body; the end comes sooner than announced."""
        self._total = 2 * sum(head.position for head in heads)
        self._done = 0
        self._progress = progress

    def add(self, table: str, rows: int) -> None:
        """Note rows of a table and tell how far it is."""
        if table in {entries.name, bodies.name}:
            self._done += rows
            self._progress(self._done, self._total)


def heads_of(conn: Connection) -> tuple[LogHead, ...]:
    """Return the head of every log; a marked fan-out (``rules/design.md`` 1.2)."""
    return tuple(
        LogHead(
            domain=domain,
            position=position,
            appended_on=appended_on,
            digest=digest.hex(),
        )
        for domain, position, appended_on, digest in conn.rows(_HEADS)
    )


def prove(
    conn: Connection, head: LogHead, error: Callable[[str, Break], LedgerError]
) -> None:
    """Recompute a log from its first entry; raises the error for the first break."""
    found = Head(
        domain=head.domain,
        position=head.position,
        appended_on=head.appended_on,
        digest=bytes.fromhex(head.digest),
        live={},
    )
    for broken in verify_chain(Reader(conn, head.domain, found)):
        raise error(head.domain, broken)


def _not_written(domain: str, broken: Break) -> LedgerError:
    return LedgerError(
        f"no backup was written: the log of '{domain}' is damaged at position "
        f"{broken.position}: {broken.text}"
    )


def columns_of(table: Table) -> tuple[tuple[str, str], ...]:
    """Return the names and types of a table's columns as a backup names them."""
    names = [str(column.name) for column in table.columns]
    return tuple(zip(names, kinds_of(table.columns), strict=True))


def _rows(conn: Connection, table: Table, domain: str) -> Iterator[Row]:
    """Yield a domain's rows, those with large values behind the others."""
    small, large, by_key = _statements(table)
    yield from conn.stream(small, domain=domain)
    names = [column.name for column in table.primary_key]
    for key in conn.stream(large, domain=domain):
        yield from conn.rows(by_key, **dict(zip(names, key, strict=True)))


@cache
def _statements(table: Table) -> tuple[Statement, Statement, Statement]:
    """Return queries for the small rows, for the keys of the large, for one row.

    All go by the primary key.
    """
    key = list(table.primary_key)
    values = [c for c in table.columns if isinstance(c.type, LargeBinary)]
    size = reduce(add, (func.coalesce(func.length(c), 0) for c in values), literal(0))
    of_domain = table.c.domain == bindparam("domain")
    return (
        Statement(
            select(*table.columns).where(of_domain, size < _LARGE).order_by(*key)
        ),
        Statement(select(*key).where(of_domain, size >= _LARGE).order_by(*key)),
        Statement(select(*table.columns).where(*(c == bindparam(c.name) for c in key))),
    )


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Yield rows in lists that are neither long nor heavy."""
    batch: list[Row] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += sum(len(value) for value in row if isinstance(value, str | bytes))
        if len(batch) == _MOST_ROWS or size >= _MOST_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
