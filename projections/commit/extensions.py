"""Which cases close because the case they extend did (``rules/case-xml.md`` 17)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from ledger.cases.case import Case

EXTENSION = "extension"


class Related(Protocol):
    """Cases as they are now, and which of them point at which."""

    def case(self, case_id: str) -> Case | None:
        """Return the case with an id."""

    def references_to(self, case_ids: Iterable[str]) -> Iterable[Case]:
        """Return the cases that have an index to one of these."""


def open_extensions(related: Related, case_ids: Iterable[str]) -> list[str]:
    """Return the open cases that hang as extensions on closed ones among these.

    Extension indices are followed through open cases only, so a closed extension ends
    the walk, and a cycle ends it too. Ids ascending.
    """
    cases = (related.case(case_id) for case_id in case_ids)
    frontier = {
        case.case_id
        for case in cases
        if case is not None and case.closed and case.deleted_on is None
    }
    found: set[str] = set()
    while frontier:
        hanging = {
            case.case_id
            for case in related.references_to(sorted(frontier))
            if _is_open(case) and _extends(case, frontier)
        }
        frontier = hanging - found
        found |= hanging
    return sorted(found)


def _is_open(case: Case) -> bool:
    return not case.closed and case.deleted_on is None


def _extends(case: Case, hosts: set[str]) -> bool:
    return any(
        index.case_id in hosts and index.relationship == EXTENSION
        for index in case.indices.values()
    )
