"""What a command would do: it is run where nothing is saved, and watched.

The trial stands under the head like every command, behind what its neighbours in the
same commit did, so its answer is that of the command at this very place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from ledger.commands.values import CaseOutcome, Prediction
from ledger.entry import Entry
from ledger.forms.form import Form
from ledger.projector import ProjectionBatch, Revision
from ledger.submit import Command, Needs, Session


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The question what a command would do."""

    command: Command

    @property
    def size(self) -> int:
        """Return how many bytes the command brings."""
        return self.command.size

    def needs(self) -> Needs:
        """Look up what the command needs."""
        return self.command.needs()

    def run(self, session: Session) -> Prediction:
        """Run the command and throw away what it did; raises what refuses it."""
        trial = session.scratch()
        watched = _Watched(trial.cases)
        trial.cases = cast("ProjectionBatch", watched)
        outcome = self.command.run(trial)
        session.cases.load(case_ids=watched.touched, external_ids=())
        return Prediction(
            outcome=outcome,
            entries=tuple(watched.entries),
            cases=tuple(_cases(session.cases, watched)),
            resolved=tuple(watched.resolved),
        )

    def failed(self, session: Session, error: Exception) -> None:
        """Keep nothing: nothing was to be kept."""


class _Watched:
    """The read side of a trial; notes what is recorded and which cases change."""

    def __init__(self, batch: ProjectionBatch) -> None:
        self.batch = batch
        self.entries: list[Entry] = []
        self.touched: dict[str, None] = {}
        self.cascaded: set[str] = set()
        self.resolved: list[str] = []

    def __getattr__(self, name: str) -> Any:
        """Leave everything else to the batch."""
        return getattr(self.batch, name)

    def expect_new(self, case_ids: Iterable[str]) -> None:
        """Note which case each row means."""
        self.resolved += case_ids
        self.batch.expect_new(self.resolved)

    def record(self, entry: Entry) -> None:
        """Note an entry that would be appended."""
        self.entries.append(entry)
        self.batch.record(entry)

    def project(self, entry: Entry, form: Form) -> Sequence[str]:
        """Note the cases that a form touches."""
        return self._note(entry, self.batch.project(entry, form))

    def revise(
        self, entry: Entry, old: Revision | None, new: Revision | None
    ) -> Sequence[str]:
        """Note the cases that an exchange of versions touches."""
        return self._note(entry, self.batch.revise(entry, old, new))

    def rebuild(self, case_ids: Iterable[str], entry: Entry) -> Sequence[str]:
        """Note the cases that are rebuilt."""
        return self._note(entry, self.batch.rebuild(case_ids, entry))

    def set_deleted(self, case_ids: Iterable[str], entry: Entry) -> Sequence[str]:
        """Note the cases that are flagged."""
        return self._note(entry, self.batch.set_deleted(case_ids, entry))

    def _note(self, entry: Entry, case_ids: Sequence[str]) -> Sequence[str]:
        self.touched.update(dict.fromkeys(case_ids))
        if "cause" in entry.details:
            self.cascaded.update(case_ids)
        return case_ids


def _cases(before: ProjectionBatch, trial: _Watched) -> Iterable[CaseOutcome]:
    """Yield what became of each touched case."""
    for case_id in trial.touched:
        old, new = before.case(case_id), trial.batch.case(case_id)
        if new is not None:
            yield CaseOutcome(
                before=old,
                after=new,
                row_before=None if old is None else before.row(case_id),
                row=trial.batch.row(case_id),
                cascaded=case_id in trial.cascaded,
            )
