"""Folding a log into fresh read tables, wherever they are: replay and verify share it.

The verdicts are taken from the entries as they stand; nothing is judged again.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

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
from projections.rule.case_row import CaseRow, to_case
from projections.rule.fold import touched
from projections.tables import CaseTables, FormTables

Item = tuple[Entry, object]
"""An entry and its body in whatever shape: the forms are parsed elsewhere."""
Progress = Callable[[int, int], None]
"""Is told how many entries of how many are done."""

_FLAGS = (Kind.CASE_DELETE, Kind.CASE_RESTORE)
_NAMING = (*_FLAGS, Kind.CASE_REBUILD, Kind.ERASE)
_MOST_CASES = 60_000
"""How many folded cases stay in memory between batches."""
_FILL = 5_000


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
        self._met: set[str] = set()
        self._holds_all = cases is not None and not self._has_cases(cases)

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

    def save(self) -> None:
        """Write what was folded, inside the caller's transaction."""
        with self._conn.pipelined():
            if self._batch is not None:
                self._batch.save()
            if self._forms is not None:
                self._forms.save()
        if self._batch is not None:
            self._batch.settle()
            if len(self._met) > _MOST_CASES:
                self._batch.forget()
                self._forget()
        if self._forms is not None:
            self._forms.settle()

    def keep_indexed(self, names: Sequence[IndexedName]) -> None:
        """Keep the property indexes of these names current from now on."""
        self._indexed = tuple(names)
        self._batch = None
        self._forget()

    def _has_cases(self, tables: CaseTables) -> bool:
        return bool(self._conn.rows(_first(tables), domain=self._reader.domain))

    def _forget(self) -> None:
        """Note that cases stand in the tables which are not in memory."""
        self._met.clear()
        self._holds_all = False

    def _fold_cases(self, entries: Sequence[Entry], parsed: Mapping[int, Form]) -> None:
        revisions = self._revisions_of(entries, parsed)
        batch = self._open_batch()
        forms = [form for _, form in revisions.values()]
        case_ids = _touched(entries, [*parsed.values(), *forms])
        self._met |= case_ids
        if self._holds_all:
            batch.expect_new(case_ids)
        else:
            batch.load(case_ids=case_ids, external_ids=())
        for entry in entries:
            if entry.kind is Kind.NORMAL:
                batch.project(entry, parsed[entry.position])
            elif entry.kind in REASONS:
                old, new = (revisions.get(p or 0) for p in revision_of(entry))
                batch.revise(entry, old, new)
            else:
                _apply_named(batch, entry)

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
