"""Where users work: the locations of each, one of them the primary one."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import bindparam, select

from ledger.directory.locations import locations_by_id
from ledger.directory.texts import listed
from ledger.directory.values import NOWHERE, Workplaces
from ledger.errors import Conflict
from ledger.stated import drop, put
from ledger.storage.connection import Statement
from ledger.storage.dialect import Row, in_list
from ledger.store import Reader, Writer
from ledger.tables import user_locations

_OF_USERS = Statement(
    select(
        user_locations.c.user_id,
        user_locations.c.place,
        user_locations.c.location_id,
        user_locations.c.is_primary,
    ).where(
        user_locations.c.domain == bindparam("domain"),
        in_list(user_locations.c.user_id, "user_ids"),
    )
)
_AT = Statement(
    select(user_locations.c.user_id, user_locations.c.location_id).where(
        user_locations.c.domain == bindparam("domain"),
        in_list(user_locations.c.location_id, "location_ids"),
    )
)


def workplaces_of(r: Reader, user_ids: Iterable[str]) -> dict[str, Workplaces]:
    """Return where each of these users works; nowhere is left out."""
    found: dict[str, Workplaces] = {}
    rows = r.conn.rows(_OF_USERS, domain=r.domain, user_ids=list(user_ids))
    for user_id, _, location_id, is_primary in sorted(rows):
        ids, primary = found.get(user_id, NOWHERE)
        primary = location_id if is_primary else primary
        found[user_id] = Workplaces((*ids, location_id), primary)
    return found


def users_at(r: Reader, location_ids: Iterable[str]) -> set[str]:
    """Return the ids of the users who work at one of these locations."""
    return {user_id for user_id, _ in _working_at(r, location_ids)}


def leave_workplaces(w: Writer, location_ids: Iterable[str]) -> None:
    """Have nobody work at these locations; whoever calls tells the log."""
    drop(w, user_locations, _working_at(w, location_ids))


def _working_at(r: Reader, location_ids: Iterable[str]) -> list[Row]:
    return r.conn.rows(_AT, domain=r.domain, location_ids=list(location_ids))


def check_workplaces(r: Reader, wanted: Workplaces) -> None:
    """Refuse places that cannot be given to a user.

    Raises ``Conflict`` with the texts of ``rules/hq-apis.md`` 6.3.
    """
    if bool(wanted.location_ids) != (wanted.primary is not None):
        raise Conflict(
            "Both primary_location and locations must be provided together.",
            field="primary_location",
        )
    if wanted.primary is not None and wanted.primary not in wanted.location_ids:
        raise Conflict(
            "Primary location must be included in the list of locations.",
            field="primary_location",
        )
    found = locations_by_id(r, wanted.location_ids)
    known = {i for i, at in found.items() if at.archived_on is None}
    missing = [i for i in wanted.location_ids if i not in known]
    if missing:
        text = f"Could not find location ids: {listed(missing)}."
        raise Conflict(text, field="locations")


def put_workplaces(w: Writer, user_id: str, wanted: Workplaces) -> None:
    """Replace where a user works; whoever calls has checked it and tells the log."""
    clear_workplaces(w, user_id)
    rows = [
        (w.domain, user_id, location_id, place, int(location_id == wanted.primary))
        for place, location_id in enumerate(dict.fromkeys(wanted.location_ids))
    ]
    put(w, user_locations, rows)


def clear_workplaces(w: Writer, user_id: str) -> None:
    """Have a user work nowhere."""
    ids, _ = workplaces_of(w, [user_id]).get(user_id, NOWHERE)
    drop(w, user_locations, [(user_id, location_id) for location_id in ids])
