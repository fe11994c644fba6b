"""Some records of a batch as one command: decided under the lock, a form for each.

What becomes of a record is kept in the commit of its form
(``rules/batch-imports.md`` R0.5).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

from importers.haplo.cases import SessionCases, Titles, Users
from importers.haplo.rules.blocks import Setting
from importers.haplo.rules.lookup import Asked, Lookup
from importers.haplo.rules.program import Program
from importers.haplo.rules.record import Record, Transformed
from importers.haplo.rules.steps import run_all
from importers.jobs.turns import HAPLO
from importers.rows.rules.form import build_record, case_id_of, form_id_of
from importers.rows.rules.overlay import Overlay
from ledger.cases.case import Case
from ledger.entry import Author, Entry, Kind
from ledger.errors import LedgerError, Malformed
from ledger.forms.case_block import CaseBlock
from ledger.forms.form import Form
from ledger.forms.form_xml import parse_form
from ledger.imports.results import put_rows
from ledger.imports.values import ImportRow, Outcome
from ledger.submit import Draft, Needs, Session
from ledger.times import Micros, format_micros, next_tick

logger = logging.getLogger(__name__)

XMLNS = "urn:case-ledger:haplo-data-import-batch"
DEVICE_ID = "haplo-data-import-batch"

_FORM_BYTES = 2048
_UNFORESEEN = (ValueError, LookupError, TypeError, RecursionError)


class Numbered(NamedTuple):
    """A record, counted from 0 over all files of the batch."""

    number: int
    data: Any
    length: int
    row: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What all records of a batch have in common."""

    domain: str
    job_id: str
    control: str
    author: Author
    program: Program
    users: Users = field(default_factory=dict)
    titles: Titles = field(default_factory=Titles)
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """What became of the records of a command, for the progress of the job."""

    outcomes: dict[str, int]
    errors: int
    said: frozenset[str]
    last_time: Micros
    left: Overlay[Case]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRecords:
    """Records of one file: each becomes a form, a message or nothing.

    ``said`` is what the batch has said once already, ``after`` the time of the record
    before. ``known`` is what earlier commands of a dry run would have left. ``wanted``
    are the ids that the records will ask for, as far as that could be foreseen.
    """

    batch: Batch
    file: str
    records: tuple[Numbered, ...]
    said: frozenset[str]
    after: Micros
    wanted: Needs
    known: Overlay[Case] = field(default_factory=Overlay)

    @property
    def size(self) -> int:
        """Return about how many bytes the forms will have."""
        return sum(_FORM_BYTES + record.length for record in self.records)

    def needs(self) -> Needs:
        """Look up every case that a record may mean."""
        return self.wanted

    def run(self, session: Session) -> Chunk:
        """Decide record after record, append their forms, keep what became of them."""
        return _Run(self, session).chunk()

    def failed(self, session: Session, error: Exception) -> None:
        """Keep nothing: the job fails and goes on from where it was saved."""


def foreseen(batch: Batch, records: Sequence[Numbered]) -> Needs:
    """Return the ids that records will ask for, by trying them without any case."""
    asked, setting = Asked(), Setting(user_id="", now="")
    for record in records:
        # What goes wrong here goes wrong again when it counts.
        with suppress(*_UNFORESEEN):
            _record(batch, record, asked, setting=setting, said=set()).foresee()
    return Needs(case_ids=asked.case_ids, external_ids=asked.external_ids)


def transform(
    batch: Batch,
    numbered: Numbered,
    lookup: Lookup,
    *,
    setting: Setting,
    said: set[str],
) -> Transformed:
    """Return what a record wants of the ledger."""
    return _record(batch, numbered, lookup, setting=setting, said=said).finish()


def _record(
    batch: Batch,
    numbered: Numbered,
    lookup: Lookup,
    *,
    setting: Setting,
    said: set[str],
) -> Record:
    """Return a record to which its instructions are done."""
    new_id = partial(case_id_of, HAPLO, batch.domain, batch.job_id, numbered.number)
    record = Record(batch.program.model, lookup, setting, new_id=new_id, said=said)
    if not isinstance(numbered.data, dict):
        record.abort("Record is not an object")
    else:
        run_all(batch.program.steps, record, numbered.data)
    return record


