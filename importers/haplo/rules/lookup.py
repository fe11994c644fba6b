"""What the records of a batch ask of the cases that are there. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from ledger.cases.case import Case
from ledger.forms.names import is_legal

LONGEST_ID = 255


class Ref(NamedTuple):
    """A reference to a case or a user."""

    id: str


class Lookup(Protocol):
    """The cases and users of the domain, as the records before have left them."""

    def case(self, case_id: str) -> Case | None:
        """Return the case with an id, unless it is deleted."""

    def by_external(self, external_id: str) -> Sequence[Case]:
        """Return the cases with an external id, deleted ones left out."""

    def dependents(self, case_id: str, index: str) -> Sequence[Case]:
        """Return the cases whose index of a name points at a case."""

    def titled(self, case_types: Collection[str], title: str) -> Sequence[Case]:
        """Return the cases of some types with a name."""

    def user_id(self, username: str) -> str | None:
        """Return the id of the user with a name, however that is capitalised."""


@dataclass(slots=True)
class Asked:
    """Knows nothing, and remembers which ids were asked for."""

    case_ids: set[str] = field(default_factory=set)
    external_ids: set[str] = field(default_factory=set)

    def case(self, case_id: str) -> Case | None:
        """Remember the id."""
        if is_possible(case_id):
            self.case_ids.add(case_id)
        return None

    def by_external(self, external_id: str) -> Sequence[Case]:
        """Remember the external id."""
        if is_possible(external_id):
            self.external_ids.add(external_id)
        return ()

    def dependents(self, case_id: str, index: str) -> Sequence[Case]:
        """Know none."""
        del case_id, index
        return ()

    def titled(self, case_types: Collection[str], title: str) -> Sequence[Case]:
        """Know none."""
        del case_types, title
        return ()

    def user_id(self, username: str) -> str | None:
        """Know none."""
        del username
        return None


def is_possible(text: str) -> bool:
    """Tell whether a text may be the id or the external id of a case."""
    return 0 < len(text) <= LONGEST_ID and is_legal(text)


def preferred(cases: Sequence[Case]) -> Sequence[Case]:
    """Return the open ones of some cases, or else all: one is the one that is meant."""
    return [case for case in cases if not case.closed] or cases


def oldest(cases: Sequence[Case]) -> Case | None:
    """Return the case that was opened first."""
    return min(cases, key=lambda c: (c.opened_on, c.case_id), default=None)
