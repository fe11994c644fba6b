"""The commands that bring forms: a submission, and changes of cases.

Judging lives here: what a form id that was seen before means
(``rules/case-xml.md`` 13). A verdict is decided once, under the head, and recorded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ledger import log
from ledger.cases.change import CaseChange
from ledger.cases.upsert import resolve, wanted
from ledger.entry import (
    Answer,
    Author,
    Entry,
    IdempotencyKey,
    Kind,
    Receipt,
    Submission,
)
from ledger.errors import Rejected
from ledger.forms.form import CASE_API_XMLNS, Form
from ledger.forms.form_xml import build_form, parse_form
from ledger.forms.lineage import ERROR, Lineage
from ledger.ids import new_form_id, new_id
from ledger.submit import Draft, Needs, Session
from ledger.times import format_micros

_OWN_IDS = (Kind.DUPLICATE, Kind.SUBMISSION_ERROR)
"""The kinds of what is stored under an id of its own, whatever the form said."""
_CHANGE_ALONE = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitForm:
    """A submission, parsed; without a form when its bytes are not one."""

    submission: Submission
    form: Form | None
    problem: str | None = None

    @property
    def size(self) -> int:
        """Return how many bytes it brings."""
        files = sum(len(upload.content) for upload in self.submission.attachments)
        return len(self.submission.body) + files

    def needs(self) -> Needs:
        """Look up the form's id, the cases it names and those it points at."""
        form = self.form
        if form is None:
            return Needs()
        named = {block.case_id for block in form.blocks}
        named.update(i.case_id for b in form.blocks for i in b.indices if i.case_id)
        named.update(form.ledger_case_ids)
        form_ids = (form.form_id,) if form.form_id else ()
        return Needs(form_ids=form_ids, case_ids=named)

    def run(self, session: Session) -> Receipt:
        """Judge the submission and append it."""
        form = self.form
        if form is None:
            return Receipt.of(session.append(self._draft(Kind.SUBMISSION_ERROR)))
        if form.is_device_log:
            return Receipt.of(session.append(self._draft(Kind.DEVICE_LOG)))
        form_id = form.form_id or new_id()
        known = session.lineage(form_id)
        if known is not None:
            return self._judge(session, form, known)
        if session.is_foreign(form_id):
            form_id = new_id()
        return self._accept(session, form, form_id)

    def failed(self, session: Session, error: Exception) -> None:
        """Keep the bytes as an XFormError under an id that is free."""
        form_id = self.form.form_id if self.form is not None else None
        taken = form_id is None or bool(
            log.entries_of_forms(session.writer, [form_id]).get(form_id)
        )
        session.append(
            self._draft(
                Kind.ERROR,
                form_id=new_id() if taken else form_id,
                orig_form_id=form_id if taken else None,
                problem=f"{type(error).__name__}: {error}"[:2000],
            )
        )

    def _accept(
        self,
        session: Session,
        form: Form,
        form_id: str,
        *,
        details: Mapping[str, Any] | None = None,
    ) -> Receipt:
        draft = self._draft(Kind.NORMAL, form_id=form_id, details=details)
        return Receipt.of(session.append_form(draft, form))

    def _judge(self, session: Session, form: Form, known: Lineage) -> Receipt:
        """Decide about a form id that the log knows (rule 13)."""
        if known.first.kind in _OWN_IDS:
            return self._accept(session, form, new_id())
        current = known.current
        sha256 = hashlib.sha256(self.submission.body).digest()
        if current.body_sha256 == sha256:
            if known.state == ERROR:
                return self._resubmitted(session, known)
            return self._duplicate(session, current)
        if current.xmlns != form.xmlns:
            return self._accept(session, form, new_id())
        moved = {"form_id": new_id(), "version": current.position}
        if known.good is None:
            return self._accept(
                session, form, known.form_id, details={"replaces": moved}
            )
        return self._edit(session, form, known, moved)

    def _duplicate(self, session: Session, current: Entry) -> Receipt:
        draft = self._draft(
            Kind.DUPLICATE,
            form_id=new_id(),
            orig_form_id=current.form_id,
            problem=f"Form is a duplicate of another! ({current.form_id})",
        )
        return Receipt.of(session.append(draft))

    def _resubmitted(self, session: Session, known: Lineage) -> Receipt:
        """Run an error form again; only when it succeeds is there a duplicate."""
        draft = reprocess_draft(known, user_id=self.submission.author.user_id)
        try:
            # What the log holds counts: an erasure may have left less than was sent.
            form = session.form_of(known.current)
            session.append_revision(draft, known, form=form, version=known.current)
        except Rejected as again:
            return Receipt(
                form_id=known.form_id,
                kind=Kind.ERROR,
                problem=again.problem,
                resubmitted=True,
            )
        return self._duplicate(session, known.current)

    def _edit(
        self, session: Session, form: Form, known: Lineage, moved: Mapping[str, Any]
    ) -> Receipt:
        """Put the form in the place of its earlier version (rules 13.10 to 13.12)."""
        details = {"deprecates": moved, **leaving(known)}
        uploaded = {upload.name for upload in self.submission.attachments}
        carried = [a for a in known.current.attachments if a.name not in uploaded]
        draft = replace(
            self._draft(Kind.EDIT, form_id=known.form_id, details=details),
            first=known.first,
            carried=session.held(carried),
        )
        return Receipt.of(session.append_edit(draft, form, known))

    def _draft(
        self,
        kind: Kind,
        *,
        form_id: str | None = None,
        orig_form_id: str | None = None,
        problem: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> Draft:
        submission = self.submission
        if kind is Kind.SUBMISSION_ERROR:
            form_id, problem = new_form_id(), self.problem
        return Draft(
            kind,
            form_id,
            body=submission.body,
            xmlns=self.form.xmlns if self.form is not None else "",
            orig_form_id=orig_form_id,
            user_id=submission.author.user_id,
            problem=problem,
            details={**submission.envelope, **(details or {})},
            uploads=submission.attachments,
            received_on=submission.submit_time,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCases:
    """Changes of cases: resolved, built into one form, and folded from its bytes."""

    changes: tuple[CaseChange, ...]
    author: Author
    render: Callable[[Receipt], Answer]
    xmlns: str = CASE_API_XMLNS
    envelope: Mapping[str, Any] = field(default_factory=dict)
    idempotency: IdempotencyKey | None = None
    dry_run: bool = False

    @property
    def size(self) -> int:
        """Return about how many bytes the form will have."""
        return _CHANGE_ALONE * max(len(self.changes), 1)

    def needs(self) -> Needs:
        """Look up every case that the changes name or point at, by any of its ids."""
        ids = wanted(self.changes)
        key = self.idempotency
        refs = (ref for change in self.changes for ref in change.indices.values())
        return Needs(
            case_ids=ids.case_ids.union(ref.case_id for ref in refs if ref.case_id),
            external_ids=ids.external_ids,
            idempotency_keys=() if key is None else (key.key,),
        )

    def run(self, session: Session) -> Answer:
        """Resolve, build, parse back, fold; raises ``Conflict`` to refuse.

        An answer that is kept under the idempotency key is given again.
        """
        key = self.idempotency
        if key is None:
            return self._answer(session)
        kept = session.answer_under(key)
        if kept is not None:
            return kept
        answer = self._answer(session)
        if not self.dry_run:
            session.keep_answer(key.key, key.user_id, key.request_sha256, answer)
        return answer

    def failed(self, session: Session, error: Exception) -> None:
        """Keep nothing: the caller has the changes and is told that they failed."""

    def _answer(self, session: Session) -> Answer:
        return self.render(self._apply(session.scratch() if self.dry_run else session))

    def _apply(self, session: Session) -> Receipt:
        if not self.changes:
            return Receipt(form_id=None, kind=Kind.NORMAL)
        now = format_micros(session.clock())
        resolution = resolve(
            self.changes,
            session.cases,
            new_id=new_id,
            now=now,
            user_id=self.author.user_id,
        )
        session.cases.expect_new(resolution.case_ids)
        form_id = new_form_id()
        body = build_form(
            resolution.blocks,
            form_id=form_id,
            author=self.author,
            now=now,
            xmlns=self.xmlns,
        )
        draft = Draft(
            Kind.NORMAL,
            form_id,
            body=body,
            xmlns=self.xmlns,
            user_id=self.author.user_id,
            details=self.envelope,
        )
        entry = session.append_form(draft, parse_form(body))
        if entry.kind is Kind.ERROR:
            return Receipt.of(entry)
        return Receipt(
            form_id=form_id,
            kind=entry.kind,
            position=entry.position,
            cases=tuple(session.cases.row(i) for i in resolution.case_ids),
            created=resolution.created,
        )


def leaving(known: Lineage) -> dict[str, int]:
    """Name the version that an entry takes out of force, if one is in force."""
    return {} if known.in_force is None else {"from": known.in_force.position}


def reprocess_draft(
    known: Lineage, *, user_id: str, details: Mapping[str, Any] | None = None
) -> Draft:
    """Return the entry that runs the current version of an error form again."""
    version = known.current.position
    return Draft(
        Kind.REPROCESS,
        known.form_id,
        xmlns=known.current.xmlns,
        user_id=user_id,
        first=known.first,
        details={
            "version": version,
            "to": version,
            **leaving(known),
            **(details or {}),
        },
    )
