"""The command that changes cases: the server writes the form itself.

It is resolved under the head, so no two upserts make the same case, and then goes the
way of every form: what is folded was parsed from the bytes that the log keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ledger.cases.change import CaseChange
from ledger.cases.upsert import resolve, wanted
from ledger.entry import Answer, Author, IdempotencyKey, Kind, Receipt
from ledger.forms.form import CASE_API_XMLNS
from ledger.forms.form_xml import build_form, parse_written
from ledger.ids import new_form_id, new_id
from ledger.submit import Draft, Needs, Session
from ledger.times import format_micros

_BYTES_OF_A_CHANGE = 2048


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
        return _BYTES_OF_A_CHANGE * max(len(self.changes), 1)

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
        kept = session.answers.under(key)
        if kept is not None:
            return kept
        answer = self._answer(session)
        if not self.dry_run:
            session.answers.keep(key, answer, now=session.clock())
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
        entry = session.append_form(draft, parse_written(body))
        if entry.kind is Kind.ERROR:
            return Receipt.of(entry)
        return Receipt(
            form_id=form_id,
            kind=entry.kind,
            position=entry.position,
            cases=tuple(session.cases.row(i) for i in resolution.case_ids),
            created=resolution.created,
        )
