"""Forms whose attachments come in several submissions, and the way back.

The same bytes with files that the form lacks complete it (``rules/case-xml.md`` 13.20
to 13.23): one more version with the same bytes and all files. No case changes for it,
unless the form was an error and can be folded with what came.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from ledger.commands.replacements import append_replacement, leaving, names_another
from ledger.commands.values import FormOutcome
from ledger.entry import Attachment, Author, Entry, Kind
from ledger.errors import Rejected
from ledger.forms.form import Form
from ledger.forms.lineage import ARCHIVED, ERROR, NORMAL, Lineage
from ledger.submit import Draft, Needs, Session

_CAN_CHANGE = (NORMAL, ARCHIVED, ERROR)


def can_complete(known: Lineage, names: Iterable[str]) -> bool:
    """Tell whether files under these names would add to a form."""
    lacks = not {a.name for a in known.current.attachments}.issuperset(names)
    return lacks and known.state in _CAN_CHANGE


def append_completion(
    session: Session, known: Lineage, draft: Draft, *, form: Form
) -> Entry:
    """Append a version with more files; an error is run with them once more.

    ``draft`` brings the bytes of the form and the files that it lacks, uploaded or
    carried. The entry of a form that fails again has the problem.
    """
    held = session.held(known.current.attachments)
    uploaded = [upload.name for upload in draft.uploads]
    added = [*uploaded, *(attachment.name for attachment in draft.carried)]
    whole = replace(
        draft,
        kind=Kind.COMPLETE,
        first=known.first,
        carried=(*held, *draft.carried),
        details={
            **draft.details,
            "version": known.current.position,
            "added": added,
            "state": known.state,
        },
    )
    if known.state != ERROR:
        return session.append(whole)
    try:
        if known.good is None and names_another(form, known.form_id):
            files = (*held, *draft.carried)
            return append_replacement(session, replace(draft, carried=files), form)
        said = {**whole.details, "state": NORMAL, "folded": True, **leaving(known)}
        folded = replace(whole, details=said)
        return session.append_revision(folded, known, form=form)
    except Rejected as again:
        return session.append(replace(whole, problem=again.problem))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeFiles:
    """Take back what completed forms, or put it back; one entry for each form.

    ``positions`` are those of the entries that are to be undone: completions for
    ``Kind.UNCOMPLETE``, their undoing for ``Kind.COMPLETE``.
    """

    form_ids: tuple[str, ...]
    kind: Kind
    positions: frozenset[int]
    author: Author
    reason: str = ""
    job_id: str | None = None

    @property
    def size(self) -> int:
        """Return about how many bytes it brings."""
        return 1024 * len(self.form_ids)

    def needs(self) -> Needs:
        """Look up the forms."""
        return Needs(form_ids=self.form_ids)

    def run(self, session: Session) -> tuple[FormOutcome, ...]:
        """Change the forms in the order given; each has its own outcome."""
        return tuple(self._change(session, form_id) for form_id in self.form_ids)

    def failed(self, session: Session, error: Exception) -> None:
        """Keep nothing: the caller is told."""

    def _change(self, session: Session, form_id: str) -> FormOutcome:
        known = session.lineage(form_id)
        if known is None or known.state not in _CAN_CHANGE:
            state = "" if known is None else known.state
            return FormOutcome(
                form_id=form_id,
                changed=False,
                state=state,
                problem=f"The files of form '{form_id}' cannot change now",
            )
        take = self._put_back if self.kind is Kind.COMPLETE else self._take_back
        entry = take(session, known)
        now = session.lineage(form_id)
        return FormOutcome(
            form_id=form_id,
            changed=entry is not None,
            state=known.state if now is None else now.state,
            position=None if entry is None else entry.position,
        )

    def _take_back(self, session: Session, known: Lineage) -> Entry | None:
        """Append the form without what these completions added; nothing if none did."""
        undone = [c for c in known.completions if c.position in self.positions]
        gone = {name for entry in undone for name in entry.details["added"]}
        if not gone:
            return None
        left = [a for a in known.current.attachments if a.name not in gone]
        details: dict[str, Any] = {
            "removed": sorted(gone),
            "undone": [entry.position for entry in undone],
            "state": known.state,
        }
        draft = self._draft(session, known, left, details)
        folded = next((c for c in undone if "folded" in c.details), None)
        if folded is None:
            return session.append(replace(draft, problem=known.current.problem))
        return self._unfold(session, known, draft, folded=folded)

    def _unfold(
        self, session: Session, known: Lineage, draft: Draft, *, folded: Entry
    ) -> Entry:
        """Make a form the error again that it was without its files."""
        before = {e.position: e for e in session.entries_of(known.form_id)}
        failed = before[folded.details["version"]]
        # What was withdrawn meanwhile stays so, with all that came before it.
        stays = known.in_force is None
        older = None if stays else before.get(folded.details.get("from", 0))
        to = {} if older is None else {"to": older.position}
        details = {**draft.details, "state": ERROR, **leaving(known), **to}
        return session.append_revision(
            replace(draft, problem=failed.problem, details=details),
            known,
            form=None if older is None else session.form_of(older),
            version=older,
        )

    def _put_back(self, session: Session, known: Lineage) -> Entry | None:
        """Append the form with what was taken from it; nothing if nothing was."""
        names = {a.name for a in known.current.attachments}
        taken = {
            attachment.name: attachment
            for position, attachments in known.taken
            if position in self.positions
            for attachment in attachments
            if attachment.name not in names
        }
        files = session.held(tuple(taken.values()))
        if not files:
            return None
        draft = replace(self._draft(session, known, files, {}), kind=Kind.COMPLETE)
        form = session.form_of(known.current)
        return append_completion(session, known, draft, form=form)

    def _draft(
        self,
        session: Session,
        known: Lineage,
        files: Iterable[Attachment],
        details: dict[str, Any],
    ) -> Draft:
        said = {"reason": self.reason, "job": self.job_id}
        return Draft(
            Kind.UNCOMPLETE,
            known.form_id,
            body=session.body_of(known.current),
            orig_form_id=known.first.orig_form_id,
            xmlns=known.current.xmlns,
            user_id=self.author.user_id,
            first=known.first,
            carried=session.held(tuple(files)),
            details={
                "version": known.current.position,
                **details,
                **{name: value for name, value in said.items() if value},
            },
        )