class _Run:
    """The records of one command on their way."""

    def __init__(self, command: ImportRecords, session: Session) -> None:
        self._command = command
        self._batch = command.batch
        self._session = session
        self._cases = SessionCases(
            session,
            known=command.known,
            dry_run=command.batch.dry_run,
            users=command.batch.users,
            titles=command.batch.titles,
        )
        self._cases.foresee(command.wanted.case_ids, command.wanted.external_ids)
        self._said = set(command.said)
        self._time = command.after
        self._errors = 0
        self._rows: list[ImportRow] = []

    def chunk(self) -> Chunk:
        """Take all records and return what became of them."""
        for record in self._command.records:
            self._take(record)
        self._session.also.append(partial(put_rows, rows=self._rows))
        outcomes = {outcome.value: 0 for outcome in Outcome}
        for row in self._rows:
            outcomes[row.outcome.value] += 1
        return Chunk(
            outcomes=outcomes,
            errors=self._errors,
            said=frozenset(self._said),
            last_time=self._time,
            left=self._cases.left,
        )

    def _take(self, record: Numbered) -> None:
        # Each record has a time of its own, so that the oldest of its cases is told.
        self._time = next_tick(self._session.clock(), self._time)
        setting = Setting(
            user_id=self._batch.author.user_id, now=format_micros(self._time)
        )
        try:
            found = transform(
                self._batch, record, self._cases, setting=setting, said=self._said
            )
        except _UNFORESEEN as error:
            extra = {"job_id": self._batch.job_id, "record": record.number}
            logger.exception("record_not_decided", extra=extra)
            text = f"Unexpected error: {type(error).__name__}"
            self._errors += 1
            self._note(record, Outcome.FAILED, messages=(text,))
            return
        self._errors += found.reported
        self._apply(record, found, setting)

    def _apply(self, record: Numbered, found: Transformed, setting: Setting) -> None:
        if found.aborted:
            self._note(record, Outcome.ABORTED, messages=found.messages)
        elif not found.blocks:
            self._note(record, Outcome.UNCHANGED, messages=found.messages)
        else:
            refused = self._submit(record, found, setting)
            if refused is not None:
                self._errors += 1
                self._note(
                    record,
                    Outcome.FAILED,
                    messages=(*found.messages, refused.text),
                    error_id=refused.error_id,
                )
                return
            self._note_applied(record, found)

    def _note_applied(self, record: Numbered, found: Transformed) -> None:
        dry_run = self._batch.dry_run
        made = [block.case_id for block in found.blocks]
        if dry_run:
            made = [case_id for case_id in made if self._is_stored(case_id)]
        self._note(
            record,
            Outcome.APPLIED,
            messages=found.messages,
            form_id=None if dry_run else self._form_id(record),
            case_ids=made,
        )
        self._cases.note(found.after)

    def _is_stored(self, case_id: str) -> bool:
        """Tell whether a case is there without the dry run."""
        return self._session.cases.case(case_id) is not None

    def _submit(
        self, record: Numbered, found: Transformed, setting: Setting
    ) -> _Refused | None:
        """Append the form of a record; return why it was refused, if it was."""
        form_id = self._form_id(record)
        try:
            body = self._build(record, found.blocks, form_id, setting)
            form = parse_form(body)
        except (ValueError, Malformed) as error:
            return _Refused(f"Form submission failed: {error}", None)
        if self._batch.dry_run:
            rejection = form.rejection
            return None if rejection is None else _refused(rejection.problem, form_id)
        entry = self._append(record, form_id, body=body, form=form)
        if entry.kind is Kind.ERROR:
            return _refused(entry.problem or "", form_id)
        return None

    def _build(
        self,
        record: Numbered,
        blocks: Sequence[CaseBlock],
        form_id: str,
        setting: Setting,
    ) -> bytes:
        head = {
            "batch": self._batch.job_id,
            "file": self._command.file,
            "record": str(record.number),
            "control": self._batch.control,
        }
        return build_record(
            blocks,
            xmlns=XMLNS,
            head=head,
            form_id=form_id,
            author=replace(self._batch.author, device_id=DEVICE_ID),
            now=setting.now,
        )

    def _append(
        self, record: Numbered, form_id: str, *, body: bytes, form: Form
    ) -> Entry:
        new = [block.case_id for block in form.blocks if block.create is not None]
        self._session.cases.expect_new(new)
        draft = Draft(
            Kind.NORMAL,
            form_id,
            body=body,
            xmlns=XMLNS,
            user_id=self._batch.author.user_id,
            details={
                "job": self._batch.job_id,
                "source": HAPLO,
                "record": record.number,
            },
        )
        return self._session.append_form(draft, form)

    def _form_id(self, record: Numbered) -> str:
        batch = self._batch
        return form_id_of(HAPLO, batch.domain, batch.job_id, record.number)

    def _note(self, record: Numbered, outcome: Outcome, **about: Any) -> None:
        self._rows.append(
            ImportRow(
                api=HAPLO,
                job_id=self._batch.job_id,
                record=record.number,
                file=self._command.file,
                row_number=record.row,
                outcome=outcome,
                **about,
            )
        )


@dataclass(frozen=True, slots=True)
class _Refused:
    """Why the form of a record is not in force, and its id where it was kept."""

    text: str
    error_id: str | None


def _refused(problem: str, form_id: str) -> _Refused:
    return _Refused(
        f"Form submission failed: {problem} (XFormError {form_id})", form_id
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """A note in the log that a run began or ended (rule 1.7e)."""

    job_id: str
    control: str
    author: Author
    action: str
    size: int = 512

    def needs(self) -> Needs:
        """Look up nothing."""
        return Needs()

    def run(self, session: Session) -> None:
        """Append the note."""
        about = {"batch": self.job_id, "control": self.control}
        session.append(
            Draft(
                Kind.DIRECTORY,
                None,
                user_id=self.author.user_id,
                details={"action": f"haplo_data_import_batch:{self.action}", **about},
            )
        )

    def failed(self, session: Session, error: Exception) -> None:
        """Keep nothing."""


def outcome_of(outcomes: Sequence[Any]) -> Chunk:
    """Return what became of the one command of a step; raises what refused it."""
    (outcome,) = outcomes
    if isinstance(outcome, LedgerError):
        raise outcome
    found: Chunk = outcome
    return found
