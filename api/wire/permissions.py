"""Who may do what: the one place that says no. Pure.

Every route names a permission (``routes.py``); a role is a set of permissions
(``rules/operator.md`` 5.1). What a read-only key may do is cut from the role.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from api.wire.problems import OutOfScope, not_permitted

_DOUBLED = re.compile("//+")


class Permission(Enum):
    """What a route asks of whoever calls it."""

    OPEN = "open"
    """Nothing: the process's own pages, preflights, the open receiver."""
    MEMBER = "member"
    """Any user of the domain."""
    READ_DATA = "read data"
    READ_WEB_USERS = "read web users"
    EDIT_DATA = "edit data"
    SUBMIT_FORMS = "submit forms"
    RESTORE = "restore"
    MANAGE = "manage"


ROLES: dict[str, frozenset[Permission]] = {
    "admin": frozenset(Permission),
    "editor": frozenset(Permission) - {Permission.MANAGE},
    "viewer": frozenset({Permission.OPEN, Permission.MEMBER, Permission.READ_DATA}),
    "mobile": frozenset(
        {
            Permission.OPEN,
            Permission.MEMBER,
            Permission.SUBMIT_FORMS,
            Permission.RESTORE,
        }
    ),
}
"""The permissions of each role."""

READING = frozenset(
    {
        Permission.OPEN,
        Permission.MEMBER,
        Permission.READ_DATA,
        Permission.READ_WEB_USERS,
        Permission.RESTORE,
    }
)
"""What a read-only key may do at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A member of a domain, as one credential lets them in.

    A ``scope`` names the paths below the domain that the credential is for.
    """

    domain: str
    user_id: str
    username: str
    key_id: str | None
    permissions: frozenset[Permission]
    scope: str | None = None


def granted(role: str, *, reading_only: bool) -> frozenset[Permission]:
    """Return what a role, through a key that may be read-only, can do."""
    permissions = ROLES.get(role, frozenset())
    return permissions & READING if reading_only else permissions


def check(permissions: frozenset[Permission], permission: Permission) -> None:
    """Let through whoever has the permission; raises a 403 ``Problem`` otherwise."""
    if permission not in permissions:
        raise not_permitted()


def check_scope(scope: str, path: str) -> None:
    """Let through a key whose scope covers a path; raises a 403 ``Problem`` otherwise.

    The scope is what the path below the domain begins with; one that begins with an
    ``=`` is the whole of it (``rules/batch-imports.md`` 1.2). Slashes count as they do
    where a path is found.
    """
    _, *place = _DOUBLED.sub("/", path).split("/", 3)
    below = f"/{place[2]}" if len(place) == 3 and place[0] == "a" else ""  # noqa: PLR2004
    is_exact = scope.startswith("=")
    whole = below.rstrip("/") == scope[1:].rstrip("/")
    if not (whole if is_exact else below.startswith(scope)):
        raise OutOfScope
