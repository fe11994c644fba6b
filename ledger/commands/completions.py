"""Forms whose attachments come in several submissions, and the way back.

The same bytes with files that the form lacks complete it (``rules/case-xml.md`` 13.20
to 13.23): one more version with the same bytes and all files. No case changes for it,
unless the form was an error and can be folded with what came.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ledger.commands.replacements import append_replacement, leaving, names_another
from ledger.commands.values import FormOutcome
from ledger.entry import Attachment, Author, Entry, Kind
from ledger.errors import Rejected
from ledger.forms.case_block import missing_file
from ledger.forms.form import Form
from ledger.forms.form_xml import parse_for_fold
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
        body = session.body_of(known.current)
        draft = self._draft(known, body, session.held(left), details)
        if known.state == ERROR:
            return session.append(replace(draft, problem=known.current.problem))
        lost = next((src for src in _named(parse_for_fold(body)) if src in gone), "")
        if not lost:
            return session.append(draft)
        problem = missing_file(known.form_id, lost).problem
        return self._unfold(session, known, replace(draft, problem=problem))

    def _unfold(self, session: Session, known: Lineage, draft: Draft) -> Entry:
        """Make a form the error again that it was without its files."""
        # What was withdrawn meanwhile stays so, with all that came before it.
        stays = known.in_force is None
        older = None if stays else _before(session.entries_of(known.form_id))
        to = {} if older is None else {"to": older.position}
        details = {**draft.details, "state": ERROR, **leaving(known), **to}
        return session.append_revision(
            replace(draft, details=details),
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
        body = session.body_of(known.current)
        draft = replace(self._draft(known, body, files, {}), kind=Kind.COMPLETE)
        return append_completion(session, known, draft, form=parse_for_fold(body))

    def _draft(
        self,
        known: Lineage,
        body: bytes,
        files: tuple[Attachment, ...],
        details: dict[str, Any],
    ) -> Draft:
        said = {"reason": self.reason, "job": self.job_id}
        return Draft(
            Kind.UNCOMPLETE,
            known.form_id,
            body=body,
            orig_form_id=known.first.orig_form_id,
            xmlns=known.current.xmlns,
            user_id=self.author.user_id,
            first=known.first,
            carried=files,
            details={
                "version": known.current.position,
                **details,
                **{name: value for name, value in said.items() if value},
            },
        )


def _named(form: Form) -> Iterator[str]:
    """Yield the files that cases take from a form."""
    for block in form.blocks:
        yield from (update.src for update in block.attachments if update.src)


def _before(entries: Sequence[Entry]) -> Entry | None:
    """Return what was in force before an error became the form that it is, if any."""
    versions = {entry.position: entry for entry in entries}
    for entry in reversed(entries):
        if entry.kind is Kind.REPROCESS or "folded" in entry.details:
            return versions.get(entry.details.get("from", 0))
    return None
