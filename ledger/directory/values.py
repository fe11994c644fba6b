"""What the directory holds of people, groups and places, as values. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from ledger.directory.profiles import Profile, read_profile
from ledger.times import Micros

NO_RATE_LIMITS = "off"
"""What stands for no limits at all, which is how a domain begins."""


class ApiKey(NamedTuple):
    """One row of ``api_keys``, columns in the table's order."""

    domain: str
    key_id: str
    user_id: str
    name: str
    key_sha256: bytes
    read_only: int
    created_on: Micros
    revoked_on: Micros | None
    scope: str | None


class Workplaces(NamedTuple):
    """The locations of a user in the order they were given, and the primary one."""

    location_ids: tuple[str, ...] = ()
    primary: str | None = None


NOWHERE = Workplaces()


MOBILE = "mobile"
"""The role of those who only submit forms and restore their cases."""


class User(NamedTuple):
    """One row of ``users``, columns in the table's order."""

    domain: str
    user_id: str
    username: str
    role: str
    password_hash: str | None
    active: int
    created_on: Micros
    profile_text: str | None = None
    deleted_on: Micros | None = None

    @property
    def is_worker(self) -> bool:
        """Tell whether this is a mobile worker and no web user."""
        return self.role == MOBILE

    @property
    def profile(self) -> Profile:
        """Return what is known of the user beside the account."""
        return read_profile(self.profile_text)


@dataclass(frozen=True, slots=True, kw_only=True)
class UserChange:
    """What is to be another; what is not named stays as it is.

    A server gives the ``password_hash``, which it has made beside the transaction.
    ``group_ids`` are all groups that the user is to be in.
    """

    role: str | None = None
    active: bool | None = None
    password: str | None = None
    password_hash: str | None = None
    profile: Profile | None = None
    workplaces: Workplaces | None = None
    group_ids: Sequence[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WhichUsers:
    """Which users a list is of: mobile workers or web users, with the account open.

    With ``group_id`` those of a group, with ``usernames`` those with these full names.
    """

    workers: bool
    active: bool = True
    group_id: str | None = None
    usernames: tuple[str, ...] | None = None


class Group(NamedTuple):
    """One row of ``groups``, columns in the table's order."""

    domain: str
    group_id: str
    name: str
    case_sharing: int
    reporting: int
    data: str
    created_on: Micros
    changed_on: Micros
    deleted_on: Micros | None = None

    @property
    def metadata(self) -> dict[str, Any]:
        """Return the custom data of the group."""
        found: dict[str, Any] = orjson.loads(self.data)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupChange:
    """What is to be another; what is not named stays. ``user_ids`` are all members."""

    name: str | None = None
    case_sharing: bool | None = None
    reporting: bool | None = None
    metadata: Mapping[str, Any] | None = None
    user_ids: Sequence[str] | None = None


class LocationType(NamedTuple):
    """One row of ``location_types``, columns in the table's order."""

    domain: str
    type_id: int
    code: str
    name: str
    parent_id: int | None
    administrative: int
    shares_cases: int
    view_descendants: int
    created_on: Micros
    changed_on: Micros


class LocationTypes:
    """The types of a domain, which are few, by id and by code."""

    def __init__(self, types: list[LocationType]) -> None:
        """Keep the types."""
        self.by_id = {found.type_id: found for found in types}
        self.by_code = {found.code: found for found in types}

    def has_below(self, type_id: int) -> bool:
        """Tell whether another type stands below this one."""
        return any(found.parent_id == type_id for found in self.by_id.values())


class Location(NamedTuple):
    """One row of ``locations``, columns in the table's order."""

    domain: str
    location_id: str
    number: int
    name: str
    name_key: str
    site_code: str
    type_id: int
    parent_id: str | None
    external_id: str | None
    latitude: str | None
    longitude: str | None
    data: str
    created_on: Micros
    changed_on: Micros
    archived_on: Micros | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationWish:
    """All that a caller may say of a location.

    Without a ``site_code`` it is made of the name, and again when the name changes.
    """

    name: str
    type_code: str
    parent_id: str | None = None
    site_code: str | None = None
    external_id: str | None = None
    latitude: str | None = None
    longitude: str | None = None
    data: Mapping[str, str] = field(default_factory=dict)
