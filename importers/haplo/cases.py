"""The cases that records ask for: those of the transaction, under what a batch left.

Everything is looked up under the lock, so no record misses what stands in the tables.
Ids that were foreseen are loaded already; the others are loaded one by one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import cast

from importers.haplo.rules.lookup import is_possible
from importers.rows.rules.overlay import Key, Overlay, View
from ledger.cases.case import Case
from ledger.store import Reader, Writer
from ledger.submit import Session, WantsOwnCommit
from projections.cases.lookups import dependents_of, references_of, titles_of
from projections.commit.case_batch import CaseBatch
from projections.commit.extensions import open_extensions

Users = Mapping[str, str]
"""The ids of users by their names in lower case."""

_EXTERNAL_ID = "external_id"
_NAME = "name"
_TARGET = "target"


class Titles:
    """The names of all cases of some types, as they stood at a position of the log."""

    def __init__(self) -> None:
        """Begin with none."""
        self._position = -1
        self._by_type: dict[str, dict[str, list[str]]] = {}

    def ids(self, r: Reader, case_type: str, title: str) -> Sequence[str]:
        """Return the cases that bore a name when the log was as it is now."""
        if r.head.position != self._position:
            # Each commit of the batch itself moves the head: all are read again.
            self._by_type.clear()
            self._position = r.head.position
        found = self._by_type.get(case_type)
        if found is None:
            found = self._by_type[case_type] = {}
            for case_id, name in titles_of(r, case_type):
                found.setdefault(name, []).append(case_id)
        return found.get(title, ())


class SessionCases:
    """A ``Lookup`` over a transaction."""

    def __init__(
        self,
        session: Session,
        *,
        known: Overlay[Case],
        dry_run: bool,
        users: Users,
        titles: Titles,
    ) -> None:
        """Look into the session, and in a dry run into ``known`` first."""
        self._session = session
        self._is_dry = dry_run
        self._is_alone = session.is_untouched
        self._users = users
        self._titles = titles
        self._asked_ids: set[str] = set()
        self._asked_externals: set[str] = set()
        self._view = View(known, self._stored)

    @property
    def left(self) -> Overlay[Case]:
        """Return what the records of this transaction leave."""
        return self._view.left

    def foresee(self, case_ids: Iterable[str], external_ids: Iterable[str]) -> None:
        """Take ids as loaded."""
        self._asked_ids.update(case_ids)
        self._asked_externals.update(external_ids)

    def case(self, case_id: str) -> Case | None:
        """Return the case with an id, unless it is deleted."""
        return self._view.get(case_id)

    def by_external(self, external_id: str) -> Sequence[Case]:
        """Return the cases with an external id, deleted ones left out."""
        if not is_possible(external_id):
            return ()
        if external_id not in self._asked_externals:
            self._asked_externals.add(external_id)
            self._session.cases.load(case_ids=[], external_ids=[external_id])
        stored = [c.case_id for c in self._session.cases.by_external(external_id)]
        ids = [*stored, *self.left.ids((_EXTERNAL_ID, external_id))]
        return self._view.those(ids, lambda case: case.external_id == external_id)

    def dependents(self, case_id: str, index: str) -> Sequence[Case]:
        """Return the cases whose index of a name points at a case."""
        stored = dependents_of(self._tables(), case_id, index)
        ids = [*stored, *self.left.ids((_TARGET, case_id))]
        return self._view.those(ids, lambda case: _target(case, index) == case_id)

    def titled(self, case_types: Collection[str], title: str) -> Sequence[Case]:
        """Return the cases of some types with a name."""
        writer = self._tables()
        ids = [i for t in case_types for i in self._titles.ids(writer, t, title)]
        ids += self.left.ids((_NAME, title))
        return self._view.those(
            ids, lambda case: case.case_name == title and case.case_type in case_types
        )

    def references_to(self, case_ids: Iterable[str]) -> list[Case]:
        """Return the cases of which some index points at one of some cases."""
        wanted = set(case_ids)
        ids = references_of(self._session.writer, sorted(wanted))
        ids += [i for target in wanted for i in self.left.ids((_TARGET, target))]
        return self._view.those(
            ids, lambda c: any(i.case_id in wanted for i in c.indices.values())
        )

    def note(self, cases: Sequence[Case]) -> None:
        """Remember cases as a record leaves them.

        Where the domain wants that, what extends a closed case is closed behind the
        form that closed it; a dry run has to see to that itself.
        """
        self._leave(cases)
        if self._is_dry and self._session.writer.head.settings.get("close_extensions"):
            # It asks no more of a batch than ``case`` and ``references_to``.
            batch = cast("CaseBatch", self)
            ids = open_extensions(batch, [case.case_id for case in cases])
            found = [case for case in map(self.case, ids) if case is not None]
            self._leave(case._replace(closed=True) for case in found)

    def user_id(self, username: str) -> str | None:
        """Return the id of the user with a name, however that is capitalised."""
        return self._users.get(username.lower())

    def _stored(self, case_id: str) -> Case | None:
        """Return a case of the session, which a real run has folded its forms into."""
        if not is_possible(case_id):
            return None
        if case_id not in self._asked_ids:
            self._asked_ids.add(case_id)
            self._session.cases.load(case_ids=[case_id], external_ids=[])
        case = self._session.cases.case(case_id)
        return None if case is None or case.deleted_on is not None else case

    def _leave(self, cases: Iterable[Case]) -> None:
        for case in cases:
            left = case if self._is_dry else None
            self.left.note(case.case_id, left, keys=_keys(case))

    def _tables(self) -> Writer:
        """Return the tables, which do not show what others append in this commit."""
        if not self._is_alone:
            raise WantsOwnCommit
        return self._session.writer


def _keys(case: Case) -> Iterator[Key]:
    """Yield what a case is looked up by."""
    if case.external_id:
        yield _EXTERNAL_ID, case.external_id
    yield _NAME, case.case_name
    for index in case.indices.values():
        yield _TARGET, index.case_id


def _target(case: Case, index: str) -> str:
    found = case.indices.get(index)
    return "" if found is None else found.case_id
