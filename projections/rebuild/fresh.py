"""Folding a log into fresh read tables, wherever they are: replay and verify share it.

The verdicts are taken from the entries as they stand; nothing is judged again.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import bindparam, select

from ledger.entry import Entry, IndexedName, Kind
from ledger.forms.form import Form
from ledger.forms.lineage import revision_of
from ledger.projector import Revision
from ledger.storage.connection import Connection, Statement
from ledger.store import Reader
from projections.commit.case_batch import REASONS, CaseBatch
from projections.commit.form_states import FormStates
from projections.commit.histories import revisions_at
from projections.commit.indexing import IndexChanges
from projections.rebuild.met import MetIds
from projections.rule.case_row import CaseRow, to_case
from projections.rule.fold import touched
from projections.tables import CaseTables, FormTables

Item = tuple[Entry, object]
"""An entry and its body in whatever shape: the forms are parsed elsewhere."""
Progress = Callable[[int, int], None]
"""Is told how many entries of how many are done."""

_FLAGS = (Kind.CASE_DELETE, Kind.CASE_RESTORE)
_NAMING = (*_FLAGS, Kind.CASE_REBUILD, Kind.ERASE)
_FILL = 5_000

BATCH_ENTRIES = 25_000
BATCH_CASES = 20_000
BATCH_BYTES = 32 * 1024 * 1024
"""How much is folded before it is written: entries, cases they touch, their bytes.

A batch that is larger writes a row less often that forms change again and again, and
nearer to those beside it.
"""
KEPT_CASES = 30_000
KEPT_BYTES = 40 * 1024 * 1024
"""How much stays in memory between batches: cases, and bytes of the forms behind them.

A case takes about four times the memory of the forms that made it.
"""


def silent(_done: int, _total: int) -> None:
    """Tell nobody about progress."""


@contextmanager
def collecting_rarely() -> Iterator[None]:
    """Keep the garbage collector from walking all folded cases over and over.

    A fold makes no cycles, so what it drops is freed without the collector.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@dataclass(slots=True)
class _Weight:
    """How much was folded and is not written yet."""

    entries: int = 0
    cases: int = 0
    bytes: int = 0

    @property
    def is_full(self) -> bool:
        return (
            self.entries >= BATCH_ENTRIES
            or self.cases >= BATCH_CASES
            or self.bytes >= BATCH_BYTES
        )


