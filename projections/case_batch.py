"""The ``cases`` projection at work: load, fold in memory, save once.

A batch serves one transaction: it loads every case that the waiting forms touch with a
few queries, folds form after form against what it holds, and writes the outcome with
one statement a table. A form that is rejected leaves the batch as it was, so nothing
needs a savepoint.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from sqlalchemy import bindparam, select

from ledger.case import Case
from ledger.caseblock import CaseBlock
from ledger.connection import Connection, Statement
from ledger.dialect import in_list
from ledger.entry import Entry, IndexedName
from ledger.errors import Rejected
from ledger.form import Form
from ledger.store import Reader
from ledger.times import format_micros
from projections.fold import (
    Stamp,
    apply_form,
    blocks_by_case,
    fold,
    new_targets,
    touched,
)
from projections.indexing import IndexChanges
from projections.rows import CaseRow, to_case, to_row
from projections.steps import Step, forms_at, stamp_of, steps_of
from projections.tables import CaseTables, case_tables


class CaseBatch:
    """The cases that one transaction touches, as they are after each form."""

    def __init__(
        self,
        reader: Reader,
        tables: CaseTables,
        *,
        indexed: Sequence[IndexedName],
        elsewhere: Callable[[], Mapping[int, Sequence[str]]] | None = None,
        conn: Connection | None = None,
    ) -> None:
        """Start empty.

        ``conn`` is where the read tables are, when not beside the log. ``elsewhere``
        are the other domains of the installation by the generation that answers for
        them, ``None`` when the verdicts are already recorded.
        """
        self.reader = reader
        self.tables = tables
        self._conn = conn or reader.conn
        self.indexed = indexed
        self.elsewhere = elsewhere or _nowhere
        self._judging = elsewhere is not None
        self._statements = _statements(tables.generation)
        self._cases: dict[str, Case | None] = {}
        self._stored: dict[str, Case | None] = {}
        self._owners: dict[str, dict[str, None]] = {}
        self._foreign: set[str] = set()
        self._steps: dict[str, list[Step]] = {}
        self._forms: dict[int, tuple[Form, Stamp]] = {}
        self._rows: dict[str, tuple[Case, CaseRow]] = {}

    # Loading

    def load(self, *, case_ids: Iterable[str], external_ids: Iterable[str]) -> None:
        """Load cases by id and by external id, each at most once."""
        wanted = set(case_ids)
        names = [name for name in external_ids if name not in self._owners]
        if names:
            for name in names:
                self._owners[name] = {}
            for external_id, case_id in self._conn.rows(
                self._statements.by_external, domain=self._domain, external_ids=names
            ):
                self._owners[external_id][case_id] = None
                wanted.add(case_id)
        self._load_cases([i for i in wanted if i not in self._cases])

    def case(self, case_id: str) -> Case | None:
        """Return a loaded case, deleted ones included."""
        return self._cases.get(case_id)

    def by_external(self, external_id: str) -> list[Case]:
        """Return the live cases with an external id, the one opened first first."""
        cases = [self._cases.get(i) for i in self._owners.get(external_id, ())]
        live = [case for case in cases if case is not None and not case.deleted_on]
        return sorted(live, key=lambda case: (case.opened_on, case.case_id))

    def row(self, case_id: str) -> CaseRow:
        """Return the row of a case as it is now; raises ``KeyError``."""
        case = self._cases[case_id]
        if case is None:
            raise KeyError(case_id)
        made = self._rows.get(case_id)
        if made is None or made[0] is not case:
            made = self._rows[case_id] = (case, to_row(case))
        return made[1]

    def _load_cases(self, case_ids: list[str]) -> None:
        if not case_ids:
            return
        rows = self._conn.rows(
            self._statements.by_id, domain=self._domain, case_ids=case_ids
        )
        self._cases.update(dict.fromkeys(case_ids))
        self._stored.update(dict.fromkeys(case_ids))
        for row in rows:
            case = to_case(CaseRow._make(row))
            self._cases[case.case_id] = self._stored[case.case_id] = case
        unknown = [i for i in case_ids if self._cases[i] is None]
        if unknown and self._judging:
            self._look_elsewhere(unknown)

    def _look_elsewhere(self, case_ids: list[str]) -> None:
        """Remember which ids belong to another domain: a marked fan-out."""
        for generation, domains in self.elsewhere().items():
            rows = self._conn.rows(
                _statements(generation).elsewhere,
                domains=list(domains),
                case_ids=case_ids,
            )
            self._foreign.update(case_id for (case_id,) in rows)

    def expect_new(self, case_ids: Iterable[str]) -> None:
        """Take ids that were just made as unknown, without asking the database."""
        for case_id in case_ids:
            self._cases.setdefault(case_id, None)

    # Folding

    def project(self, form: Form, stamp: Stamp) -> list[Case]:
        """Fold a form and return the cases it touches, ids ascending.

        Raises ``Rejected`` and then has changed nothing.
        """
        groups = blocks_by_case(form)
        case_ids = [
            case_id
            for case_id in touched(form)
            if case_id in groups or self._cases.get(case_id) is not None
        ]
        self._load_cases([i for i in case_ids if i not in self._cases])
        after: list[tuple[Case, Step]] = []
        for place, case_id in enumerate(case_ids):
            if case_id in self._foreign:
                raise Rejected("IllegalCaseId", "Bad case id")
            blocks = groups.get(case_id, [])
            case, actions = self._apply(case_id, blocks, form, stamp, place=place)
            step = Step(
                case_id=case_id,
                key=stamp.key,
                position=stamp.position,
                actions=actions,
            )
            after.append((case, step))
        if self._judging:
            self._check_targets(form, groups)
        self._forms[stamp.position] = (form, stamp)
        return [self._keep(case, step) for case, step in after]

    def set_deleted(self, case_ids: Iterable[str], entry: Entry) -> list[Case]:
        """Flag cases as deleted, or as restored, by the entry's kind."""
        deleted = entry.kind == entry.kind.CASE_DELETE
        when = format_micros(entry.appended_on) if deleted else None
        self._load_cases([i for i in case_ids if i not in self._cases])
        known = [self._cases[i] for i in sorted(set(case_ids))]
        return [
            self._keep(
                replace(
                    case,
                    deleted_on=when,
                    indexed_on=entry.appended_on + place,
                    position=entry.position,
                )
            )
            for place, case in enumerate(case for case in known if case is not None)
        ]

    def scratch(self) -> CaseBatch:
        """Return a copy to try something on; it must never be saved."""
        copy = CaseBatch(
            self.reader,
            self.tables,
            indexed=self.indexed,
            elsewhere=self.elsewhere if self._judging else None,
            conn=self._conn,
        )
        copy._cases = dict(self._cases)
        copy._stored = self._stored
        copy._owners = {name: dict(ids) for name, ids in self._owners.items()}
        copy._foreign = self._foreign
        copy._steps = {case_id: list(s) for case_id, s in self._steps.items()}
        copy._forms = dict(self._forms)
        return copy

    def _apply(
        self,
        case_id: str,
        blocks: Sequence[CaseBlock],
        form: Form,
        stamp: Stamp,
        *,
        place: int,
    ) -> tuple[Case, int]:
        """Append the form to the case, or rebuild the case around it (D-2)."""
        before = self._cases.get(case_id)
        case, actions = apply_form(before, blocks, form, stamp, place=place)
        late = before is not None and not stamp.key.after(before.folded_to)
        if before is not None and late:
            case = replace(
                self._rebuild(case_id, form, stamp),
                deleted_on=before.deleted_on,
                indexed_on=case.indexed_on,
                position=stamp.position,
            )
        if late or stamp.position != stamp.key.position:
            # Running an old form again counts as a rebuild wherever it stands (D-2).
            case = replace(case, server_modified_on=format_micros(stamp.appended_on))
        return case, actions

    def _rebuild(self, case_id: str, form: Form, stamp: Stamp) -> Case:
        """Fold all forms of a case from nothing, in the order of their keys."""
        stored = steps_of(self._conn, self.tables, self._domain, case_id)
        steps = {step.key: step for step in stored}
        steps.update((step.key, step) for step in self._steps.get(case_id, ()))
        keys = sorted(
            {*steps, stamp.key}, key=lambda key: (key.received_on, key.position)
        )
        self._load_forms(
            [s.position for s in steps.values() if s.position not in self._forms]
        )
        rebuilt = fold(
            case_id,
            (
                (form, stamp) if key == stamp.key else self._forms[steps[key].position]
                for key in keys
            ),
        )
        if rebuilt is None:
            raise AssertionError(case_id)
        return rebuilt

    def _load_forms(self, positions: Collection[int]) -> None:
        """Read and parse the forms that a rebuild needs."""
        for position, (entry, form) in forms_at(self.reader, positions).items():
            self._forms[position] = (form, stamp_of(entry))

    def _check_targets(self, form: Form, groups: Mapping[str, object]) -> None:
        """Refuse an index to a case that does not exist (section 10).

        Targets that stood before were checked when they were set, and no case is
        ever removed, so only what this form sets is looked at.
        """
        for case_id, target in new_targets(form):
            if target not in groups and self._cases.get(target) is None:
                raise Rejected(
                    "InvalidCaseIndex",
                    f"Case '{case_id}' references non-existent case '{target}'",
                )

    def _keep(self, case: Case, step: Step | None = None) -> Case:
        old = self._cases.get(case.case_id)
        old_external = old.external_id if old else None
        if old_external != case.external_id:
            if old_external in self._owners:
                self._owners[old_external].pop(case.case_id, None)
            if case.external_id in self._owners:
                self._owners[case.external_id][case.case_id] = None
        self._cases[case.case_id] = case
        self._stored.setdefault(case.case_id, None)
        if step is not None:
            self._steps.setdefault(case.case_id, []).append(step)
        return case

    # Saving

    def save(self) -> None:
        """Write every changed case and its history, one statement a table."""
        conn, tables, domain = self._conn, self.tables, self._domain
        changes = IndexChanges(domain, self.indexed)
        rows = []
        for case_id, case in sorted(self._cases.items()):
            stored = self._stored.get(case_id)
            if case is not None and case is not stored:
                rows.append(self.row(case_id))
                changes.note(stored, case)
        changes.save_removals(conn, tables)
        conn.upsert(tables.cases, rows)
        conn.upsert(tables.case_forms, list(self._step_rows()))
        changes.save_additions(conn, tables)

    def settle(self) -> None:
        """Forget what was written, keeping the cases for the next batch."""
        self._stored = dict(self._cases)
        self._steps.clear()
        self._forms.clear()
        self._rows.clear()

    def shrink(self, most: int) -> None:
        """Forget the cases when there are more than ``most``; call after ``settle``."""
        if len(self._cases) > most:
            self._cases.clear()
            self._stored.clear()

    def _step_rows(self) -> Iterable[tuple[str, str, int, int, int, int]]:
        latest = {
            (step.case_id, step.key): step
            for case_id in sorted(self._steps)
            for step in self._steps[case_id]
        }
        for (case_id, key), step in latest.items():
            yield (
                self._domain,
                case_id,
                key.received_on,
                key.position,
                step.position,
                step.actions,
            )

    @property
    def _domain(self) -> str:
        return self.reader.domain


def _nowhere() -> Mapping[int, Sequence[str]]:
    return {}


@dataclass(frozen=True, slots=True)
class _Statements:
    """The queries over one generation, compiled once."""

    by_id: Statement
    by_external: Statement
    elsewhere: Statement


@lru_cache(maxsize=64)
def _statements(generation: int) -> _Statements:
    tables = case_tables(generation)
    cases, external_ids = tables.cases, tables.external_ids
    return _Statements(
        by_id=Statement(
            select(*cases.columns).where(
                cases.c.domain == bindparam("domain"),
                in_list(cases.c.case_id, "case_ids"),
            )
        ),
        by_external=Statement(
            select(external_ids.c.external_id, external_ids.c.case_id).where(
                external_ids.c.domain == bindparam("domain"),
                in_list(external_ids.c.external_id, "external_ids"),
            )
        ),
        elsewhere=Statement(
            select(cases.c.case_id).where(
                in_list(cases.c.domain, "domains"),
                in_list(cases.c.case_id, "case_ids"),
            )
        ),
    )
