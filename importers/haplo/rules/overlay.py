"""Cases as the records of a batch have left them, where no table shows it yet. Pure.

A dry run keeps everything that it would have left. A real run keeps nothing but where
to look: which cases got an index to a case, or a name, since the commit began.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ledger.cases.case import Case

_Ids = dict[str, None]


class Overlay:
    """Cases by their ids, external ids, names and indices."""

    def __init__(self, below: Overlay | None = None) -> None:
        """Begin empty, over another one that is only read."""
        self._below = below
        self._cases: dict[str, Case] = {}
        self._by_external: dict[str, _Ids] = {}
        self._by_name: dict[str, _Ids] = {}
        self._by_target: dict[str, _Ids] = {}

    def note(self, cases: Iterable[Case]) -> None:
        """Remember cases as they are now."""
        for case in cases:
            case_id = case.case_id
            self._cases[case_id] = case
            if case.external_id:
                self._by_external.setdefault(case.external_id, {})[case_id] = None
            self._by_name.setdefault(case.case_name, {})[case_id] = None
            for index in case.indices.values():
                self._by_target.setdefault(index.case_id, {})[case_id] = None

    def take(self, other: Overlay) -> None:
        """Remember what another one holds itself."""
        self.note(other._cases.values())

    def case(self, case_id: str) -> Case | None:
        """Return a case as it was left."""
        found = self._cases.get(case_id)
        if found is None and self._below is not None:
            return self._below.case(case_id)
        return found

    def ids_by_external(self, external_id: str) -> Iterator[str]:
        """Yield the cases that had an external id at some time."""
        yield from self._by_external.get(external_id, ())
        if self._below is not None:
            yield from self._below.ids_by_external(external_id)

    def ids_by_name(self, name: str) -> Iterator[str]:
        """Yield the cases that had a name at some time."""
        yield from self._by_name.get(name, ())
        if self._below is not None:
            yield from self._below.ids_by_name(name)

    def ids_by_target(self, case_id: str) -> Iterator[str]:
        """Yield the cases of which an index pointed at a case at some time."""
        yield from self._by_target.get(case_id, ())
        if self._below is not None:
            yield from self._below.ids_by_target(case_id)
