"""What the ledger asks of the read side: two protocols, and no import of it.

The objects that answer live in ``projections/``; they meet in the composition root.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from ledger.case import Case
from ledger.entry import Entry
from ledger.form import Form
from ledger.store import Writer


class ProjectionBatch(Protocol):
    """The read side of one transaction."""

    def load(self, *, case_ids: Iterable[str], external_ids: Iterable[str]) -> None:
        """Load the cases that the waiting commands name."""

    def other_domains(self) -> Sequence[str]:
        """Return the other domains of the installation."""

    def expect_new(self, case_ids: Iterable[str]) -> None:
        """Take ids that were just made as unknown."""

    def case(self, case_id: str) -> Case | None:
        """Return a loaded case, deleted ones included."""

    def by_external(self, external_id: str) -> Sequence[Case]:
        """Return the live cases with an external id, the one opened first first."""

    def row(self, case_id: str) -> Any:
        """Return the row of a case as it is now."""

    def project(self, entry: Entry, form: Form) -> int:
        """Fold a form; return how many cases it touched. Raises ``Rejected``."""

    def set_deleted(self, case_ids: Iterable[str], entry: Entry) -> int:
        """Flag cases as deleted or restored; return how many there are."""

    def record(self, entry: Entry) -> None:
        """Take in an entry that is going to be appended."""

    def scratch(self) -> ProjectionBatch:
        """Return a copy to try something on."""

    def save(self) -> None:
        """Write everything that changed."""


class Projector(Protocol):
    """Opens the read side for a transaction."""

    def open(self, writer: Writer) -> ProjectionBatch:
        """Return a batch over the domain's live read tables."""
