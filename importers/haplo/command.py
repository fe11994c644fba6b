"""Some records of a batch as one command: decided under the lock, a form for each.

What becomes of a record is kept in the commit of its form
(``rules/batch-imports.md`` R0.5).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

from importers.haplo.cases import SessionCases, Titles, Users
from importers.haplo.rules.blocks import Setting
from importers.haplo.rules.lookup import Asked, Lookup
from importers.haplo.rules.program import Program
from importers.haplo.rules.record import Record, Transformed
from importers.haplo.rules.steps import Steps, run_all
from importers.jobs.turns import HAPLO
from importers.rows.append import ROW_BYTES, Append, NotInForce, append_to, judge
from importers.rows.decide import UNFORESEEN, decide_each
from importers.rows.records import append_record, keep
from importers.rows.rules.form import Origin, case_id_of
from importers.rows.rules.kept import Counts, Kept
from importers.rows.rules.overlay import Overlay
from importers.tables.notices import Fault, Notice
from ledger.cases.case import Case
from ledger.entry import Author, Kind
from ledger.imports.values import Outcome
from ledger.stated import IMPORT_NOTE
from ledger.submit import Draft, Needs, Session
from ledger.times import Micros, format_micros, next_tick

XMLNS = "urn:case-ledger:haplo-data-import-batch"
DEVICE_ID = "haplo-data-import-batch"


class Numbered(NamedTuple):
    """A record, counted from 0 over all files of the batch."""

    number: int
    data: Any
    length: int
    row: int | None = None
    fault: Fault | None = None


def row_of(record: Numbered) -> int:
    """Return the row of a record, its number where its file has no rows."""
    return record.number if record.row is None else record.row


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What all records of a batch have in common."""

    domain: str
    job_id: str
    control: str
    author: Author
    program: Program
    users: Users = field(default_factory=dict)
    owner_id: str = ""
    titles: Titles = field(default_factory=Titles)
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What became of the records of a command, for the progress of the job."""

    counts: Counts
    errors: int
    said: frozenset[str]
    last_time: Micros
    left: Overlay[Case]
    told: tuple[Notice, ...] = ()
    touched: tuple[tuple[int, tuple[str, ...]], ...] = ()
    """The cases that records made or changed, by the row of each."""


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
        return sum(ROW_BYTES + record.length for record in self.records)

    def needs(self) -> Needs:
        """Look up every case that a record may mean."""
        return self.wanted

    def run(self, session: Session) -> Done:
        """Decide record after record, append their forms, keep what became of them."""
        return _Run(self, session).done()

    def failed(self, session: Session, error: Exception) -> None:
        """Keep nothing: the job fails and goes on from where it was saved."""


def foreseen(batch: Batch, records: Sequence[Numbered]) -> Needs:
    """Return the ids that records will ask for, by trying them without any case."""
    asked, program = Asked(), batch.program
    nobody, said = Setting(user_id="", now=""), set[str]()
    for numbered in records:
        # What goes wrong here goes wrong again when it counts. The cases that are made
        # here are not kept, so any id will do.
        with suppress(*UNFORESEEN):
            record = Record(program.model, asked, nobody, new_id=str, said=said)
            _do(program.asking, record, numbered)
            record.foresee()
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
    new_id = partial(case_id_of, HAPLO, batch.domain, batch.job_id, numbered.number)
    record = Record(batch.program.model, lookup, setting, new_id=new_id, said=said)
    _do(batch.program.steps, record, numbered)
    return record.finish()


def _do(steps: Steps, record: Record, numbered: Numbered) -> None:
    """Do instructions to a record."""
    if numbered.fault is not None:
        record.abort(str(numbered.fault))
    elif not isinstance(numbered.data, dict):
        record.abort("Record is not an object")
    else:
        run_all(steps, record, numbered.data)


class _Run:
    """The records of one command on their way."""

    def __init__(self, command: ImportRecords, session: Session) -> None:
        batch = command.batch
        self._command = command
        self._batch = batch
        self._session = session
        self._origin = Origin(
            api=HAPLO,
            domain=batch.domain,
            job_id=batch.job_id,
            file=command.file,
            xmlns=XMLNS,
            author=replace(batch.author, device_id=DEVICE_ID),
        )
        self._append: Append = judge if batch.dry_run else append_to(session)
        self._cases = SessionCases(
            session,
            known=command.known,
            dry_run=batch.dry_run,
            users=batch.users,
            titles=batch.titles,
        )
        self._cases.foresee(command.wanted.case_ids, command.wanted.external_ids)
        self._said = set(command.said)
        self._time = command.after
        self._setting: Setting
        self._errors = 0
        self._told: list[Notice] = []
        self._touched: list[tuple[int, tuple[str, ...]]] = []
        self._kept = Kept(self._origin)

    def done(self) -> Done:
        """Take all records and return what became of them."""
        decide_each(
            self._in_time(),
            decide=self._decided,
            apply=self._apply,
            unforeseen=self._unforeseen,
            job_id=self._batch.job_id,
        )
        keep(self._session, self._kept)
        return Done(
            counts=self._kept.counts,
            errors=self._errors,
            said=frozenset(self._said),
            last_time=self._time,
            left=self._cases.left,
            told=tuple(self._told),
            touched=tuple(self._touched),
        )

    def _in_time(self) -> Iterator[Numbered]:
        """Yield the records, each at a time of its own.

        So the oldest of the cases that they make can be told.
        """
        user_id = self._batch.author.user_id
        for record in self._command.records:
            self._time = next_tick(self._session.clock(), self._time)
            self._setting = Setting(
                user_id=user_id,
                now=format_micros(self._time),
                owner_id=self._batch.owner_id,
            )
            yield record

    def _decided(self, record: Numbered) -> Transformed:
        return transform(
            self._batch, record, self._cases, setting=self._setting, said=self._said
        )

    def _unforeseen(self, record: Numbered, error: Exception) -> None:
        self._errors += 1
        text = f"Unexpected error: {type(error).__name__}"
        self._note(record, Outcome.FAILED, messages=(text,))

    def _apply(self, record: Numbered, found: Transformed) -> None:
        self._errors += found.reported
        self._told += (replace(told, row=row_of(record)) for told in found.told)
        if found.aborted:
            self._note(record, Outcome.ABORTED, messages=found.messages)
        elif not found.blocks:
            self._note(record, Outcome.UNCHANGED, messages=found.messages)
        else:
            self._apply_blocks(record, found)

    def _apply_blocks(self, record: Numbered, found: Transformed) -> None:
        refused = append_record(
            self._origin,
            record.number,
            blocks=found.blocks,
            head={"control": self._batch.control},
            now=self._setting.now,
            append=self._append,
        )
        if refused is None:
            self._note_applied(record, found)
            return
        self._errors += 1
        self._note(
            record,
            Outcome.FAILED,
            messages=(*found.messages, _told(refused)),
            error_id=refused.form_id,
        )

    def _note_applied(self, record: Numbered, found: Transformed) -> None:
        dry_run = self._batch.dry_run
        made = [block.case_id for block in found.blocks]
        self._touched.append((row_of(record), tuple(dict.fromkeys(made))))
        if dry_run:
            made = [case_id for case_id in made if self._is_stored(case_id)]
        self._note(
            record,
            Outcome.APPLIED,
            messages=found.messages,
            form_id=None if dry_run else self._origin.form_id(record.number),
            case_ids=made,
        )
        self._cases.note(found.after)

    def _is_stored(self, case_id: str) -> bool:
        """Tell whether a case is there without the dry run."""
        return self._session.cases.case(case_id) is not None

    def _note(self, record: Numbered, outcome: Outcome, **about: Any) -> None:
        self._kept.note(record.number, outcome, row_number=record.row, **about)


def _told(refused: NotInForce) -> str:
    """Return what is said of a record whose form is not in force (rule 1.8.4d)."""
    kept = f" (XFormError {refused.form_id})" if refused.form_id else ""
    return f"Form submission failed: {refused.problem}{kept}"


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
                details={"action": f"{IMPORT_NOTE}{self.action}", **about},
            )
        )

    def failed(self, session: Session, error: Exception) -> None:
        """Keep nothing."""
