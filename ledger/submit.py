"""The one door into the log.

A ``Session`` is one transaction under a domain's head. It is given the commands that
gathered while the last one committed, loads what all of them name, decides each in
memory against what the ones before it left, and writes everything at the end. A command
that is refused or rejected changes nothing for its neighbours, so no savepoint is
needed; an unexpected exception rolls everything back and the writer tries one by one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from ledger import log
from ledger.bodies import describe, present_blobs, put_blobs
from ledger.clock import Clock
from ledger.closing import caused_by, closing_form
from ledger.entry import Attachment, Entry, Kind, Upload
from ledger.errors import LedgerError, Rejected
from ledger.forms.form import Form
from ledger.forms.form_xml import parse_for_fold, parse_written
from ledger.forms.lineage import FOLDING, Lineage, lineage_of
from ledger.kept_answers import KeptAnswers
from ledger.projector import ProjectionBatch, Projector
from ledger.store import Writer
from ledger.times import Micros, next_tick


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a command wants looked up before it is decided."""

    form_ids: Iterable[str] = ()
    case_ids: Iterable[str] = ()
    external_ids: Iterable[str] = ()
    idempotency_keys: Iterable[str] = ()


class WantsOwnCommit(Exception):
    """The command must be the first of its commit: it reads what others append.

    No ``LedgerError``: the writer then runs the commands of the round one by one.
    """


class Command(Protocol):
    """Something that wants to be appended to the log of a domain."""

    @property
    def size(self) -> int:
        """How many bytes it brings, for the cap of a commit."""

    def needs(self) -> Needs:
        """Say what must be looked up."""

    def run(self, session: Session) -> Any:
        """Decide, append and return the outcome; raises ``LedgerError`` to refuse."""

    def failed(self, session: Session, error: Exception) -> None:
        """Keep what arrived, after an unexpected error, in a session of its own."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry before it has a position, with the bytes it will name."""

    kind: Kind
    form_id: str | None
    body: bytes | None = None
    xmlns: str = ""
    orig_form_id: str | None = None
    user_id: str = ""
    problem: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    uploads: tuple[Upload, ...] = ()
    received_on: Micros | None = None
    first: Entry | None = None
    """The entry with the first version of the form, when it is not this one."""
    carried: tuple[Attachment, ...] = ()
    """Attachments that an earlier version of the form brought."""


