"""Proof: the chain of the log, and every row beside it against a fresh fold.

The fresh fold is made in a scratch SQLite file from one snapshot of the database, so a
verification writes nothing to it and can run beside live traffic on either database.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from operator import attrgetter
from pathlib import Path
from typing import Any

from sqlalchemy import Table, bindparam, func, select

from ledger import log
from ledger.entry import Kind
from ledger.errors import LedgerError, NotFound
from ledger.forms.form_xml import parse_for_proof
from ledger.heads import DamagedHead
from ledger.proof.chain import Break, verify_chain
from ledger.proof.differences import Difference
from ledger.proof.directory import directory_differences, fold_of
from ledger.proof.domains import domains_anywhere
from ledger.proof.files import FileFault, verify_files
from ledger.proof.imports import import_differences
from ledger.proof.notes import Earlier, differences
from ledger.storage.connection import Connection, Statement
from ledger.storage.schema import create_indexes, create_tables
from ledger.store import Reader, Store, open_store
from projections.names import CASES, FORMS, LEAVING
from projections.rebuild.fresh import (
    Progress,
    Rebuild,
    collecting_rarely,
    property_rows,
    silent,
)
from projections.rebuild.generations import live_faults
from projections.rebuild.parsing import parse_here
from projections.rebuild.reading import pass_through, read
from projections.tables import case_tables, form_tables

_CASE_SCRATCH = 1
_FORM_SCRATCH = 2


@dataclass(slots=True)
class Verification:
    """What a verification found in one domain.

    ``rows`` counts what was compared, ``unproved`` the rows of the directory that only
    notes of older releases tell of.
    """

    domain: str
    position: int = 0
    digest: str = ""
    kinds: Mapping[str, int] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    unproved: dict[str, int] = field(default_factory=dict)
    breaks: list[Break] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    files: list[FileFault] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Tell whether nothing differs."""
        return not self.breaks and not self.differences and not self.files


def verify(
    store: Store,
    domain: str,
    *,
    against: Sequence[Earlier] = (),
    progress: Progress = silent,
    most: int = 1000,
) -> Verification:
    """Verify a domain's log and read tables; at most ``most`` findings are kept.

    ``against`` is what was noted of the log earlier, outside of the database. Raises
    ``NotFound`` for an unknown domain.
    """
    try:
        with store.snapshot(domain) as reader:
            return _verified(reader, against, progress, most)
    except NotFound:
        if domain not in store.look(domains_anywhere):
            raise
        return _unreadable(domain, "the head of the domain is missing")
    except DamagedHead as error:
        return _unreadable(domain, str(error))
    except LedgerError:
        raise
    except Exception as error:  # noqa: BLE001 - damage of any kind is a finding
        kind = type(error).__name__
        return _unreadable(domain, f"what is kept of it cannot be read: {kind}")


def _unreadable(domain: str, text: str) -> Verification:
    return Verification(domain, breaks=[Break(0, text)])


def _verified(
    reader: Reader, against: Sequence[Earlier], progress: Progress, most: int
) -> Verification:
    pass_through(reader.conn)
    head = reader.head
    found = Verification(
        reader.domain, position=head.position, digest=head.digest.hex()
    )
    breaks = [*islice(verify_chain(reader), most), *differences(reader, against)]
    breaks += [Break(0, text) for text in live_faults(reader)]
    found.breaks = sorted(breaks, key=attrgetter("position"))
    found.files = [*islice(verify_files(reader), most)]
    if not found.breaks:
        found.kinds = log.count_kinds(reader)
        with tempfile.TemporaryDirectory(prefix="caseledger-verify-") as folder:
            _compare(reader, Path(folder), found, progress, most)
    return found


def _compare(
    reader: Reader, folder: Path, found: Verification, progress: Progress, most: int
) -> None:
    scratch = open_store(f"sqlite:///{folder / 'fresh.db'}")
    try:
        fresh = scratch.connection
        fresh.execute("PRAGMA synchronous = OFF")
        _fold(reader, fresh, progress)
        for difference in chain(
            _head_differences(reader, fresh, found.kinds),
            directory_differences(reader, fold_of(reader), found.rows, found.unproved),
            import_differences(reader, found.rows),
            _differences(reader, fresh, found.rows),
        ):
            found.differences.append(difference)
            if len(found.differences) >= most:
                return
    finally:
        scratch.close()


