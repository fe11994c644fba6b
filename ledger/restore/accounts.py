"""Who a user is to a device, and whose cases it gets (``rules/restore.md`` 3.5)."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.directory.groups import groups_of
from ledger.directory.location_types import types_of
from ledger.directory.locations import and_above, and_below, locations_by_id
from ledger.directory.values import (
    NOWHERE,
    Location,
    LocationTypes,
    User,
    Workplaces,
)
from ledger.directory.workplaces import workplaces_of
from ledger.restore.values import Account, SharingGroup
from ledger.store import Reader


def account_of(r: Reader, user: User) -> Account:
    """Return what a device is told of its user."""
    work = workplaces_of(r, [user.user_id]).get(user.user_id, NOWHERE)
    name = user.username
    return Account(
        user_id=user.user_id,
        short_name=name.partition("@")[0] if user.is_worker else name,
        created_on=user.created_on,
        data=_data(user, work),
        groups=_sharing_groups(r, user, work),
    )


def _data(user: User, work: Workplaces) -> dict[str, str]:
    """Return what a restore says of a user (``rules/restore.md`` 4.4)."""
    profile = user.profile
    found = {
        **profile.user_data,
        "commcare_first_name": profile.first_name,
        "commcare_last_name": profile.last_name,
        "commcare_phone_number": profile.default_phone_number or "",
        "commcare_project": user.domain,
        "commcare_profile": "",
    }
    if work.primary is not None:
        found["commcare_location_id"] = work.primary
        found["commcare_primary_case_sharing_id"] = work.primary
        found["commcare_location_ids"] = " ".join(work.location_ids)
    return found


def _sharing_groups(r: Reader, user: User, work: Workplaces) -> list[SharingGroup]:
    """Return what owns cases for a user beside the user: groups, then places, by name.

    A web user has none.
    """
    if not user.is_worker:
        return []
    groups = [
        SharingGroup(group.group_id, group.name)
        for group in groups_of(r, [user.user_id]).get(user.user_id, [])
        if group.case_sharing
    ]
    return [
        *sorted(groups, key=lambda group: (group.name, group.group_id)),
        *sorted(
            _places(r, work.location_ids),
            key=lambda place: (place.name, place.group_id),
        ),
    ]


def _places(r: Reader, location_ids: Sequence[str]) -> list[SharingGroup]:
    if not location_ids:
        return []
    types = types_of(r)
    own = locations_by_id(r, location_ids)
    from_above = [
        place.location_id
        for place in own.values()
        if types.by_id[place.type_id].view_descendants
    ]
    found = locations_by_id(r, {*own, *and_below(r, from_above)})
    sharing = [place for place in found.values() if _owns(place, types)]
    above = locations_by_id(r, and_above(r, [place.location_id for place in sharing]))
    owning = [SharingGroup(place.location_id, _path(place, above)) for place in sharing]
    return sorted(owning, key=lambda place: (place.name, place.group_id))


def _owns(place: Location, types: LocationTypes) -> bool:
    return place.archived_on is None and bool(types.by_id[place.type_id].shares_cases)


def _path(place: Location, above: dict[str, Location]) -> str:
    """Return the names from the top to a place: several may have the same."""
    names = [place.name]
    while place.parent_id is not None and place.parent_id in above:
        place = above[place.parent_id]
        names.append(place.name)
    return "/".join(reversed(names))
