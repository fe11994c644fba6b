"""The command that brings a form as it arrived.

Judging lives here: what a form id that was seen before means
(``rules/case-xml.md`` 13). A verdict is decided once, under the head, and recorded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ledger import log
from ledger.commands.completions import append_completion, can_complete
from ledger.commands.replacements import (
    OUTDATED,
    append_replacement,
    leaving,
    names_another,
    replaced_already,
)
from ledger.entry import Entry, Kind, Receipt, Submission
from ledger.errors import Rejected
from ledger.forms.form import Form
from ledger.forms.lineage import ARCHIVED, DELETED, DEPRECATED, ERROR, Lineage
from ledger.forms.mending import mended
from ledger.ids import new_form_id, new_id
from ledger.restore.sync_logs import note_form
from ledger.submit import Draft, Needs, Session
from ledger.times import format_micros

LAST_SYNC = "last_sync_token"
"""Under which name an envelope has the sync log of the sender's device."""

_OWN_IDS = (Kind.DUPLICATE, Kind.SUBMISSION_ERROR)
"""The kinds of what is stored under an id of its own, whatever the form said."""


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
        form_ids = filter(None, (form.form_id, form.meta.deprecated_id))
        return Needs(form_ids=tuple(form_ids), case_ids=named)

    def run(self, session: Session) -> Receipt:
        """Judge the submission and append it."""
        receipt = self._run(session)
        token = self.submission.envelope.get(LAST_SYNC)
        if token is not None and receipt.kind is Kind.NORMAL:
            self._tell_sync_log(session, token, receipt)
        return receipt

    def _tell_sync_log(self, session: Session, token: str, receipt: Receipt) -> None:
        """Have the log of the device's last restore know of the form.

        Only if the form's user is the log's (``rules/restore.md`` 6.3).
        """
        user_id = self.form.meta.user_id if self.form is not None else None
        position = receipt.position
        if not user_id or position is None:
            return
        session.also.append(
            lambda writer: note_form(
                writer.conn,
                writer.domain,
                sync_log_id=token,
                user_id=user_id,
                position=position,
            )
        )

    def _run(self, session: Session) -> Receipt:
        form = self.form
        if form is None:
            return Receipt.of(session.append(self._draft(Kind.SUBMISSION_ERROR)))
        if form.is_device_log:
            return Receipt.of(session.append(self._draft(Kind.DEVICE_LOG)))
        form_id = form.form_id or new_id()
        known = session.lineage(form_id)
        if known is not None:
            return self._judge(session, form, known)
        if session.is_moved(form_id):
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
        if not names_another(form, form_id):
            return Receipt.of(session.append_form(draft, form))
        try:
            return Receipt.of(append_replacement(session, draft, form))
        except Rejected as rejected:
            failed = replace(draft, kind=Kind.ERROR, problem=rejected.problem)
            return Receipt.of(session.append(failed))

    def _judge(self, session: Session, form: Form, known: Lineage) -> Receipt:
        """Decide about a form id that the log knows (rule 13)."""
        if known.first.kind in _OWN_IDS:
            return self._accept(session, form, new_id())
        current = known.current
        sha256 = hashlib.sha256(self.submission.body).digest()
        if current.body_sha256 == sha256:
            if self._completes(session, known):
                return self._complete(session, form, known)
            if known.state == ERROR:
                return self._resubmitted(session, known)
            return self._duplicate(session, known)
        return self._changed(session, form, known)

    def _changed(self, session: Session, form: Form, known: Lineage) -> Receipt:
        """Decide about other bytes under a form id that the log knows."""
        current = known.current
        if current.xmlns != form.xmlns:
            return self._accept(session, form, new_id())
        if known.state == DEPRECATED:
            return self._outdated(session, known)
        moved = {"form_id": new_id(), "version": current.position}
        if known.good is None:
            return self._accept(
                session, form, known.form_id, details={"replaces": moved}
            )
        return self._edit(session, form, known, moved)

    def _duplicate(self, session: Session, known: Lineage) -> Receipt:
        """Keep a duplicate; of a form that was deleted, its sender is told so."""
        notice = _notice_of(known)
        problem = f"Form is a duplicate of another! ({known.form_id})"
        draft = self._draft(
            Kind.DUPLICATE,
            form_id=new_id(),
            orig_form_id=known.form_id,
            problem=f"{problem} {notice}" if notice else problem,
        )
        return replace(Receipt.of(session.append(draft)), notice=notice)

    def _completes(self, session: Session, known: Lineage) -> bool:
        """Tell whether the same bytes bring files that the form lacks (rule 13.20)."""
        names = [upload.name for upload in self.submission.attachments]
        # Of a form that was erased, no more is taken in than a duplicate keeps.
        return (
            can_complete(known, names)
            and session.body_of(known.current) == self.submission.body
        )

    def _complete(self, session: Session, form: Form, known: Lineage) -> Receipt:
        """Add the files that the form lacks; the others are left alone."""
        names = {attachment.name for attachment in known.current.attachments}
        files = self.submission.attachments
        draft = replace(
            self._draft(Kind.COMPLETE, form_id=known.form_id),
            uploads=tuple(upload for upload in files if upload.name not in names),
            orig_form_id=known.first.orig_form_id,
        )
        receipt = Receipt.of(append_completion(session, known, draft, form=form))
        if receipt.problem is not None:
            return replace(receipt, kind=Kind.ERROR)
        return receipt

    def _outdated(self, session: Session, known: Lineage) -> Receipt:
        """Keep an edit of what another form replaced as an error (rule 13.18)."""
        draft = self._draft(
            Kind.ERROR,
            form_id=new_id(),
            orig_form_id=known.form_id,
            problem=replaced_already(known.form_id).problem,
            details={OUTDATED: True},
        )
        return Receipt.of(session.append(draft))

    def _resubmitted(self, session: Session, known: Lineage) -> Receipt:
        """Run an error form again; only when it succeeds is there a duplicate."""
        try:
            append_again(session, known, user_id=self.submission.author.user_id)
        except Rejected as again:
            return Receipt(
                form_id=known.form_id,
                kind=Kind.ERROR,
                problem=again.problem,
                resubmitted=True,
            )
        return self._duplicate(session, known)

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
            details={**submission.envelope, **self._mended(), **(details or {})},
            uploads=submission.attachments,
            received_on=submission.submit_time,
        )

    def _mended(self) -> dict[str, Any]:
        """Note what a parser had to mend; the bytes are kept as they came."""
        found = None if self.form is None else mended(self.submission.body)
        if found is None:
            return {}
        return {"mended": {"joined": found.joined, "replaced": found.replaced}}


