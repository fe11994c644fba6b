"""Cases as rows have left them, for the rows behind. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from importers.sunbird.rules.known import Known
from importers.sunbird.rules.users import USER, unique_values


class Overlay:
    """The cases that rows have created or changed, by what they are looked up by."""

    def __init__(self, below: Overlay | None = None) -> None:
        """Begin empty, over another one that is only read."""
        self._below = below
        self._cases: dict[str, Known] = {}
        self._names: dict[tuple[str, str], dict[str, None]] = {}

    def get(self, case_id: str) -> Known | None:
        """Return a case as it was left."""
        found = self._cases.get(case_id)
        if found is None and self._below is not None:
            return self._below.get(case_id)
        return found

    def by_external(self, external_id: str) -> list[str]:
        """Return the ids of cases that were left with an external id, or had it."""
        return list(dict.fromkeys(self.ids_under("external_id", external_id)))

    def holders(self, name: str, value: str) -> list[str]:
        """Return the ids of users that were left with a value, or had it."""
        return list(dict.fromkeys(self.ids_under(name, value)))

    def note(self, case: Known) -> None:
        """Remember how a case was left."""
        self._cases[case.case_id] = case
        keys = [("external_id", case.external_id)] if case.external_id else []
        if case.case_type == USER:
            keys += unique_values(case.properties).items()
        for key in keys:
            self._names.setdefault(key, {})[case.case_id] = None

    def take(self, other: Overlay) -> None:
        """Remember all that another one holds itself."""
        for case in other._cases.values():
            self.note(case)

    def ids_under(self, name: str, value: str) -> Iterator[str]:
        """Yield the ids under a value, those of the one below first."""
        if self._below is not None:
            yield from self._below.ids_under(name, value)
        yield from self._names.get((name, value), ())
