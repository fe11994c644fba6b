"""Some rows of an upload as one command: decided under the lock, a form for each row.

Every row is decided against what the rows before it left, in the same commit too, and
what became of it is kept in the commit of its form (``rules/batch-imports.md`` R0.3 and
R0.5).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from importers.rows.rules.form import build_record, case_id_of, form_id_of, linked
from importers.rows.rules.overlay import Overlay
from importers.sunbird import places
from importers.sunbird.cases import SessionCases
from importers.sunbird.people import People
from importers.sunbird.rules.columns import ObjectType
from importers.sunbird.rules.known import FAILED, Failed, Known, Planned, Task
from importers.sunbird.rules.rows import block_of, decide, failure, looks_up
from importers.sunbird.table import Record
from ledger.entry import Entry, Kind
from ledger.errors import Malformed
from ledger.forms.case_block import CaseBlock
from ledger.forms.form import Form
from ledger.forms.form_xml import parse_form
from ledger.imports.results import put_rows
from ledger.imports.values import ImportRow, Outcome
from ledger.submit import Draft, Needs, Session, WantsOwnCommit
from ledger.times import format_micros

API = "sunbird"
"""What ids are derived for and what the kept rows go by (rule R0.4)."""

XMLNS = "urn:case-ledger:sunbird-bulk-upload"
DEVICE = "sunbird-bulk-upload"
_ROW_BYTES = 2048

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Done:
    """How many rows of a command ended in which way, and the cases they left."""

    counts: Mapping[Outcome, int]
    left: Overlay[Known]


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
        return _ROW_BYTES * len(self.records)

    def needs(self) -> Needs:
        """Look up what the rows name and, in case they are taken, the ids they get."""
        case_ids = {self.new_case_id(record) for record in self.records}
        external_ids: set[str] = set()
        for record in self.records:
            by_id, by_external = looks_up(record.values, self.task.kind)
            case_ids |= by_id
            external_ids |= by_external
        return Needs(
            form_ids=[self.form_id(record) for record in self.records],
            case_ids=case_ids,
            external_ids=external_ids,
        )

    def run(self, session: Session) -> Done:
        """Decide row after row, and append a form for each that changes something."""
        if not self.people.is_empty:
            self._meet_people(session)
        return _Run(self, session).done()

    def failed(self, session: Session, error: Exception) -> None:
        """Keep nothing: the job fails and goes on from where it was saved."""

    def form_id(self, record: Record) -> str:
        """Return the id of the form of a row."""
        return form_id_of(API, self.task.domain, self.job_id, record.number)

    def new_case_id(self, record: Record) -> str:
        """Return the id of the case that a row may create."""
        return case_id_of(API, self.task.domain, self.job_id, record.number, 0)

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
        self._session = session
        self._on = session.scratch() if command.dry_run else session
        self._cases = SessionCases(self._on, command.people, command.known)
        self._rows: list[ImportRow] = []
        self._places: dict[str, Known] = {}

    def done(self) -> Done:
        """Take all rows; have what became of them kept in the same commit."""
        for record in self._command.records:
            self._take(record)
        self._session.also.append(partial(put_rows, rows=self._rows))
        if self._places and not self._command.dry_run:
            keep = partial(
                places.keep,
                cases=list(self._places.values()),
                rules=self._task.rules,
                author=self._task.author,
            )
            self._session.also.append(keep)
        ways = [row.outcome for row in self._rows]
        return Done({way: ways.count(way) for way in Outcome}, self._cases.left)

    def _take(self, record: Record) -> None:
        verdict = self._decided(record)
        if isinstance(verdict, Failed):
            self._keep_failed(record, verdict)
            return
        block = block_of(verdict, self._task.kind, owner_id=self._task.author.user_id)
        if block is None:
            self._keep(record, Outcome.UNCHANGED, verdict)
            return
        entry = self._append(record, verdict, block)
        if entry is not None and entry.kind is Kind.NORMAL:
            self._keep(record, Outcome.APPLIED, verdict, form_id=entry.form_id)
        else:
            self._refuse(record, None if entry is None else entry.form_id)

    def _decided(self, record: Record) -> Planned | Failed:
        new_id = self._command.new_case_id(record)
        try:
            return decide(record.values, self._task, self._cases, new_id=new_id)
        except (ValueError, KeyError, TypeError):
            extra = {"job_id": self._command.job_id, "record": record.number}
            logger.exception("row_not_decided", extra=extra)
            return self._failure(record)

    def _append(
        self, record: Record, planned: Planned, block: CaseBlock
    ) -> Entry | None:
        """Append the form of a row; nothing where none can be made."""
        form_id = self._command.form_id(record)
        if self._is_taken(form_id, planned):
            return None
        try:
            body = self._body(record, planned, self._tried(block))
            form = parse_form(body)
        except (ValueError, Malformed):
            return None
        return self._submit(record, body, form)

    def _is_taken(self, form_id: str, planned: Planned) -> bool:
        """Tell whether somebody else has used an id that is the row's."""
        on = self._on
        if on.entries_of(form_id) or on.is_foreign(form_id):
            return True
        return planned.before is None and self._cases.is_stored(planned.after.case_id)

    def _tried(self, block: CaseBlock) -> CaseBlock:
        """Return a block as it can be tried: what a dry run made is not stored."""
        dry_run = self._command.dry_run
        return linked(block, self._cases.is_stored) if dry_run else block

    def _body(self, record: Record, planned: Planned, block: CaseBlock) -> bytes:
        head = {
            "batch": self._command.job_id,
            "file": self._command.file,
            "record": str(record.number),
            "objectType": self._task.kind.value,
            "operation": planned.operation,
        }
        return build_record(
            [block],
            xmlns=XMLNS,
            head=head,
            form_id=self._command.form_id(record),
            author=self._task.author,
            now=format_micros(self._session.clock()),
        )

    def _submit(self, record: Record, body: bytes, form: Form) -> Entry:
        draft = Draft(
            Kind.NORMAL,
            self._command.form_id(record),
            body=body,
            xmlns=XMLNS,
            user_id=self._task.author.user_id,
            details={
                "job": self._command.job_id,
                "source": API,
                "record": record.number,
            },
        )
        return self._on.append_form(draft, form)

    def _failure(self, record: Record, **more: str) -> Failed:
        return failure(record.values, self._task, self._cases, message=FAILED, **more)

    def _refuse(self, record: Record, error_id: str | None) -> None:
        """Keep a row whose form was refused, or could not even be made."""
        if error_id is None or self._command.dry_run:
            self._keep_failed(record, self._failure(record))
        else:
            told = self._failure(record, xformErrorId=error_id)
            self._keep_failed(record, told, error_id=error_id)

    def _keep_failed(
        self, record: Record, failed: Failed, *, error_id: str | None = None
    ) -> None:
        self._rows.append(
            ImportRow(
                api=API,
                job_id=self._command.job_id,
                record=record.number,
                file=self._command.file,
                outcome=Outcome.FAILED,
                row_number=record.line,
                form_id=error_id,
                error_id=error_id,
                messages=(failed.message,),
                shown=failed.shown,
            )
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
        if self._task.kind is not ObjectType.USER:
            self._places[planned.after.case_id] = planned.after
        dry_run = self._command.dry_run
        self._rows.append(
            ImportRow(
                api=API,
                job_id=self._command.job_id,
                record=record.number,
                file=self._command.file,
                outcome=outcome,
                row_number=record.line,
                form_id=None if dry_run else form_id,
                case_ids=() if dry_run else (planned.after.case_id,),
                shown=planned.shown,
            )
        )