class Session:
    """One transaction that appends to a domain's log."""

    def __init__(self, writer: Writer, batch: ProjectionBatch, clock: Clock) -> None:
        """Start behind the head that the writer holds."""
        self.writer = writer
        self.cases = batch
        self.clock = clock
        self.known: dict[str, list[Entry]] = {}
        self.answers = KeptAnswers(writer.domain)
        self.trial = False
        self.also: list[Callable[[Writer], object]] = []
        """What else must be written in the same commit."""
        self._items: list[tuple[Entry, bytes | None]] = []
        self._uploads: list[Upload] = []
        self._moved: frozenset[str] = frozenset()
        self._position = writer.head.position
        self._appended_on = writer.head.appended_on

    def load(self, needs: Sequence[Needs]) -> None:
        """Look up what all commands need, a query for each kind of thing.

        What is known already stays as it is, with what this session made of it.
        """
        self.ask(needs)()

    def ask(self, needs: Sequence[Needs]) -> Callable[[], None]:
        """Ask for what ``load`` looks up; return how to take the answers in."""
        form_ids = {i for need in needs for i in need.form_ids} - self.known.keys()
        known = log.ask_entries_of_forms(self.writer, form_ids) if form_ids else dict
        listed = self.cases.ask_forms(form_ids) if form_ids else frozenset
        keys = [key for need in needs for key in need.idempotency_keys]
        answered = self.answers.ask(self.writer.conn, keys) if keys else _nothing
        cases = self.cases.ask(
            case_ids=[i for need in needs for i in need.case_ids],
            external_ids=[i for need in needs for i in need.external_ids],
        )

        def get() -> None:
            answered()
            cases()
            self.known.update(known())
            self._moved |= listed() - self.known.keys()

        return get

    def entries_of(self, form_id: str) -> list[Entry]:
        """Return the entries that carry a form id, those of this session included."""
        return self.known.get(form_id, [])

    def lineage(self, form_id: str) -> Lineage | None:
        """Return what the log says of the form with an id, this session included."""
        return lineage_of(self.entries_of(form_id))

    @property
    def is_untouched(self) -> bool:
        """Tell whether nothing has been appended in this commit yet."""
        return not self._items

    def is_moved(self, form_id: str) -> bool:
        """Tell whether the log gave an id to a form that made way for another."""
        return form_id in self._moved

    def append_form(self, draft: Draft, form: Form) -> Entry:
        """Fold a form and append its entry; as an XFormError when it is rejected."""
        entry = self._entry(draft)
        try:
            if form.rejection is not None:
                raise form.rejection
            touched = self.cases.project(entry, form)
        except Rejected as rejected:
            return self._append_error(draft, rejected)
        self._take(entry, draft, len(touched))
        self._close_along(entry, touched)
        return entry

    def append_edit(self, draft: Draft, form: Form, edited: Lineage) -> Entry:
        """Fold a form in the place of an earlier version of it and append its entry.

        A rejected one is appended as an XFormError, and what was in force stays so
        (``rules/case-xml.md`` 13, D-3).
        """
        try:
            return self.append_revision(draft, edited, form=form)
        except Rejected as rejected:
            return self._append_error(draft, rejected)

    def append_revision(
        self,
        draft: Draft,
        known: Lineage,
        *,
        form: Form | None = None,
        version: Entry | None = None,
    ) -> Entry:
        """Append an entry that changes which version of a form is in force.

        ``form`` is what comes into force, if anything does, and ``version`` the entry
        with its bytes when they are not the draft's own. Raises ``Rejected`` and then
        appends nothing.
        """
        if form is not None and form.rejection is not None:
            raise form.rejection
        entry = self._entry(draft)
        old = known.in_force
        touched = self.cases.revise(
            entry,
            None if old is None else (old, self.form_of(old)),
            None if form is None else (version or entry, form),
        )
        self._take(entry, draft, len(touched))
        if entry.kind in FOLDING:
            self._close_along(entry, touched)
        return entry

    def held(self, attachments: Sequence[Attachment]) -> tuple[Attachment, ...]:
        """Leave out the attachments whose bytes were erased."""
        if not attachments:
            return ()
        coming = {describe(upload).sha256 for upload in self._uploads}
        there = coming | present_blobs(self.writer, [a.sha256 for a in attachments])
        return tuple(a for a in attachments if a.sha256 in there)

    def form_of(self, entry: Entry) -> Form:
        """Return the form whose bytes an entry holds, appended or about to be."""
        return parse_for_fold(self.body_of(entry))

    def body_of(self, entry: Entry) -> bytes:
        """Return the bytes that an entry holds, appended or about to be."""
        if self._items and (place := entry.position - self._items[0][0].position) >= 0:
            body = self._items[place][1]
            if body is not None:
                return body
        return log.bodies_at(self.writer, [entry.position])[entry.position]

    def append(self, draft: Draft) -> Entry:
        """Append an entry that touches no case."""
        return self._take(self._entry(draft), draft, 0)

    def flag_cases(self, draft: Draft, case_ids: Sequence[str]) -> Entry:
        """Append the deletion or restoration of cases."""
        entry = self._entry(draft)
        return self._take(entry, draft, len(self.cases.set_deleted(case_ids, entry)))

    def rebuild_cases(self, draft: Draft, case_ids: Sequence[str]) -> Entry:
        """Append the wish that cases be folded from nothing."""
        entry = self._entry(draft)
        return self._take(entry, draft, len(self.cases.rebuild(case_ids, entry)))

    def erase_cases(self, draft: Draft, case_ids: Sequence[str]) -> Entry:
        """Append an erasure whose bodies are replaced already."""
        entry = self._entry(draft)
        return self._take(entry, draft, len(self.cases.erase(case_ids, entry)))

    def scratch(self) -> Session:
        """Return a session in which a command can be tried; it is never saved."""
        trial = Session(self.writer, self.cases.scratch(), self.clock)
        trial.trial = True
        trial.known = {form_id: list(known) for form_id, known in self.known.items()}
        trial._moved = self._moved
        trial._items = list(self._items)
        trial._position = self._position
        trial._appended_on = self._appended_on
        return trial

    def save(self) -> None:
        """Write entries, bodies, read tables and head."""
        writer = self.writer
        if self._items:
            put_blobs(writer, self._uploads)
            log.append(writer, self._items)
            self.cases.save()
            writer.head = replace(writer.head, appended_on=self._appended_on)
            writer.save_head()
        self.answers.save(writer.conn)
        for write in self.also:
            write(writer)

    def _entry(self, draft: Draft) -> Entry:
        """Give a draft its position and times; it is not taken in yet."""
        position = self._position + 1
        appended_on = next_tick(self.clock(), self._appended_on)
        first = draft.first
        received_on = first.received_on if first is not None else draft.received_on
        body = draft.body
        return Entry(
            domain=self.writer.domain,
            position=position,
            kind=draft.kind,
            form_id=draft.form_id,
            orig_form_id=draft.orig_form_id,
            form_position=position if first is None else first.form_position,
            xmlns=draft.xmlns,
            user_id=draft.user_id,
            received_on=appended_on if received_on is None else received_on,
            appended_on=appended_on,
            problem=draft.problem,
            details=draft.details,
            attachments=(*map(describe, draft.uploads), *draft.carried),
            body_sha256=None if body is None else hashlib.sha256(body).digest(),
            body_length=0 if body is None else len(body),
        )

    def _append_error(self, draft: Draft, rejected: Rejected) -> Entry:
        """Append what was rejected as an XFormError; no case changes."""
        failed = replace(draft, kind=Kind.ERROR, problem=rejected.problem)
        return self._take(self._entry(failed), failed, 0)

    def _close_along(self, cause: Entry, touched: Sequence[str]) -> None:
        """Close what extends the closed cases of a form, if the domain wants that.

        One more form does it, right behind in the same commit
        (``rules/case-xml.md`` 17); a replay finds it in the log.
        """
        if not self.writer.head.settings.get("close_extensions"):
            return
        case_ids = self.cases.closed_extensions(touched)
        if case_ids:
            body = closing_form(cause, case_ids)
            form = parse_written(body)
            draft = Draft(
                Kind.NORMAL,
                form.form_id,
                body=body,
                xmlns=form.xmlns,
                user_id=form.meta.user_id or "",
                details=caused_by(cause),
            )
            entry = self._entry(draft)
            closed = self.cases.project(entry, form)
            self._take(entry, draft, len(closed))

    def _take(self, entry: Entry, draft: Draft, touched: int) -> Entry:
        """Take an entry in; the cases it touched used up a microsecond each."""
        self._position = entry.position
        self._appended_on = entry.appended_on + max(touched, 1) - 1
        self._items.append((entry, draft.body))
        self._uploads += draft.uploads
        self.cases.record(entry)
        if entry.form_id is not None:
            self.known.setdefault(entry.form_id, []).append(entry)
        return entry


