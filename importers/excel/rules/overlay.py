"""What a dry run would have left, for the rows behind. Pure."""

from __future__ import annotations

from importers.excel.rules.decide import Known


class Overlay:
    """The cases that a dry run would have left, by both their ids."""

    def __init__(self, below: Overlay | None = None) -> None:
        """Begin empty, over another one that is only read."""
        self._below = below
        self._by_id: dict[str, Known] = {}
        self._by_external: dict[str, dict[str, None]] = {}

    def get(self, case_id: str) -> Known | None:
        """Return a case as a dry run left it."""
        known = self._by_id.get(case_id)
        if known is None and self._below is not None:
            return self._below.get(case_id)
        return known

    def holders(self, external_id: str) -> list[Known]:
        """Return the cases that a dry run left with an external id."""
        ids = self._by_external.get(external_id, {})
        below = () if self._below is None else self._below.holders(external_id)
        if not ids and not below:
            return []
        ids = ids | dict.fromkeys(known.case_id for known in below)
        found = map(self.get, ids)
        return [k for k in found if k is not None and k.external_id == external_id]

    def note(self, known: Known) -> None:
        """Remember a case."""
        self._by_id[known.case_id] = known
        if known.external_id:
            self._by_external.setdefault(known.external_id, {})[known.case_id] = None

    def take(self, other: Overlay) -> None:
        """Remember all that another one holds itself."""
        for known in other._by_id.values():
            self.note(known)
