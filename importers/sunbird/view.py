"""The open cases of a domain as the rows of one commit find them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from importers.sunbird.people import People
from importers.sunbird.rules.known import Known, known_of
from importers.sunbird.rules.overlay import Overlay
from importers.sunbird.rules.users import USER, unique_values
from ledger.submit import Session


class View:
    """The cases of a session, under those that rows have left."""

    def __init__(self, session: Session, people: People, known: Overlay) -> None:
        """Look at a session in which all that rows name is loaded."""
        self._session = session
        self._people = people
        self.made = Overlay(known)

    def by_id(self, case_id: str, case_type: str) -> Known | None:
        """Return the open case of a type with an id."""
        found = self._case(case_id)
        return found if found is not None and found.case_type == case_type else None

    def by_external(self, external_id: str, case_type: str) -> list[Known]:
        """Return the open cases of a type with an external id, the oldest first."""
        if not external_id:
            return []
        stored = [c.case_id for c in self._session.cases.by_external(external_id)]
        found = self._cases([*stored, *self.made.by_external(external_id)])
        return [
            case
            for case in found
            if case.external_id == external_id and case.case_type == case_type
        ]

    def holders(self, name: str, value: str) -> list[Known]:
        """Return the open users with an email, in lower case, or a phone."""
        stored = [i for ids in self._people.of({name: value}) for i in ids]
        found = self._cases([*stored, *self.made.holders(name, value)])
        return [
            case
            for case in found
            if case.case_type == USER
            and unique_values(case.properties).get(name) == value
        ]

    def is_stored(self, case_id: str) -> bool:
        """Tell whether a case is there, and not only in what a dry run left."""
        return self._session.cases.case(case_id) is not None

    def _cases(self, case_ids: Iterable[str]) -> Iterator[Known]:
        found = map(self._case, dict.fromkeys(case_ids))
        return (case for case in found if case is not None)

    def _case(self, case_id: str) -> Known | None:
        made = self.made.get(case_id)
        if made is not None:
            return made
        case = self._session.cases.case(case_id)
        if case is None or case.closed or case.deleted_on is not None:
            return None
        return known_of(case)
