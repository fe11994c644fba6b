"""Groups as JSON (``rules/hq-apis.md`` 9), and what a body may say of one. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from api.wire.problems import at_fault, invalid
from ledger.directory.values import Group, GroupChange
from ledger.errors import Conflict
from ledger.forms.names import printable

ID = "id"
NAME = "name"
_OBJECTS = "objects"


class Team(NamedTuple):
    """A group with the ids of its members, in their order."""

    group: Group
    user_ids: tuple[str, ...] = ()


def group_to_wire(team: Team, *, path: str) -> dict[str, Any]:
    """Return a group as it is shown; ``path`` is that of the list it is in."""
    group = team.group
    return {
        ID: group.group_id,
        "domain": group.domain,
        NAME: group.name,
        "users": list(team.user_ids),
        "case_sharing": bool(group.case_sharing),
        "reporting": bool(group.reporting),
        "metadata": group.metadata,
        "resource_uri": f"{path}{group.group_id}/",
    }


def parse_group(
    body: Mapping[str, Any], *, shown: Mapping[str, Any] | None = None
) -> GroupChange:
    """Return what a body says of a group; raises ``Conflict`` that names the key.

    ``shown`` is the group as it is shown now: what is the same may be sent back.
    """
    now = shown or {}
    given: dict[str, Any] = {}
    for key, value in body.items():
        if key in _WRITABLE:
            field, check = _WRITABLE[key]
            given[field] = check(key, value)
        elif key not in now or now[key] != value:
            raise Conflict(f"'{printable(key)}' is not a valid field.", field=key)
    return GroupChange(**given)


def parse_objects(body: Mapping[str, Any]) -> list[Any]:
    """Return the objects of a PATCH; raises a 400 ``Problem`` without them."""
    if _OBJECTS not in body:
        raise invalid("Invalid data sent: missing 'objects'")
    found = body[_OBJECTS]
    if not isinstance(found, list):
        raise at_fault(_OBJECTS, f"'{_OBJECTS}' must be a list of objects")
    return found


def _name(key: str, value: Any) -> str:
    if value is None or value == "":
        raise Conflict("Name is required", field=key)
    if not isinstance(value, str):
        raise Conflict(f"'{key}' must be a string", field=key)
    return value


def _flag(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise Conflict(f"'{key}' must be true or false", field=key)
    return value


def _users(key: str, value: Any) -> Sequence[str]:
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise Conflict(f"'{key}' must be a list of strings", field=key)
    return value


def _metadata(key: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Conflict(f"'{key}' must be an object", field=key)
    return value


_WRITABLE: Mapping[str, tuple[str, Callable[[str, Any], Any]]] = {
    NAME: ("name", _name),
    "users": ("user_ids", _users),
    "case_sharing": ("case_sharing", _flag),
    "reporting": ("reporting", _flag),
    "metadata": ("metadata", _metadata),
}
"""The keys that may be written: the field of the change, and what it must be."""
