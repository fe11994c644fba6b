"""Mobile workers as JSON (``rules/hq-apis.md`` 6.1). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ledger.directory.values import NOWHERE, User, Workplaces

BULK_KEYS = (
    "id",
    "email",
    "username",
    "first_name",
    "last_name",
    "phone_numbers",
    "resource_uri",
)
"""The keys of a worker in the list ``bulk-user``."""


class Worker(NamedTuple):
    """A mobile worker with the groups and the places that they are in."""

    user: User
    group_ids: tuple[str, ...] = ()
    workplaces: Workplaces = NOWHERE


def worker_to_wire(worker: Worker, *, path: str) -> dict[str, Any]:
    """Return a worker as it is shown; ``path`` is that of the list it is in."""
    user, at = worker.user, worker.workplaces
    about = user.profile
    return {
        "id": user.user_id,
        "username": user.username,
        "first_name": about.first_name,
        "last_name": about.last_name,
        "email": about.email,
        "language": about.language,
        "default_phone_number": about.default_phone_number,
        "phone_numbers": list(about.phone_numbers),
        "groups": list(worker.group_ids),
        "primary_location": at.primary,
        "locations": list(at.location_ids),
        # A worker has none of the roles that web users have.
        "role": None,
        "user_data": {**about.user_data, **system_data(user.domain, at)},
        "eulas": "[]",
        "resource_uri": f"{path}{user.user_id}/",
    }


def system_data(domain: str, at: Workplaces) -> dict[str, str]:
    """Return the custom data that the server makes of the other fields (rule 6.1)."""
    found = {"commcare_project": domain, "commcare_profile": ""}
    if at.primary is not None:
        found |= {
            "commcare_location_id": at.primary,
            "commcare_primary_case_sharing_id": at.primary,
            "commcare_location_ids": " ".join(at.location_ids),
        }
    return found


def bulk_to_wire(user: User, keys: Sequence[str], *, path: str) -> dict[str, Any]:
    """Return these keys of a worker; ``path`` is that of the list it is in."""
    shown = worker_to_wire(Worker(user), path=path)
    return {key: shown[key] for key in keys}
