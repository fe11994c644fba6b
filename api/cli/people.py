"""What the commands about users, groups and places share: finding who is meant."""

from __future__ import annotations

from collections.abc import Iterable

import click

from ledger.directory.groups import find_group, get_group
from ledger.directory.location_types import find_type
from ledger.directory.locations import find_location, get_location
from ledger.directory.owners import (
    Owner,
    OwnerProblem,
    resolve_owner_ids,
    resolve_owners,
)
from ledger.directory.users import find_user, get_user
from ledger.directory.values import Group, Location, LocationType, User
from ledger.entry import Author
from ledger.errors import Conflict, NotFound
from ledger.store import Reader


def merged(before: dict[str, str], given: Iterable[str]) -> dict[str, str]:
    """Return custom data with what the option says; raises a usage error."""
    data = dict(before)
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key:
            problem = f"'{text}' is not of the form KEY=VALUE"
            raise click.UsageError(problem)
        data[key] = value
    return {key: value for key, value in data.items() if value}


def the_user(r: Reader, name: str) -> User:
    """Return the user with a name or an id; raises ``NotFound``."""
    found = find_user(r, name) or get_user(r, name)
    if found is None:
        raise NotFound(f"there is no user '{name}' in domain '{r.domain}'")
    return found


def the_group(r: Reader, name: str) -> Group:
    """Return the group with a name or an id; raises ``NotFound``."""
    found = find_group(r, name) or get_group(r, name)
    if found is None:
        raise NotFound(f"there is no group '{name}' in domain '{r.domain}'")
    return found


def the_location(r: Reader, code: str) -> Location:
    """Return the location with a site code or an id; raises ``NotFound``."""
    found = find_location(r, code) or get_location(r, code)
    if found is None:
        raise NotFound(f"there is no location '{code}' in domain '{r.domain}'")
    return found


def the_type(r: Reader, code: str) -> LocationType:
    """Return the location type with a code; raises ``NotFound``."""
    found = find_type(r, code)
    if found is None:
        raise NotFound(f"there is no location type '{code}' in domain '{r.domain}'")
    return found


def the_owner(r: Reader, name: str) -> str:
    """Return the id of the user, group or place that may own cases, by id or name.

    Raises ``NotFound`` for one that is not there, ``Conflict`` for one that may not.
    """
    nobody = Author()
    found = resolve_owner_ids(r, [name], importer=nobody)[name]
    if not isinstance(found, Owner):
        found = resolve_owners(r, [name], importer=nobody)[name]
    if isinstance(found, Owner):
        return found.owner_id
    if found is OwnerProblem.UNKNOWN_NAME:
        text = f"there is no user, group or place '{name}' in domain '{r.domain}'"
        raise NotFound(text)
    if found is OwnerProblem.DUPLICATE_NAME:
        text = f"several places are called '{name}': give the site code of one"
        raise Conflict(text)
    raise Conflict(
        f"'{name}' may not own cases: only users who are active, groups that share "
        f"cases, and places whose type does, may"
    )
