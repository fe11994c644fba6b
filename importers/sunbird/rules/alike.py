"""Looking cases up by ids that people write in several ways. Pure.

``rules/batch-imports.md`` 2.6i. What was taken for an id is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from importers.rows.rules.ids import Found, escaped, id_text, look_up, look_up_as_seen
from importers.sunbird.rules.known import Cases, Known
from importers.tables.notices import Notice

IDS = frozenset(
    {"code", "parentCode", "parentId", "locationCode", "externalId"}
    | {"orgExternalId", "orgId", "organisationId", "userId"}
)
"""The columns that hold an id, of whatever kind of file."""

COMPOSED = "ID in another Unicode form"
WHOLE = "Whole number as ID"

_COMPOSED = (
    "The id of the case has its accents composed in another way; it was taken as the "
    "same id"
)
_WHOLE = "An id that is a whole number is its digits: 12.0 is taken as 12"


def with_ids(values: Mapping[str, str]) -> tuple[dict[str, str], list[Notice]]:
    """Return the values of a row with its ids as they are meant, and what is told."""
    meant = {n: id_text(v) if n in IDS else v for n, v in values.items()}
    told = [
        Notice(WHOLE, _WHOLE, name, sample=escaped(values[name]))
        for name, text in meant.items()
        if text != values[name]
    ]
    return meant, told


class Alike:
    """The ``Cases`` of one row, found by ids that look the same, too."""

    def __init__(self, cases: Cases) -> None:
        """Look into others."""
        self._cases = cases
        self.told: list[Notice] = []

    def by_id(self, case_id: str, case_type: str) -> Known | None:
        """Return the case of a type with an id, or with one that looks the same."""

        def look(text: str) -> Sequence[Known]:
            found = self._cases.by_id(text, case_type)
            return () if found is None else (found,)

        found = self._found(case_id, look_up(case_id, look))
        return found[0] if found else None

    def by_external(self, external_id: str, case_type: str) -> Sequence[Known]:
        """Return the cases of a type with an external id, or one that looks so."""

        def look(text: str) -> Sequence[Known]:
            return self._cases.by_external(text, case_type)

        return self._found(external_id, look_up(external_id, look))

    def holders(self, name: str, value: str) -> Sequence[Known]:
        """Return the users with an email or a phone."""
        return self._cases.holders(name, value)

    def is_meant_otherwise(self, external_id: str, case_type: str) -> bool:
        """Tell whether a case would be found but for what nobody sees of an id."""

        def look(text: str) -> Sequence[Known]:
            return self._cases.by_external(text, case_type)

        return bool(look_up_as_seen(external_id, look).those)

    def _found(self, asked: str, found: Found[Known]) -> Sequence[Known]:
        if found.stored_as != asked:
            self.told.append(Notice(COMPOSED, _COMPOSED, sample=escaped(asked)))
        return found.those
