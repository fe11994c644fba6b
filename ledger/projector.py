"""What the ledger asks of the read side: two protocols, and no import of it.

The objects that answer live in ``projections/``; they meet in the composition root.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from ledger.cases.case import Case
from ledger.entry import Entry
from ledger.forms.form import Form
from ledger.store import Writer

Revision = tuple[Entry, Form]
"""A version of a form: the entry with its bytes, and the form they are."""


class ProjectionBatch(Protocol):
    """The read side of one transaction."""

    def load(self, *, case_ids: Iterable[str], external_ids: Iterable[str]) -> None:
        """Load the cases that the waiting commands name."""

    def ask(
        self, *, case_ids: Iterable[str], external_ids: Iterable[str]
    ) -> Callable[[], None]:
        """Ask for what ``load`` loads; return how to take it in."""

    def expect_new(self, case_ids: Iterable[str]) -> None:
        """Take ids that were just made as unknown."""

    def case(self, case_id: str) -> Case | None:
        """Return a loaded case, deleted ones included."""

    def by_external(self, external_id: str) -> Sequence[Case]:
        """Return the live cases with an external id, the one opened first first."""

    def row(self, case_id: str) -> Any:
        """Return the row of a case as it is now."""

    def project(self, entry: Entry, form: Form) -> Sequence[str]:
        """Fold a form; return the cases it touched. Raises ``Rejected``."""

    def revise(
        self, entry: Entry, old: Revision | None, new: Revision | None
    ) -> Sequence[str]:
        """Put a version of a form in the place of another; either may be none.

        Returns the cases it touched. Raises ``Rejected``.
        """

    def rebuild(self, case_ids: Iterable[str], entry: Entry) -> Sequence[str]:
        """Fold cases from nothing; return them."""

    def ask_forms(self, form_ids: Iterable[str]) -> Callable[[], frozenset[str]]:
        """Ask which of these ids the table of forms has; return how to get them."""

    def form_state(self, form_id: str) -> str | None:
        """Return the state of a form by the table of forms."""

    def closed_extensions(self, case_ids: Iterable[str]) -> Sequence[str]:
        """Return the open cases that hang as extensions on those that are closed.

        Of these cases, the closed ones are followed; ids ascending
        (``rules/case-xml.md`` 17).
        """

    def set_deleted(self, case_ids: Iterable[str], entry: Entry) -> Sequence[str]:
        """Flag cases as deleted or restored; return them."""

    def erase(self, case_ids: Iterable[str], entry: Entry) -> Sequence[str]:
        """Fold cases anew from what an erasure left, and delete them."""

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