@dataclass(frozen=True, slots=True)
class Ledger:
    """The write side of the product: commands in, outcomes out, one commit."""

    projector: Projector
    clock: Clock

    def process(self, writer: Writer, commands: Sequence[Command]) -> list[Any]:
        """Run commands in order in one transaction and return an outcome for each.

        An outcome is what the command returned, or the ``LedgerError`` that refused
        it. Anything else that is raised must roll the transaction back.
        """
        session = self._open(writer)
        session.load([command.needs() for command in commands])
        outcomes = [_run(command, session) for command in commands]
        session.save()
        return outcomes

    def process_together(
        self, work: Sequence[tuple[Writer, Sequence[Command]]]
    ) -> list[list[Any]]:
        """Do what ``process`` does for several domains of one transaction.

        What all of them need is asked for before the first answer is awaited, and what
        they write travels in common statements.
        """
        if len(work) <= 1:
            return [self.process(*alone) for alone in work]
        sessions = [(self._open(writer), commands) for writer, commands in work]
        conn = work[0][0].conn
        with conn.asking():
            asked = [s.ask([c.needs() for c in commands]) for s, commands in sessions]
        for get in asked:
            get()
        outcomes = [[_run(c, s) for c in commands] for s, commands in sessions]
        with conn.gathering() as next_domain:
            for session, _ in sessions:
                next_domain()
                session.save()
        return outcomes

    def keep_failure(self, writer: Writer, command: Command, error: Exception) -> None:
        """Keep what a command brought as an XFormError, after a defect."""
        session = self._open(writer)
        command.failed(session, error)
        session.save()

    def _open(self, writer: Writer) -> Session:
        return Session(writer, self.projector.open(writer), self.clock)


def _nothing() -> None:
    """Take in no answer: nothing was asked."""


def _run(command: Command, session: Session) -> Any:
    try:
        return command.run(session)
    except LedgerError as refused:
        return refused
