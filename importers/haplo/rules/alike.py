"""Looking cases up by external ids that people write in several ways. Pure.

``rules/batch-imports.md`` 1.8.5. What was taken for an id is told.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from importers.haplo.rules.lookup import Lookup
from importers.rows.rules.ids import (
    escaped,
    id_text,
    is_plain,
    look_up,
    look_up_as_seen,
)
from importers.tables.notices import Notice
from ledger.cases.case import Case

COMPOSED = "ID in another Unicode form"
WHOLE = "Whole number as ID"

_COMPOSED = (
    "The external id of the case has its accents composed in another way; it was taken "
    "as the same id"
)
_WHOLE = "An id that is a whole number is its digits: 12.0 is taken as 12"


class Alike:
    """A ``Lookup`` for one record that finds external ids as people mean them."""

    def __init__(self, lookup: Lookup) -> None:
        """Look into another one."""
        self._lookup = lookup
        self.told: list[Notice] = []

    def case(self, case_id: str) -> Case | None:
        """Return the case with an id, unless it is deleted."""
        return self._lookup.case(case_id)

    def by_external(self, external_id: str) -> Sequence[Case]:
        """Return the cases with an external id, or with one that looks the same."""
        asked = self.id_of(external_id)
        found = look_up(asked, self._lookup.by_external)
        if found.stored_as != asked:
            self.told.append(Notice(COMPOSED, _COMPOSED, sample=escaped(asked)))
        return found.those

    def meant_otherwise(self, external_id: str) -> Sequence[Case]:
        """Return the cases that would be found but for what nobody sees of an id."""
        if is_plain(external_id):
            return ()
        return look_up_as_seen(id_text(external_id), self._lookup.by_external).those

    def id_of(self, text: str) -> str:
        """Return the id that a text says, and tell where that is another text."""
        found = id_text(text)
        if found != text:
            self.told.append(Notice(WHOLE, _WHOLE, sample=escaped(text)))
        return found

    def dependents(self, case_id: str, index: str) -> Sequence[Case]:
        """Return the cases whose index of a name points at a case."""
        return self._lookup.dependents(case_id, index)

    def titled(self, case_types: Collection[str], title: str) -> Sequence[Case]:
        """Return the cases of some types with a name."""
        return self._lookup.titled(case_types, title)

    def user_id(self, username: str) -> str | None:
        """Return the id of the user with a name, however that is capitalised."""
        return self._lookup.user_id(username)