class Rebuild:
    """Folds entries, batch by batch, into the tables of one or both projections."""

    def __init__(
        self,
        reader: Reader,
        conn: Connection,
        *,
        cases: CaseTables | None,
        forms: FormTables | None,
    ) -> None:
        """Read the log through ``reader``; the tables are behind ``conn``."""
        self._reader = reader
        self._conn = conn
        self._tables = cases
        self._forms = None if forms is None else FormStates(conn, reader.domain, forms)
        self._indexed: tuple[IndexedName, ...] = ()
        self._batch: CaseBatch | None = None
        self._kept: set[str] = set()
        self._kept_bytes = 0
        self._waiting = _Weight()
        # Where cases stand already, nothing is known to be new.
        new = cases is not None and not self._has_cases(cases)
        self._met = MetIds() if new else None

    def fold(self, items: Sequence[Item], parsed: Mapping[int, Form]) -> None:
        """Fold a batch of entries in memory.

        ``parsed`` holds the forms of the normal ones, by position.
        """
        entries = [entry for entry, _ in items]
        if self._forms is not None:
            for entry in entries:
                self._forms.note(entry)
        if self._tables is not None:
            self._fold_cases(entries, parsed)
        self._waiting.entries += len(entries)
        self._waiting.bytes += sum(entry.body_length for entry in entries)

    @property
    def is_full(self) -> bool:
        """Tell whether what was folded is to be written before more is."""
        return self._waiting.is_full

    def save(self) -> None:
        """Write what was folded, inside the caller's transaction."""
        with self._conn.pipelined():
            if self._batch is not None:
                self._batch.save()
            if self._forms is not None:
                self._forms.save()
        if self._batch is not None:
            self._batch.settle()
            self._kept_bytes += self._waiting.bytes
            if len(self._kept) > KEPT_CASES or self._kept_bytes > KEPT_BYTES:
                self._batch.forget()
                self._forget()
        if self._forms is not None:
            self._forms.settle()
        self._waiting = _Weight()

    def keep_indexed(self, names: Sequence[IndexedName]) -> None:
        """Keep the property indexes of these names current from now on."""
        self._indexed = tuple(names)
        self._batch = None
        self._forget()

    def _has_cases(self, tables: CaseTables) -> bool:
        return bool(self._conn.rows(_first(tables), domain=self._reader.domain))

    def _forget(self) -> None:
        self._kept.clear()
        self._kept_bytes = 0

    def _fold_cases(self, entries: Sequence[Entry], parsed: Mapping[int, Form]) -> None:
        revisions = self._revisions_of(entries, parsed)
        batch = self._open_batch()
        forms = [form for _, form in revisions.values()]
        case_ids = _touched(entries, [*parsed.values(), *forms])
        self._kept |= case_ids
        self._waiting.cases += len(case_ids)
        if self._met is not None:
            batch.expect_new(self._met.note(case_ids))
        batch.load(case_ids=case_ids, external_ids=())
        for entry in entries:
            if entry.kind is Kind.NORMAL:
                batch.project(entry, parsed[entry.position])
            elif entry.kind in REASONS:
                old, new = (revisions.get(p or 0) for p in revision_of(entry))
                batch.revise(entry, old, new)
            else:
                _apply_named(batch, entry)
        batch.release_versions()

    def _open_batch(self) -> CaseBatch:
        if self._batch is None:
            if self._tables is None:
                raise AssertionError("no case tables to fold into")
            self._batch = CaseBatch(
                self._reader, self._tables, indexed=self._indexed, conn=self._conn
            )
        return self._batch

    def _revisions_of(
        self, entries: Sequence[Entry], parsed: Mapping[int, Form]
    ) -> Mapping[int, Revision]:
        """Return the versions of forms that entries put in or take out of force."""
        by_position = {entry.position: entry for entry in entries}
        positions = {
            position
            for entry in entries
            if entry.kind in REASONS
            for position in revision_of(entry)
            if position is not None
        }
        here = {p for p in positions if p in parsed}
        return {
            **{p: (by_position[p], parsed[p]) for p in here},
            **revisions_at(self._reader, positions - here),
        }


def _apply_named(batch: CaseBatch, entry: Entry) -> None:
    """Apply an entry that names its cases."""
    if entry.kind in _FLAGS:
        batch.set_deleted(entry.details["case_ids"], entry)
    elif entry.kind is Kind.CASE_REBUILD:
        batch.rebuild(entry.details["case_ids"], entry)
    elif entry.kind is Kind.ERASE:
        batch.erase(entry.details["case_ids"], entry)


def property_rows(
    conn: Connection,
    domain: str,
    tables: CaseTables,
    names: Sequence[IndexedName],
) -> Iterator[IndexChanges]:
    """Yield, batch by batch, what indexes and counts the properties of all cases.

    For tables in which nothing is indexed yet; the caller saves the additions.
    """
    statement = _after(tables)
    after = -1
    while rows := conn.rows(statement, domain=domain, after=after):
        changes = IndexChanges(domain, names)
        for row in rows:
            changes.note_indexed(to_case(CaseRow._make(row)))
        yield changes
        after = rows[-1][2]


def _first(tables: CaseTables) -> Statement:
    cases = tables.cases
    return Statement(
        select(cases.c.case_id).where(cases.c.domain == bindparam("domain")).limit(1)
    )


def _after(tables: CaseTables) -> Statement:
    cases = tables.cases
    return Statement(
        select(*cases.columns)
        .where(
            cases.c.domain == bindparam("domain"),
            cases.c.indexed_on > bindparam("after"),
        )
        .order_by(cases.c.indexed_on)
        .limit(_FILL)
    )


def _touched(entries: Sequence[Entry], forms: Iterable[Form]) -> set[str]:
    case_ids = {case_id for form in forms for case_id in touched(form)}
    for entry in entries:
        if entry.kind in _NAMING:
            case_ids.update(entry.details["case_ids"])
    return case_ids
