"""Owners: which user, group or place a name or an id in a table means.

The rules are those of ``rules/excel-import.md`` 10. Many values are looked up at
once: a few queries for a whole import, whatever the number of rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import TypeAlias

from ledger.directory.groups import groups_by_id, groups_by_name
from ledger.directory.location_types import types_of
from ledger.directory.locations import (
    locations_by_code,
    locations_by_id,
    locations_by_name,
    those_within,
)
from ledger.directory.texts import without_case
from ledger.directory.usernames import owners_meant
from ledger.directory.users import get_user, users_by_id, users_by_name
from ledger.directory.values import Group, Location, LocationTypes, User
from ledger.directory.workplaces import workplaces_of
from ledger.entry import Author
from ledger.store import Reader


class OwnerKind(StrEnum):
    """What an owner is."""

    USER = "user"
    GROUP = "group"
    LOCATION = "location"


@dataclass(frozen=True, slots=True)
class Owner:
    """Somebody who may own cases: what goes into ``owner_id``, and what it is."""

    owner_id: str
    kind: OwnerKind


class OwnerProblem(Enum):
    """Why a value names no owner: title and description of the error (rule 12.1)."""

    UNKNOWN_NAME = "Invalid Owner Name"
    MAY_NOT_OWN = "Invalid Owner"
    DUPLICATE_NAME = "Duplicated Location Name"
    OUT_OF_REACH = "Invalid Location"

    @property
    def title(self) -> str:
        """Return the title of the row error."""
        return str(self.value)

    @property
    def description(self) -> str:
        """Return the description of the row error."""
        return _DESCRIPTIONS[self]

    @property
    def has_column(self) -> bool:
        """Tell whether the row error names the column that was used."""
        return self is not OwnerProblem.DUPLICATE_NAME


_DESCRIPTIONS = {
    OwnerProblem.UNKNOWN_NAME: (
        "Owner name was used in the mapping but there were errors when uploading "
        "because of these values."
    ),
    OwnerProblem.MAY_NOT_OWN: (
        "Owners were provided in the mapping but there were errors when uploading "
        "because of these values. Make sure the owners in this column are users, case "
        "sharing groups, or locations."
    ),
    OwnerProblem.DUPLICATE_NAME: (
        "Owner ID was used in the mapping, but there were errors when uploading "
        "because of these values. There are multiple locations with this same name, "
        "try using site-code instead."
    ),
    OwnerProblem.OUT_OF_REACH: (
        "The location of the case owner needs to be at or below the location of the "
        "user importing the cases."
    ),
}

Verdict: TypeAlias = Owner | OwnerProblem


def resolve_owners(
    r: Reader, names: Iterable[str], *, importer: Author
) -> dict[str, Verdict]:
    """Return whom each value of a column ``owner_name`` means, or why nobody.

    A user first, then a group, then a place by its site code or else by its name. The
    importing user is an owner even without a row in the directory.
    """
    found = _Names(r, names, importer)
    return _within_reach(
        r, {name: found.verdict(name) for name in found.names}, importer
    )


def resolve_owner_ids(
    r: Reader, ids: Iterable[str], *, importer: Author
) -> dict[str, Verdict]:
    """Return which owner each value of a column ``owner_id`` is, or why none."""
    wanted = dict.fromkeys(ids)
    users = users_by_id(r, wanted)
    groups = groups_by_id(r, wanted)
    places = locations_by_id(r, wanted)
    types = types_of(r) if places else LocationTypes([])
    found: dict[str, Verdict] = {}
    for value in wanted:
        if value in users:
            found[value] = _user(users[value])
        elif value == importer.user_id:
            found[value] = Owner(value, OwnerKind.USER)
        elif value in groups:
            found[value] = _group(groups[value])
        elif value in places:
            found[value] = _place(places[value], types)
        else:
            found[value] = OwnerProblem.MAY_NOT_OWN
    return _within_reach(r, found, importer)


class _Names:
    """Everything that the names of a column may mean, looked up."""

    def __init__(self, r: Reader, names: Iterable[str], importer: Author) -> None:
        self.names = list(dict.fromkeys(names))
        self._importer = importer
        self._usernames = {name: owners_meant(r.domain, name) for name in self.names}
        self._users = users_by_name(
            r, {meant for names in self._usernames.values() for meant in names}
        )
        self._groups = groups_by_name(r, self.names)
        self._by_code = _open_ones(locations_by_code(r, self.names))
        self._by_name = locations_by_name(r, self.names)
        self._types = (
            types_of(r) if self._by_code or self._by_name else LocationTypes([])
        )

    def verdict(self, name: str) -> Verdict:
        """Return whom a name means."""
        for meant in self._usernames[name]:
            if meant in self._users:
                return _user(self._users[meant])
            if meant == self._importer.username:
                return Owner(self._importer.user_id, OwnerKind.USER)
        if name in self._groups:
            return _group(self._groups[name])
        if name in self._by_code:
            return _place(self._by_code[name], self._types)
        return self._by_place_name(name)

    def _by_place_name(self, name: str) -> Verdict:
        alike = [
            place
            for place in self._by_name.get(without_case(name), [])
            if place.archived_on is None
        ]
        if len(alike) > 1:
            return OwnerProblem.DUPLICATE_NAME
        if not alike:
            return OwnerProblem.UNKNOWN_NAME
        return _place(alike[0], self._types)


def _open_ones(places: Mapping[str, Location]) -> dict[str, Location]:
    return {key: at for key, at in places.items() if at.archived_on is None}


def _user(user: User) -> Verdict:
    # A web user whose account is closed here is no member any longer; a mobile worker
    # who was deactivated stays one, as do the cases.
    if user.active or user.is_worker:
        return Owner(user.user_id, OwnerKind.USER)
    return OwnerProblem.MAY_NOT_OWN


def _group(group: Group) -> Verdict:
    if group.case_sharing:
        return Owner(group.group_id, OwnerKind.GROUP)
    return OwnerProblem.MAY_NOT_OWN


def _place(place: Location, types: LocationTypes) -> Verdict:
    if types.by_id[place.type_id].shares_cases:
        return Owner(place.location_id, OwnerKind.LOCATION)
    return OwnerProblem.MAY_NOT_OWN


def _within_reach(
    r: Reader, found: dict[str, Verdict], importer: Author
) -> dict[str, Verdict]:
    """Refuse owners that an importing user who is limited to places cannot reach.

    A user is within reach if one of their places is; a group is nowhere.
    """
    user = get_user(r, importer.user_id)
    if user is None or user.profile.access_all_locations:
        return found
    own = user.user_id
    owners = {verdict for verdict in found.values() if isinstance(verdict, Owner)}
    people = [one.owner_id for one in owners if one.kind is OwnerKind.USER]
    work = workplaces_of(r, [own, *people])
    places = {i: set(at.location_ids) for i, at in work.items()}
    bounds = places.get(own, set())
    places |= {
        one.owner_id: {one.owner_id} for one in owners if one.kind is OwnerKind.LOCATION
    }
    inside = those_within(r, set().union(*places.values()), bounds)
    within = {i for i, at in places.items() if not at.isdisjoint(inside)} | {own}
    return {
        value: OwnerProblem.OUT_OF_REACH
        if isinstance(verdict, Owner) and verdict.owner_id not in within
        else verdict
        for value, verdict in found.items()
    }
