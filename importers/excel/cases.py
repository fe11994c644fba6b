"""The cases that the rows of a command find, under those that a dry run would leave."""

from __future__ import annotations

from collections.abc import Sequence

from importers.excel.rules.decide import Decided, Known
from importers.rows.rules.overlay import Overlay, View
from ledger.cases.case import Case
from ledger.submit import Session


class SessionCases:
    """The ``Cases`` of a session in which all that the rows name is loaded."""

    def __init__(self, session: Session, known: Overlay[Known]) -> None:
        """Look into what a dry run left first; a real run leaves nothing there."""
        self._session = session
        self._view = View(known, self._stored)

    @property
    def left(self) -> Overlay[Known]:
        """Return what the rows of this command would have left."""
        return self._view.left

    def by_id(self, case_id: str) -> Known | None:
        """Return the case with an id."""
        if not self._session.trial:
            return self._stored(case_id)
        return self._view.get(case_id)

    def by_external(self, external_id: str) -> Sequence[Known]:
        """Return the cases with an external id, those that a dry run touched last."""
        stored = self._session.cases.by_external(external_id)
        if not self._session.trial:
            return list(map(_known, stored))
        ids = [c.case_id for c in stored if self.is_stored(c.case_id)]
        ids += self.left.ids(("external_id", external_id))
        return self._view.those(ids, lambda case: case.external_id == external_id)

    def is_stored(self, case_id: str) -> bool:
        """Tell whether a case is as it is stored: no row of a dry run touched it."""
        return self.left.get(case_id) is None

    def note(self, decided: Decided) -> None:
        """Remember what a dry run leaves, as no table shows it."""
        if not self._session.trial:
            return
        case_id = decided.block.case_id
        before = self.by_id(case_id)
        external_id = decided.external_id
        if external_id is None and before is not None:
            external_id = before.external_id
        given = decided.block.create or decided.block.update or {}
        owner_id = given.get("owner_id") or (before.owner_id if before else "")
        known = Known(case_id, decided.case_type, external_id, owner_id)
        keys = [("external_id", external_id)] if external_id else ()
        self.left.note(case_id, known, keys=keys)

    def _stored(self, case_id: str) -> Known | None:
        case = self._session.cases.case(case_id)
        return None if case is None or case.deleted_on is not None else _known(case)


def _known(case: Case) -> Known:
    return Known(case.case_id, case.case_type, case.external_id, case.owner_id)
