"""Changes of locations: what may stand where, and what they are called.

The rules and texts are those of ``rules/hq-apis.md`` 11.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from itertools import count, islice
from typing import Any

import orjson

from ledger.clock import now_micros
from ledger.directory.location_types import types_of
from ledger.directory.locations import (
    and_above,
    and_below,
    children_of,
    find_location,
    get_location,
    last_number,
    locations_by_code,
    locations_by_id,
    locations_by_name,
)
from ledger.directory.texts import checked_text, checked_value, slug, without_case
from ledger.directory.values import Location, LocationTypes, LocationWish
from ledger.directory.workplaces import leave_workplaces
from ledger.entry import Author
from ledger.errors import Conflict
from ledger.ids import new_hex_id
from ledger.log import record_directory
from ledger.stated import put
from ledger.store import Writer
from ledger.tables import locations

_SITE_CODE = re.compile(r"[a-z0-9_-]+")
_LARGEST_DEGREE = 1000
_TRIED_AT_ONCE = 100


def wish_of(location: Location, types: LocationTypes) -> LocationWish:
    """Return what a location is now, to be changed and given to ``update_location``.

    The site code is left out, so that it follows the name.
    """
    return LocationWish(
        name=location.name,
        type_code=types.by_id[location.type_id].code,
        parent_id=location.parent_id,
        external_id=location.external_id,
        latitude=location.latitude,
        longitude=location.longitude,
        data=orjson.loads(location.data),
    )


def create_location(w: Writer, wish: LocationWish, *, author: Author) -> Location:
    """Add a location; raises ``Conflict`` when it may not stand where it is wished."""
    now = now_micros()
    made = _as_row(w, wish, None)._replace(
        number=last_number(w) + 1, created_on=now, changed_on=now
    )
    put(w, locations, [made])
    record_directory(
        w, "location created", _told(made), user_id=author.user_id, now=now
    )
    return made


def update_location(
    w: Writer, before: Location, wish: LocationWish, *, author: Author
) -> Location:
    """Make a location what is wished; raises ``Conflict`` when it may not be that."""
    after = _as_row(w, wish, before)
    if after == before:
        return before
    now = now_micros()
    after = after._replace(changed_on=now)
    put(w, locations, [after])
    record_directory(
        w, "location changed", _told(after), user_id=author.user_id, now=now
    )
    return after


def archive_location(w: Writer, location_id: str, *, author: Author) -> set[str]:
    """Close a location and all below it; nobody works there any longer.

    Returns the ids of those that were open.
    """
    closed = _mark(w, and_below(w, [location_id]), now_micros())
    if closed:
        leave_workplaces(w, sorted(closed))
        _record_ids(w, "locations archived", closed, author)
    return closed


def unarchive_location(w: Writer, location_id: str, *, author: Author) -> set[str]:
    """Open a location again with all above and below it; return which were closed."""
    meant = and_below(w, [location_id]) | and_above(w, [location_id])
    opened = _mark(w, meant, None)
    if opened:
        _record_ids(w, "locations unarchived", opened, author)
    return opened


def free_site_code(w: Writer, wanted: str) -> str:
    """Return a site code that nobody has: this one, or this one with a number."""
    numbered = (f"{wanted}{n}" if n else wanted for n in count())
    while True:
        tried = list(islice(numbered, _TRIED_AT_ONCE))
        taken = locations_by_code(w, tried)
        for code in tried:
            if code not in taken:
                return code


def _as_row(w: Writer, wish: LocationWish, before: Location | None) -> Location:
    """Return the row of a wish once every rule has been asked."""
    name = checked_text("name", wish.name)
    if not name or not wish.type_code:
        raise Conflict(
            "'name' and 'location_type_code' are required fields when creating a new "
            "location.",
            field="location_type_code" if name else "name",
        )
    type_id = _checked_type(w, wish, before)
    _check_name(w, name, wish.parent_id, before)
    return Location(
        w.domain,
        new_hex_id() if before is None else before.location_id,
        0 if before is None else before.number,
        name,
        without_case(name),
        _site_code(w, name, wish.site_code, before),
        type_id,
        wish.parent_id,
        checked_text("external_id", wish.external_id or "") or None,
        _degrees("latitude", wish.latitude),
        _degrees("longitude", wish.longitude),
        _data_text(wish.data),
        0 if before is None else before.created_on,
        0 if before is None else before.changed_on,
        None if before is None else before.archived_on,
    )


def _checked_type(w: Writer, wish: LocationWish, before: Location | None) -> int:
    types = types_of(w)
    found = types.by_code.get(wish.type_code)
    if found is None:
        text = f"There is no location type with location_type_code '{wish.type_code}'"
        raise Conflict(text, field="location_type_code")
    if before is not None:
        if before.type_id == found.type_id and before.parent_id == wish.parent_id:
            # What an import placed elsewhere than the types say may stay there.
            return found.type_id
        _check_move(w, before, wish.parent_id, changes=before.type_id != found.type_id)
    _check_parent(w, wish, types)
    return found.type_id


def _check_parent(w: Writer, wish: LocationWish, types: LocationTypes) -> None:
    wanted = types.by_code[wish.type_code]
    if wish.parent_id is None:
        if wanted.parent_id is not None:
            text = f"A location of location_type_code '{wanted.code}' needs a parent"
            raise Conflict(text, field="location_type_code")
        return
    parent = get_location(w, wish.parent_id)
    if parent is None or parent.archived_on is not None:
        text = "Could not find parent location with the given ID."
        raise Conflict(text, field="parent_location_id")
    if not types.has_below(parent.type_id):
        text = "The selected parent location cannot have child locations!"
        raise Conflict(text, field="parent_location_id")
    if wanted.parent_id != parent.type_id:
        text = "Parent cannot have children of this location's type."
        raise Conflict(text, field="parent_location_id")


def _check_move(
    w: Writer, before: Location, parent_id: str | None, *, changes: bool
) -> None:
    if changes and children_of(w, [before.location_id]):
        raise Conflict(
            "You cannot change the location type of a location with children",
            field="location_type_code",
        )
    if parent_id is not None and parent_id in and_below(w, [before.location_id]):
        text = "A location cannot stand below itself"
        raise Conflict(text, field="parent_location_id")


def _check_name(
    w: Writer, name: str, parent_id: str | None, before: Location | None
) -> None:
    if before is not None and (name, parent_id) == (before.name, before.parent_id):
        return
    for others in locations_by_name(w, [name]).values():
        for other in others:
            is_open = other.archived_on is None
            if is_open and (other.name, other.parent_id) == (name, parent_id):
                text = "Location with same name and parent already exists."
                raise Conflict(text, field="name")


def _site_code(
    w: Writer, name: str, wanted: str | None, before: Location | None
) -> str:
    if wanted is None:
        if before is not None and before.name == name:
            return before.site_code
        return free_site_code(w, slug(name, default="location"))
    if before is not None and before.site_code == wanted:
        return wanted
    if _SITE_CODE.fullmatch(checked_text("site_code", wanted)) is None:
        text = "'site_code' must be lower-case letters, digits, '-' and '_'"
        raise Conflict(text, field="site_code")
    if find_location(w, wanted) is not None:
        text = f"The site_code '{wanted}' is already in use"
        raise Conflict(text, field="site_code")
    return wanted


def _degrees(name: str, given: str | None) -> str | None:
    """Return a coordinate with ten decimals, as it is shown."""
    if given is None:
        return None
    try:
        degrees = Decimal(given)
        if degrees.is_finite() and abs(degrees) < _LARGEST_DEGREE:
            return f"{degrees:.10f}"
    except InvalidOperation:
        pass
    raise Conflict(f"'{name}' must be a number of degrees", field=name)


def _data_text(data: Mapping[str, str]) -> str:
    checked = {
        checked_text("location_data", key): checked_value("location_data", value)
        for key, value in data.items()
    }
    return orjson.dumps(checked).decode()


def _mark(w: Writer, ids: Iterable[str], archived_on: int | None) -> set[str]:
    """Archive or open those of the locations that are not so yet; return their ids."""
    found = locations_by_id(w, ids).values()
    meant = [at for at in found if (at.archived_on is None) != (archived_on is None)]
    now = now_micros()
    put(
        w,
        locations,
        [at._replace(archived_on=archived_on, changed_on=now) for at in meant],
    )
    return {at.location_id for at in meant}


def _record_ids(w: Writer, action: str, ids: set[str], author: Author) -> None:
    record_directory(
        w,
        action,
        {"locations": sorted(ids)},
        user_id=author.user_id,
        now=now_micros(),
    )


def _told(found: Location) -> dict[str, Any]:
    """Return what the log is told of a location."""
    return {
        "location": found.location_id,
        "name": found.name,
        "site_code": found.site_code,
        "location_type": found.type_id,
        "parent": found.parent_id,
        "external_id": found.external_id,
        "latitude": found.latitude,
        "longitude": found.longitude,
        "data": orjson.loads(found.data),
    }
