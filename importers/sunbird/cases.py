"""The open cases of a domain as the rows of one commit find them."""

from __future__ import annotations

from importers.rows.rules.overlay import Key, Overlay, View
from importers.sunbird.people import People
from importers.sunbird.rules.known import Known, known_of
from importers.sunbird.rules.users import USER, unique_values
from ledger.submit import Session


class SessionCases:
    """The ``Cases`` of a session, under those that rows have left."""

    def __init__(self, session: Session, people: People, known: Overlay[Known]) -> None:
        """Look at a session in which all that rows name is loaded."""
        self._session = session
        self._people = people
        self._view = View(known, self._stored)

    @property
    def left(self) -> Overlay[Known]:
        """Return what the rows of this command leave."""
        return self._view.left

    def by_id(self, case_id: str, case_type: str) -> Known | None:
        """Return the open case of a type with an id."""
        found = self._view.get(case_id)
        return found if found is not None and found.case_type == case_type else None

    def by_external(self, external_id: str, case_type: str) -> list[Known]:
        """Return the open cases of a type with an external id, the oldest first."""
        if not external_id:
            return []
        stored = [c.case_id for c in self._session.cases.by_external(external_id)]
        return self._view.those(
            [*stored, *self.left.ids(("external_id", external_id))],
            lambda c: c.external_id == external_id and c.case_type == case_type,
        )

    def holders(self, name: str, value: str) -> list[Known]:
        """Return the open users with an email, in lower case, or a phone."""
        stored = [i for ids in self._people.of({name: value}) for i in ids]
        return self._view.those(
            [*stored, *self.left.ids((name, value))],
            lambda c: (
                c.case_type == USER and unique_values(c.properties).get(name) == value
            ),
        )

    def is_stored(self, case_id: str) -> bool:
        """Tell whether a case is there, and not only in what a dry run left."""
        return self._session.cases.case(case_id) is not None

    def note(self, case: Known) -> None:
        """Remember how a row left a case."""
        self.left.note(case.case_id, case, keys=_keys(case))

    def _stored(self, case_id: str) -> Known | None:
        case = self._session.cases.case(case_id)
        if case is None or case.closed or case.deleted_on is not None:
            return None
        return known_of(case)


def _keys(case: Known) -> list[Key]:
    """Return what a case is looked up by."""
    keys = [("external_id", case.external_id)] if case.external_id else []
    if case.case_type == USER:
        keys += unique_values(case.properties).items()
    return keys