def _notice_of(known: Lineage) -> str:
    """Return what whoever sends a form again must know of it, if anything."""
    if known.state == ARCHIVED:
        return "It was archived and does not count until somebody unarchives it."
    if known.state == DELETED and known.deleted_on is not None:
        when = format_micros(known.deleted_on)
        return f"It was deleted on {when} and stays deleted until somebody restores it."
    return ""


def append_again(
    session: Session,
    known: Lineage,
    *,
    user_id: str,
    details: Mapping[str, Any] | None = None,
) -> Entry:
    """Run the current version of an error form again, and append the entry for it.

    What the log holds counts: an erasure may have left less than was sent. Raises
    ``Rejected`` and then appends nothing.
    """
    version = known.current
    if OUTDATED in version.details:
        raise replaced_already(known.first.orig_form_id or "")
    form = session.form_of(version)
    draft = Draft(
        Kind.REPROCESS,
        known.form_id,
        xmlns=version.xmlns,
        user_id=user_id,
        first=known.first,
        details=details or {},
    )
    if known.good is None and names_another(form, known.form_id):
        whole = replace(
            draft,
            body=session.body_of(version),
            carried=session.held(version.attachments),
        )
        return append_replacement(session, whole, form)
    place = {"version": version.position, "to": version.position}
    draft = replace(draft, details={**place, **leaving(known), **draft.details})
    return session.append_revision(draft, known, form=form, version=version)
