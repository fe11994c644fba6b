"""Some rows of an upload as one command: decided under the lock, a form for each row.

Every row is decided against what the rows before it left, in the same commit too, and
what became of it is kept in the commit of its form (``rules/batch-imports.md`` R0.3 and
R0.5).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from importers.rows.append import ROW_BYTES, NotInForce, append_to
from importers.rows.decide import decide_each, needs_of
from importers.rows.records import append_record, keep
from importers.rows.rules.form import Origin, linked
from importers.rows.rules.kept import Counts, Kept
from importers.rows.rules.overlay import Overlay
from importers.sunbird import places
from importers.sunbird.cases import SessionCases
from importers.sunbird.people import People
from importers.sunbird.rules.columns import ObjectType
from importers.sunbird.rules.known import FAILED, Failed, Known, Planned, Task
from importers.sunbird.rules.rows import block_of, decide, failure, looks_up
from importers.sunbird.table import Record
from importers.tables.notices import Notice
from ledger.commands.together import merged
from ledger.forms.case_block import CaseBlock
from ledger.imports.values import Outcome
from ledger.submit import Needs, Session, WantsOwnCommit
from ledger.times import format_micros

API = "sunbird"
"""What ids are derived for and what the kept rows go by (rule R0.4)."""

XMLNS = "urn:case-ledger:sunbird-bulk-upload"
DEVICE = "sunbird-bulk-upload"


@dataclass(frozen=True, slots=True)
class Done:
    """How many rows of a command ended in which way, and the cases they left.

    ``touched`` are the cases that rows mean, by the row of each.
    """

    counts: Counts
    left: Overlay[Known]
    told: tuple[Notice, ...] = ()
    touched: tuple[tuple[int, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRecords:
    """Rows of one file, in order; each ends as one kept row.

    ``known`` are the cases that earlier commands of a dry run would have left.
    """

    task: Task
    job_id: str
    file: str
    records: tuple[Record, ...]
    people: People
    known: Overlay[Known]
    dry_run: bool = False

    @property
    def size(self) -> int:
        """Return about how many bytes the forms will have."""
        return ROW_BYTES * len(self.records)

    @property
    def origin(self) -> Origin:
        """Return where the rows come from."""
        return Origin(
            api=API,
            domain=self.task.domain,
            job_id=self.job_id,
            file=self.file,
            xmlns=XMLNS,
            author=self.task.author,
        )

    def needs(self) -> Needs:
        """Look up what the rows name and, in case they are taken, the ids they get."""
        kind, origin = self.task.kind, self.origin
        numbers = [record.number for record in self.records]
        own = Needs(
            form_ids=[origin.form_id(number) for number in numbers],
            case_ids=[origin.case_id(number, 0) for number in numbers],
        )
        named = needs_of(looks_up(record.values, kind) for record in self.records)
        return merged([own, named])

    def run(self, session: Session) -> Done:
        """Decide row after row, and append a form for each that changes something."""
        if not self.people.is_empty:
            self._meet_people(session)
        return _Run(self, session).done()

    def failed(self, session: Session, error: Exception) -> None:
        """Keep nothing: the job fails and goes on from where it was saved."""

    def _meet_people(self, session: Session) -> None:
        """Load the users that may have an email or a phone of one of the rows."""
        if not session.is_untouched:
            # What is not written yet is not found by reading the table.
            raise WantsOwnCommit
        self.people.follow(session.writer)
        found = self.people.candidates(record.values for record in self.records)
        session.cases.load(case_ids=found, external_ids=())


class _Run:
    """The rows of one command on their way."""

    def __init__(self, command: ImportRecords, session: Session) -> None:
        self._command = command
        self._task = command.task
        self._origin = command.origin
        self._session = session
        self._on = session.scratch() if command.dry_run else session
        self._cases = SessionCases(self._on, command.people, command.known)
        self._kept = Kept(self._origin)
        self._places: dict[str, Known] = {}
        self._told: list[Notice] = []
        self._touched: list[tuple[int, tuple[str, ...]]] = []

    def done(self) -> Done:
        """Take all rows; have what became of them kept in the same commit."""
        decide_each(
            self._command.records,
            decide=self._decided,
            apply=self._apply,
            unforeseen=lambda record, _: self._fail(record, self._failure(record)),
            job_id=self._command.job_id,
        )
        keep(self._session, self._kept)
        if self._places and not self._command.dry_run:
            keep_places = partial(
                places.keep,
                cases=list(self._places.values()),
                rules=self._task.rules,
                author=self._task.author,
            )
            self._session.also.append(keep_places)
        return Done(
            self._kept.counts,
            self._cases.left,
            told=tuple(self._told),
            touched=tuple(self._touched),
        )

    def _decided(self, record: Record) -> Planned | Failed:
        if record.fault is not None:
            return self._failure(record, str(record.fault))
        new_id = self._origin.case_id(record.number, 0)
        return decide(record.values, self._task, self._cases, new_id=new_id)

    def _apply(self, record: Record, verdict: Planned | Failed) -> None:
        if isinstance(verdict, Failed):
            self._fail(record, verdict)
            return
        owner_id = self._task.owner_id or self._task.author.user_id
        block = block_of(verdict, self._task.kind, owner_id=owner_id)
        if block is None:
            self._keep(record, Outcome.UNCHANGED, verdict)
            return
        refused = self._append(record, verdict, block)
        if refused is None:
            form_id = self._origin.form_id(record.number)
            self._keep(record, Outcome.APPLIED, verdict, form_id=form_id)
        else:
            self._refuse(record, refused.form_id)

    def _append(
        self, record: Record, planned: Planned, block: CaseBlock
    ) -> NotInForce | None:
        """Append the form of a row; return why it is not in force, if so."""
        if self._is_taken(self._origin.form_id(record.number), planned):
            return NotInForce(FAILED)
        if self._command.dry_run:
            block = linked(block, self._cases.is_stored)
        return append_record(
            self._origin,
            record.number,
            blocks=[block],
            head={
                "objectType": self._task.kind.value,
                "operation": planned.operation,
            },
            now=format_micros(self._session.clock()),
            append=append_to(self._on),
        )

    def _is_taken(self, form_id: str, planned: Planned) -> bool:
        """Tell whether somebody else has used an id that is the row's."""
        on = self._on
        if on.entries_of(form_id):
            return True
        return planned.before is None and self._cases.is_stored(planned.after.case_id)

    def _failure(self, record: Record, message: str = FAILED, **more: str) -> Failed:
        return failure(record.values, self._task, self._cases, message=message, **more)

    def _refuse(self, record: Record, error_id: str | None) -> None:
        """Keep a row whose form was refused, or could not even be made."""
        if error_id is None or self._command.dry_run:
            self._fail(record, self._failure(record))
        else:
            told = self._failure(record, xformErrorId=error_id)
            self._fail(record, told, error_id=error_id)

    def _fail(
        self, record: Record, failed: Failed, *, error_id: str | None = None
    ) -> None:
        self._kept.note(
            record.number,
            Outcome.FAILED,
            row_number=record.line,
            form_id=error_id,
            error_id=error_id,
            messages=(failed.message,),
            shown=failed.shown,
        )

    def _keep(
        self,
        record: Record,
        outcome: Outcome,
        planned: Planned,
        *,
        form_id: str | None = None,
    ) -> None:
        self._cases.note(planned.after)
        self._told += (replace(told, row=record.line) for told in planned.told)
        self._touched.append((record.line, (planned.after.case_id,)))
        if self._task.kind is not ObjectType.USER:
            self._places[planned.after.case_id] = planned.after
        dry_run = self._command.dry_run
        self._kept.note(
            record.number,
            outcome,
            row_number=record.line,
            form_id=None if dry_run else form_id,
            case_ids=() if dry_run else (planned.after.case_id,),
            shown=planned.shown,
        )
