"""Who may hold the emails and phones of a file.

No table is looked up by them whatever the case of their letters. So a job reads the
users of the domain once, a page after the other, and keeps those that have something
the file has; from then on it follows, under the lock of each commit, what has changed.
What it keeps may be out of date: it names the cases that must be looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from importers.sunbird.rules.users import UNIQUE, USER, unique_values
from ledger.store import Reader
from projections.cases.type_values import Values, values_since
from projections.rule.hashing import value_hash

_PAGE = 5000


class People:
    """The users that may have an email or a phone of a file, by its hash."""

    def __init__(self) -> None:
        """Begin with a file that has none."""
        self._holders: dict[int, tuple[str, ...]] = {}
        self._seen = 0

    @property
    def is_empty(self) -> bool:
        """Tell whether the file has no email and no phone."""
        return not self._holders

    def expect(self, values: Mapping[str, str]) -> None:
        """Take in what a row of the file has; before ``follow``."""
        for key in _keys(unique_values(values)):
            self._holders.setdefault(key, ())

    def follow(self, r: Reader, *, pages: int | None = None) -> bool:
        """Read what changed; tell whether more is left after so many pages."""
        while pages is None or pages > 0:
            found = values_since(r, USER, UNIQUE, after=self._seen, most=_PAGE)
            for case in found:
                self._note(case)
            if len(found) < _PAGE:
                return False
            pages = None if pages is None else pages - 1
        return True

    def candidates(self, rows: Iterable[Mapping[str, str]]) -> set[str]:
        """Return the ids of the cases that may have something one of the rows has."""
        return {i for row in rows for ids in self.of(unique_values(row)) for i in ids}

    def of(self, unique: Mapping[str, str]) -> list[tuple[str, ...]]:
        """Return the ids of the cases that may have each of these values."""
        return [self._holders.get(key, ()) for key in _keys(unique)]

    def _note(self, case: Values) -> None:
        given = {n: text for n, text in zip(UNIQUE, case.texts, strict=True) if text}
        for key in _keys(unique_values(given)):
            known = self._holders.get(key)
            if known is not None and case.case_id not in known:
                self._holders[key] = (*known, case.case_id)
        self._seen = case.indexed_on


def _keys(unique: Mapping[str, str]) -> list[int]:
    return [value_hash(f"{name}\0{value}") for name, value in unique.items()]
