"""The ``cases`` projection at work: load, fold in memory, save once.

A batch serves one transaction: it loads every case that the waiting forms touch with a
few queries, folds form after form against what it holds (``rules/case-xml.md``), and
writes the outcome with one statement a table. A form that is rejected leaves the batch
as it was, so nothing needs a savepoint.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from ledger.cases.case import Case, FoldKey
from ledger.entry import Entry, IndexedName, Kind
from ledger.forms.case_block import CaseBlock
from ledger.forms.form import Form
from ledger.forms.lineage import FOLDING
from ledger.projector import Revision
from ledger.storage.connection import Connection
from ledger.store import Reader
from projections.commit.case_statements import statements_of
from projections.commit.histories import Histories
from projections.commit.indexing import IndexChanges
from projections.commit.rolls import Rolls
from projections.rule.case_row import CaseRow, SeenCase, seen, to_case, to_row
from projections.rule.fold import (
    DELETED,
    EDIT,
    FORM_STATE,
    REBUILD,
    REPROCESSED,
    REQUESTED,
    RESTORED,
    REVOKED,
    blocks_by_case,
    touched,
)
from projections.rule.refold import (
    Moment,
    appended,
    comes_late,
    flagged,
    moment_of,
    rebuilt,
    tried,
)
from projections.rule.steps import NO_PLACE, Step, Version, version_of
from projections.tables import CaseTables

REASONS = {
    Kind.EDIT: REBUILD | EDIT,
    Kind.REPROCESS: REBUILD | REPROCESSED,
    Kind.COMPLETE: REBUILD | REPROCESSED,
    Kind.UNCOMPLETE: REBUILD | FORM_STATE,
    Kind.ARCHIVE: REBUILD | FORM_STATE,
    Kind.UNARCHIVE: REBUILD | FORM_STATE,
    Kind.FORM_DELETE: REBUILD | FORM_STATE,
    Kind.FORM_RESTORE: REBUILD | FORM_STATE,
}
"""The kinds that change which version of a form is in force, and the reasons given."""


class CaseBatch:
    """The cases that one transaction touches, as they are after each form."""

    def __init__(
        self,
        reader: Reader,
        tables: CaseTables,
        *,
        indexed: Sequence[IndexedName],
        conn: Connection | None = None,
        rolls: Rolls | None = None,
    ) -> None:
        """Start empty; ``conn`` is where the tables are, when not beside the log.

        ``rolls`` are the long histories that other batches have left at hand.
        """
        self.reader = reader
        self.tables = tables
        self._conn = conn or reader.conn
        self.indexed = indexed
        self._statements = statements_of(tables.generation)
        self._cases: dict[str, Case | None] = {}
        self._stored: dict[str, Case | None] = {}
        self._owners: dict[str, dict[str, None]] = {}
        self._histories = Histories(
            reader, self._conn, tables, rolls=Rolls() if rolls is None else rolls
        )
        self._rows: dict[str, tuple[Case, CaseRow]] = {}

    # Loading

    def load(self, *, case_ids: Iterable[str], external_ids: Iterable[str]) -> None:
        """Load cases by id and by external id, each at most once."""
        self.ask(case_ids=case_ids, external_ids=external_ids)()

    def ask(
        self, *, case_ids: Iterable[str], external_ids: Iterable[str]
    ) -> Callable[[], None]:
        """Ask for what ``load`` loads; return how to take it in."""
        wanted = set(case_ids)
        names = [name for name in external_ids if name not in self._owners]
        if not names:
            return self._ask_cases([i for i in wanted if i not in self._cases])
        self._owners.update((name, {}) for name in names)
        owned = self._conn.ask(
            self._statements.by_external, domain=self._domain, external_ids=names
        )

        def get() -> None:
            for external_id, case_id in owned():
                self._owners[external_id][case_id] = None
                wanted.add(case_id)
            self._load_cases([i for i in wanted if i not in self._cases])

        return get

    def case(self, case_id: str) -> Case | None:
        """Return a loaded case, deleted ones included."""
        return self._cases.get(case_id)

    def by_external(self, external_id: str) -> list[Case]:
        """Return the live cases with an external id, the one opened first first."""
        cases = [self._cases.get(i) for i in self._owners.get(external_id, ())]
        live = [case for case in cases if case is not None and not case.deleted_on]
        return sorted(live, key=lambda case: (case.opened_on, case.case_id))

    def row(self, case_id: str) -> SeenCase:
        """Return what readers see of a case as it is now; raises ``KeyError``."""
        return seen(self._row(case_id))

    def _row(self, case_id: str) -> CaseRow:
        case = self._cases[case_id]
        if case is None:
            raise KeyError(case_id)
        made = self._rows.get(case_id)
        if made is None or made[0] is not case:
            made = self._rows[case_id] = (case, to_row(case))
        return made[1]

    def _load_cases(self, case_ids: list[str]) -> None:
        self._ask_cases(case_ids)()

    def _ask_cases(self, case_ids: list[str]) -> Callable[[], None]:
        if not case_ids:
            return _nothing
        rows = self._conn.ask(
            self._statements.by_id, domain=self._domain, case_ids=case_ids
        )

        def get() -> None:
            self._cases.update(dict.fromkeys(case_ids))
            self._stored.update(dict.fromkeys(case_ids))
            for row in rows():
                case = to_case(CaseRow._make(row))
                self._cases[case.case_id] = self._stored[case.case_id] = case

        return get

    def expect_new(self, case_ids: Iterable[str]) -> None:
        """Take ids that were just made as unknown, without asking the database."""
        for case_id in case_ids:
            self._cases.setdefault(case_id, None)

    # Folding

    def project(self, entry: Entry, form: Form) -> list[str]:
        """Fold a new form and return the cases it touches, ids ascending.

        Raises ``Rejected`` and then has changed nothing.
        """
        groups = blocks_by_case(form)
        version = version_of(entry, form)
        case_ids = self._touched(touched(form, groups), groups)
        after = [
            self._arrive(case_id, groups.get(case_id, []), version, place=place)
            for place, case_id in enumerate(case_ids)
        ]
        self.judge(groups)
        self._histories.know(version)
        for case, step in after:
            self._take(case, step, groups.get(step.case_id, ()), version)
        return case_ids

    def revise(
        self, entry: Entry, old: Revision | None, new: Revision | None
    ) -> list[str]:
        """Put a version of a form in the place of another; rebuild their cases.

        Edits, archives, deletions of forms, their undoing and reprocessing are all
        that: ``old`` or ``new`` is ``None`` where no version is in force (rule 15).
        Returns their ids, ascending. Raises ``Rejected`` and then has changed nothing.
        """
        groups = blocks_by_case(new[1]) if new is not None else {}
        version = None if new is None else version_of(*new)
        leaving = None if old is None else version_of(*old)
        named = frozenset(touched(new[1], groups)) if new is not None else frozenset()
        case_ids = self._revised(leaving, version, named, groups)
        coming: dict[str, tuple[Sequence[CaseBlock], int]] = {}
        if version is not None:
            for case_id in case_ids:
                if case_id in named:
                    blocks = groups.get(case_id, ())
                    coming[case_id] = blocks, tried(blocks, version)
            if entry.kind in FOLDING:
                self.judge(groups)
            self._histories.know(version)
        for place, case_id in enumerate(case_ids):
            step = self._exchange(case_id, entry, version, coming.get(case_id))
            case = self._folded(case_id, moment_of(entry, place=place))
            event = _event(case_id, entry, REASONS[entry.kind], place=place)
            self._keep(case, [event] if step is None else [event, step])
        return case_ids

    def rebuild(self, case_ids: Iterable[str], entry: Entry) -> list[str]:
        """Fold cases from nothing because somebody asked for it, ids ascending."""
        ids = sorted(set(case_ids))
        self._load_histories(ids)
        for place, case_id in enumerate(ids):
            case = self._rebuilt(case_id, entry, place=place)
            step = _event(case_id, entry, REBUILD | REQUESTED, place=place)
            self._keep(case, [step])
        return ids

    def erase(self, case_ids: Iterable[str], entry: Entry) -> list[str]:
        """Fold cases anew from what an erasure left of their forms, and delete them."""
        ids = sorted(set(case_ids))
        self._histories.forget_versions()
        self._load_histories(ids)
        for place, case_id in enumerate(ids):
            case = self._rebuilt(case_id, entry, place=place)
            gone = flagged(case, moment_of(entry, place=place), deleted=True)
            step = _event(case_id, entry, REBUILD | DELETED, place=place)
            self._keep(gone, [step])
        return ids

    def set_deleted(self, case_ids: Iterable[str], entry: Entry) -> list[str]:
        """Flag cases as deleted, or as restored, by the entry's kind; return them."""
        deleted = entry.kind is not Kind.CASE_RESTORE
        self._load_cases([i for i in case_ids if i not in self._cases])
        found = [self._cases[i] for i in sorted(set(case_ids))]
        known = [case for case in found if case is not None]
        for place, case in enumerate(known):
            after = flagged(case, moment_of(entry, place=place), deleted=deleted)
            actions = DELETED if deleted else RESTORED
            step = _event(case.case_id, entry, actions, place=place)
            self._keep(after, [step])
        return [case.case_id for case in known]

    def references_to(self, case_ids: Iterable[str]) -> list[Case]:
        """Return the cases, deleted ones too, that have an index to one of these.

        Loads those that stand in the tables; this transaction's own are among them.
        """
        targets = list(case_ids)
        rows = self._conn.rows(
            self._statements.references, domain=self._domain, targets=targets
        )
        self._load_cases([i for (i,) in rows if i not in self._cases])
        wanted = set(targets)
        return [
            case
            for case in self._cases.values()
            if case is not None
            and any(i.case_id in wanted for i in case.indices.values())
        ]

    def _touched(self, case_ids: Iterable[str], groups: Collection[str]) -> list[str]:
        """Leave out the cases that only a ledger block names and that are not there."""
        found = [i for i in case_ids if i in groups or self._is_there(i)]
        if unknown := [i for i in found if i not in self._cases]:
            self._load_cases(unknown)
        return found

    def _is_there(self, case_id: str) -> bool:
        case = self._cases.get(case_id)
        return case is not None and not case.is_void

    def _arrive(
        self,
        case_id: str,
        blocks: Sequence[CaseBlock],
        version: Version,
        *,
        place: int,
    ) -> tuple[Case, Step]:
        """Append the form to the case; whether it comes late is seen to later."""
        form, stamp = version
        before = self._cases.get(case_id)
        case, actions = appended(before, blocks, form, stamp, place=place)
        return case, Step(case_id, stamp.key, stamp.position, actions, place)

    def _take(
        self, case: Case, step: Step, blocks: Sequence[CaseBlock], version: Version
    ) -> None:
        """Keep a case with one more form, or rebuild it around that (rule D-2)."""
        case_id, stamp = step.case_id, version[1]
        if comes_late(self._cases.get(case_id), stamp):
            self._load_histories([case_id])
            self._histories.put(step, blocks, version)
            case = self._folded(case_id, moment_of(stamp, place=step.place))
            self._keep(case, [step])
        else:
            self._keep(case, [step])
            self._histories.follow(step, blocks, version)

    def _load_histories(self, case_ids: Sequence[str]) -> None:
        """Have cases and their histories at hand."""
        self._load_cases([i for i in case_ids if i not in self._cases])
        self._histories.load({i: self._stored.get(i) for i in case_ids})

    def _revised(
        self,
        old: Version | None,
        new: Version | None,
        named: Collection[str],
        groups: Collection[str],
    ) -> list[str]:
        """Return the cases that an exchange of versions touches, ids ascending.

        ``named`` are those that the new one touches.
        """
        leaving = () if old is None else touched(old[0])
        case_ids = sorted({*leaving, *named})
        self._load_histories(case_ids)
        given = new if old is None else old
        return [
            case_id
            for case_id in case_ids
            if case_id in groups
            or (case_id in named and self._is_there(case_id))
            or (given is not None and self._histories.of(case_id).counts(given[1].key))
        ]

    def _exchange(
        self,
        case_id: str,
        entry: Entry,
        new: Version | None,
        coming: tuple[Sequence[CaseBlock], int] | None,
    ) -> Step | None:
        """Put another version of a form into a history, or none; return its row.

        ``coming`` are the blocks and actions of the new one, if it touches the case.
        """
        roll = self._histories.of(case_id)
        key = FoldKey(entry.received_on, entry.form_position)
        old = roll.step(key)
        if new is not None and coming is not None:
            blocks, actions = coming
            step = Step(
                case_id=case_id,
                key=key,
                position=new[1].position,
                actions=actions,
                place=NO_PLACE if old is None else old.place,
            )
            # A ledger block that names a case which is not there yet touches nothing.
            if blocks or roll.begins_before(step):
                self._histories.put(step, blocks, new)
                return step
        if old is None:
            return None
        gone = old._replace(actions=old.actions | REVOKED)
        roll.set_aside(gone)
        return gone

    def _folded(self, case_id: str, moment: Moment) -> Case:
        """Return what the forms in force make of a case, as an entry leaves it."""
        fresh = self._histories.folded(case_id)
        return rebuilt(case_id, self._cases.get(case_id), fresh, moment)

    def _rebuilt(self, case_id: str, entry: Entry, *, place: int) -> Case:
        """Fold a case from nothing."""
        fresh = self._histories.folded_from_all(case_id)
        moment = moment_of(entry, place=place)
        return rebuilt(case_id, self._cases.get(case_id), fresh, moment)

    def judge(self, _groups: Mapping[str, Sequence[CaseBlock]]) -> None:
        """Accept a form as it is: what the log holds was judged when it came."""

    def _keep(self, case: Case, steps: Iterable[Step]) -> None:
        old = self._cases.get(case.case_id)
        old_external = old.external_id if old else None
        if old_external != case.external_id:
            if old_external in self._owners:
                self._owners[old_external].pop(case.case_id, None)
            if case.external_id in self._owners:
                self._owners[case.external_id][case.case_id] = None
        self._cases[case.case_id] = case
        stored = self._stored.setdefault(case.case_id, None)
        for step in steps:
            self._histories.add(step, stored)

    # Saving

    def save(self) -> None:
        """Write every changed case and its history, one statement a table."""
        conn, tables, domain = self._conn, self.tables, self._domain
        changes = IndexChanges(domain, self.indexed)
        rows = []
        for case_id, case in sorted(self._cases.items()):
            stored = self._stored.get(case_id)
            if case is not None and case is not stored:
                rows.append(self._row(case_id))
                changes.note(stored, case)
        changes.save_removals(conn, tables)
        conn.upsert(tables.cases, rows)
        conn.upsert(tables.case_forms, list(self._histories.rows()))
        changes.save_additions(conn, tables)
        self._histories.leave(self._cases)

    def release_versions(self) -> None:
        """Let go of the forms, which are read from the log where they are needed."""
        self._histories.release_versions()

    def settle(self) -> None:
        """Forget what was written, keeping the cases for the next batch."""
        self._stored = dict(self._cases)
        self._histories.settle()
        self._rows.clear()

    def forget(self) -> None:
        """Forget the cases too, so that memory stays bounded; call after ``settle``."""
        self._cases.clear()
        self._stored.clear()

    @property
    def _domain(self) -> str:
        return self.reader.domain


def _nothing() -> None:
    """Take in no case: none was asked for."""


def _event(case_id: str, entry: Entry, actions: int, *, place: int) -> Step:
    """Return the row of an entry that rebuilt or flagged a case."""
    return Step(
        case_id=case_id,
        key=FoldKey(entry.appended_on, entry.position),
        position=entry.position,
        actions=actions,
        place=place,
    )
