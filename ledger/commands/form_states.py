"""The commands that change what counts: forms and cases, archived, deleted, rebuilt.

None of them alters what the log holds: each is an entry of its own, and each has its
opposite (``rules/case-xml.md`` 15 and 16).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ledger.cases.case import Case
from ledger.commands.replacements import leaving
from ledger.commands.submissions import append_again
from ledger.commands.values import FormOutcome
from ledger.entry import Author, Entry, Kind, Receipt
from ledger.errors import Conflict, NotFound, Rejected
from ledger.forms.lineage import (
    ARCHIVED,
    DELETED,
    DEPRECATED,
    ERROR,
    NORMAL,
    STATES,
    Lineage,
)
from ledger.submit import Draft, Needs, Session


@dataclass(frozen=True, slots=True)
class _Rule:
    """From which state an act starts, and in which it has nothing to do."""

    start: frozenset[str] | None
    done: frozenset[str]


_RULES = {
    Kind.ARCHIVE: _Rule(frozenset({NORMAL}), frozenset({ARCHIVED})),
    Kind.UNARCHIVE: _Rule(frozenset({ARCHIVED}), frozenset({NORMAL})),
    Kind.FORM_DELETE: _Rule(None, frozenset({DELETED})),
    Kind.FORM_RESTORE: _Rule(frozenset({DELETED}), STATES - {DELETED}),
    Kind.REPROCESS: _Rule(frozenset({ERROR}), frozenset({NORMAL})),
}
_VERBS = {
    Kind.ARCHIVE: "archived",
    Kind.UNARCHIVE: "unarchived",
    Kind.FORM_DELETE: "deleted",
    Kind.FORM_RESTORE: "restored",
    Kind.REPROCESS: "reprocessed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeForms:
    """Archive, unarchive, delete, restore or reprocess forms; one entry each.

    ``strict`` refuses all when one cannot be: ``NotFound`` for an unknown form,
    ``Conflict`` naming the state. Otherwise that form's outcome holds the problem.
    """

    form_ids: tuple[str, ...]
    kind: Kind
    author: Author
    reason: str = ""
    job_id: str | None = None
    strict: bool = True
    dry_run: bool = False

    @property
    def size(self) -> int:
        """Return about how many bytes it brings."""
        return 256 * len(self.form_ids)

    def needs(self) -> Needs:
        """Look up the forms."""
        return Needs(form_ids=self.form_ids)

    def run(self, session: Session) -> tuple[FormOutcome, ...]:
        """Change the forms in the order given; one that is there already stays so."""
        if self.dry_run:
            session = session.scratch()
        if self.strict:
            # All are looked at before any is changed: a refusal changes nothing.
            for form_id in self.form_ids:
                self._known(session, form_id)
        return tuple(self._change(session, form_id) for form_id in self.form_ids)

    def failed(self, session: Session, error: Exception) -> None:
        """Keep nothing: the caller is told."""

    def _change(self, session: Session, form_id: str) -> FormOutcome:
        try:
            known = self._known(session, form_id)
        except (NotFound, Conflict) as refused:
            return FormOutcome(
                form_id=form_id,
                changed=False,
                state=_state(session, form_id) or "",
                problem=str(refused),
            )
        if isinstance(known, str):
            return FormOutcome(form_id=form_id, changed=False, state=known)
        try:
            entry = self._append(session, known)
        except Rejected as again:
            return FormOutcome(
                form_id=form_id,
                changed=False,
                state=known.state,
                problem=again.problem,
            )
        return FormOutcome(
            form_id=form_id,
            changed=True,
            state=_state(session, form_id) or "",
            position=entry.position,
        )

    def _known(self, session: Session, form_id: str) -> Lineage | str:
        """Return the form that is to be changed, or its state if nothing is to do.

        Raises ``NotFound`` and ``Conflict``.
        """
        known = session.lineage(form_id)
        state = known.state if known is not None else _state(session, form_id)
        if state is None:
            raise NotFound(f"Form '{form_id}' not found")
        rule = _RULES[self.kind]
        if state in rule.done:
            return state
        refused = f"Form '{form_id}' cannot be {_VERBS[self.kind]}: "
        if known is None:
            # It lives on under an id that the log gave it when another took its own.
            raise Conflict(f"{refused}a later version took its place", field="form_id")
        if known.state == DEPRECATED:
            raise Conflict(f"{refused}another form took its place", field="form_id")
        if rule.start is not None and state not in rule.start:
            raise Conflict(f"{refused}its state is {state}", field="form_id")
        return known

    def _append(self, session: Session, known: Lineage) -> Entry:
        """Append the entry; raises ``Rejected`` when a form fails again."""
        if self.kind is Kind.REPROCESS:
            user_id, said = self.author.user_id, self._said()
            return append_again(session, known, user_id=user_id, details=said)
        version = self._version(known)
        form = None if version is None else session.form_of(version)
        draft = self._draft(known)
        return session.append_revision(draft, known, form=form, version=version)

    def _version(self, known: Lineage) -> Entry | None:
        """Return the version that will be in force."""
        if self.kind is Kind.UNARCHIVE:
            return known.good
        if self.kind is Kind.FORM_RESTORE and known.hidden is not None:
            return known.hidden[1]
        return None

    def _said(self) -> dict[str, str]:
        """Return why it is done, as the entry keeps it."""
        said = {"reason": self.reason, "job": self.job_id}
        return {name: value for name, value in said.items() if value}

    def _draft(self, known: Lineage) -> Draft:
        details: dict[str, Any] = self._said()
        version = self._version(known)
        if version is not None:
            details["to"] = version.position
        if self.kind is Kind.FORM_RESTORE and known.hidden is not None:
            details["state"] = known.hidden[0]
        return Draft(
            self.kind,
            known.form_id,
            orig_form_id=known.first.orig_form_id,
            xmlns=known.current.xmlns,
            user_id=self.author.user_id,
            first=known.first,
            details={
                "version": known.current.position,
                **leaving(known),
                **details,
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagCases:
    """The deletion of cases, or its undoing: a flag, nothing is lost."""

    case_ids: tuple[str, ...]
    kind: Kind
    author: Author
    reason: str = ""

    @property
    def size(self) -> int:
        """Return how many bytes it brings."""
        return sum(map(len, self.case_ids))

    def needs(self) -> Needs:
        """Look up the cases."""
        return Needs(case_ids=self.case_ids)

    def run(self, session: Session) -> Receipt:
        """Append the flag, for those cases that do not have it yet.

        Appends nothing when all do. Raises ``Conflict`` naming a case that does not
        exist.
        """
        deleting = self.kind is Kind.CASE_DELETE
        cases = known_cases(session, self.case_ids)
        case_ids = [case.case_id for case in cases if case.flagged is not deleting]
        if not case_ids:
            return Receipt(form_id=None, kind=self.kind)
        draft = _naming(self.kind, case_ids, self.author, self.reason)
        return Receipt.of(session.flag_cases(draft, case_ids))

    def failed(self, session: Session, error: Exception) -> None:
        """Keep nothing: the caller is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildCases:
    """The wish that cases be folded from nothing (``rules/case-xml.md`` 16)."""

    case_ids: tuple[str, ...]
    author: Author
    reason: str = ""

    @property
    def size(self) -> int:
        """Return how many bytes it brings."""
        return sum(map(len, self.case_ids))

    def needs(self) -> Needs:
        """Look up the cases."""
        return Needs(case_ids=self.case_ids)

    def run(self, session: Session) -> Receipt:
        """Append the wish; raises ``Conflict`` naming a case that does not exist."""
        case_ids = [case.case_id for case in known_cases(session, self.case_ids)]
        draft = _naming(Kind.CASE_REBUILD, case_ids, self.author, self.reason)
        return Receipt.of(session.rebuild_cases(draft, case_ids))

    def failed(self, session: Session, error: Exception) -> None:
        """Keep nothing: the caller is told."""


def known_cases(session: Session, case_ids: Iterable[str]) -> list[Case]:
    """Return these cases, each once, ids ascending; raises ``Conflict``."""
    found = []
    for case_id in sorted(set(case_ids)):
        case = session.cases.case(case_id)
        if case is None:
            raise Conflict(f"No case found with ID '{case_id}'", field="case_id")
        found.append(case)
    return found


def _naming(kind: Kind, case_ids: list[str], author: Author, reason: str) -> Draft:
    return Draft(
        kind,
        None,
        user_id=author.user_id,
        details={"case_ids": case_ids, "reason": reason},
    )


def _state(session: Session, form_id: str) -> str | None:
    """Return a form's state, also of those that live under an id they were given."""
    known = session.lineage(form_id)
    return known.state if known is not None else session.cases.form_state(form_id)