def _fold(reader: Reader, fresh: Connection, progress: Progress) -> None:
    """Fold the whole log of a snapshot into the scratch tables."""
    cases, forms = case_tables(_CASE_SCRATCH), form_tables(_FORM_SCRATCH)
    for tables in (cases, forms):
        create_tables(fresh, tables.metadata)
    rebuild = Rebuild(reader, fresh, cases=cases, forms=forms)
    position, total = 0, reader.head.position
    with collecting_rarely():
        while position < total:
            chunk = read(reader, position, last=total)
            parse_here(chunk, parse_for_proof)
            rebuild.fold(chunk.items, chunk.forms)
            position = chunk.position
            if rebuild.is_full or position == total:
                fresh.execute("BEGIN")
                rebuild.save()
                fresh.execute("COMMIT")
                progress(position, total)
    create_indexes(fresh, cases.metadata)
    for changes in property_rows(fresh, reader.domain, cases, reader.head.indexed):
        changes.save_additions(fresh, cases)


def _head_differences(
    reader: Reader, fresh: Connection, kinds: Mapping[str, int]
) -> Iterator[Difference]:
    """Yield whether the head's time is not the last that an entry or a case took.

    An erasure takes the times of its cases away.
    """
    if Kind.ERASE.value in kinds:
        return
    cases = case_tables(_CASE_SCRATCH).cases
    statement = Statement(select(func.max(cases.c.indexed_on)))
    last = log.entry_at(reader, reader.head.position)
    appended_on = 0 if last is None else last.appended_on
    expected = max(appended_on, fresh.value(statement) or 0)
    if reader.head.appended_on != expected:
        yield Difference(
            table="domains",
            key=(),
            column="appended_on",
            live=reader.head.appended_on,
            fresh=expected,
        )


def _differences(
    reader: Reader, fresh: Connection, counted: dict[str, int]
) -> Iterator[Difference]:
    live_cases = case_tables(reader.head.live[CASES])
    live_forms = form_tables(reader.head.live[FORMS])
    cases, forms = case_tables(_CASE_SCRATCH), form_tables(_FORM_SCRATCH)
    pairs = [
        *zip(
            live_cases.metadata.sorted_tables, cases.metadata.sorted_tables, strict=True
        ),
        *zip(
            live_forms.metadata.sorted_tables, forms.metadata.sorted_tables, strict=True
        ),
    ]
    for live, scratch in pairs:
        name = live.name.rpartition("_")[0]
        yield from _table_differences(
            name,
            live,
            _ordered(reader, reader.conn, live),
            _ordered(reader, fresh, scratch),
            counted,
        )


def _ordered(reader: Reader, conn: Connection, table: Table) -> Iterator[Sequence[Any]]:
    """Yield the rows of a domain by primary key.

    Counters of nothing are left out, and what an index that is being dropped has left.
    """
    query = select(*table.columns).where(table.c.domain == bindparam("domain"))
    if "n" in table.c:
        query = query.where(table.c.n != 0)
    leaving = [n.name_id for n in reader.head.indexed if n.built_to == LEAVING]
    if leaving and "name_id" in table.c:
        query = query.where(table.c.name_id.not_in(leaving))
    statement = Statement(query.order_by(*table.primary_key))
    return conn.stream(statement, domain=reader.domain)


def _table_differences(
    name: str,
    table: Table,
    live: Iterator[Sequence[Any]],
    fresh: Iterator[Sequence[Any]],
    counted: dict[str, int],
) -> Iterator[Difference]:
    """Walk two ordered streams side by side."""
    width = len(table.primary_key)
    ours, theirs = next(live, None), next(fresh, None)
    counted[name] = 0
    while ours is not None or theirs is not None:
        our_key = None if ours is None else tuple(ours[:width])
        their_key = None if theirs is None else tuple(theirs[:width])
        if our_key == their_key and ours is not None and theirs is not None:
            counted[name] += 1
            yield from _row_differences(name, table, ours, theirs)
            ours, theirs = next(live, None), next(fresh, None)
        elif their_key is None or (our_key is not None and our_key < their_key):
            yield _missing(name, our_key or (), live=ours, fresh=None)
            ours = next(live, None)
        else:
            yield _missing(name, their_key, live=None, fresh=theirs)
            theirs = next(fresh, None)


def _row_differences(
    name: str, table: Table, ours: Sequence[Any], theirs: Sequence[Any]
) -> Iterator[Difference]:
    if tuple(ours) == tuple(theirs):
        return
    key = tuple(ours[1 : len(table.primary_key)])
    for column, our_value, their_value in zip(table.columns, ours, theirs, strict=True):
        if our_value != their_value:
            yield Difference(
                table=name,
                key=key,
                column=column.name,
                live=our_value,
                fresh=their_value,
            )


def _missing(name: str, key: tuple[Any, ...], *, live: Any, fresh: Any) -> Difference:
    return Difference(table=name, key=key[1:], column="", live=live, fresh=fresh)
