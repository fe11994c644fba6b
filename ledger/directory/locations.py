"""Locations: the places of a domain, one tree for each type without a parent."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

from sqlalchemy import Select, bindparam, select

from ledger.directory.texts import without_case
from ledger.directory.values import Location
from ledger.storage.connection import Statement
from ledger.storage.dialect import in_list
from ledger.store import Reader
from ledger.tables import locations


def _where(*conditions: Any) -> Select[Any]:
    return select(*locations.c).where(
        locations.c.domain == bindparam("domain"), *conditions
    )


_ALL = Statement(_where().order_by(locations.c.number))
_BY_IDS = Statement(_where(in_list(locations.c.location_id, "wanted")))
_BY_CODES = Statement(_where(in_list(locations.c.site_code, "wanted")))
_BY_NAMES = Statement(_where(in_list(locations.c.name_key, "wanted")))
_BY_PARENTS = Statement(_where(in_list(locations.c.parent_id, "wanted")))
_LAST_NUMBER = Statement(
    select(locations.c.number)
    .where(locations.c.domain == bindparam("domain"))
    .order_by(locations.c.number.desc())
    .limit(1)
)


def get_location(r: Reader, location_id: str) -> Location | None:
    """Return the location with an id, archived or not; served by the primary key."""
    return locations_by_id(r, [location_id]).get(location_id)


def find_location(r: Reader, site_code: str) -> Location | None:
    """Return the location with a site code, archived or not."""
    return locations_by_code(r, [site_code]).get(site_code)


def list_locations(r: Reader) -> list[Location]:
    """Return all locations of the domain in the order in which they were made."""
    return [Location(*row) for row in r.conn.rows(_ALL, domain=r.domain)]


def locations_by_id(r: Reader, ids: Iterable[str]) -> dict[str, Location]:
    """Return the locations with these ids; served by the primary key."""
    return {found.location_id: found for found in _asked(r, _BY_IDS, ids)}


def locations_by_code(r: Reader, site_codes: Iterable[str]) -> dict[str, Location]:
    """Return the locations with these site codes; served by ``ix_locations_code``."""
    return {found.site_code: found for found in _asked(r, _BY_CODES, site_codes)}


def locations_by_name(r: Reader, names: Iterable[str]) -> dict[str, list[Location]]:
    """Return the locations with these names, whatever the case, by ``name_key``."""
    found: dict[str, list[Location]] = {}
    for location in _asked(r, _BY_NAMES, {without_case(name) for name in names}):
        found.setdefault(location.name_key, []).append(location)
    return found


def children_of(r: Reader, ids: Iterable[str]) -> list[Location]:
    """Return what stands directly below these locations, archived ones too."""
    return _asked(r, _BY_PARENTS, ids)


def and_below(r: Reader, ids: Iterable[str]) -> set[str]:
    """Return the ids of these locations and of all below them."""
    return _spread(ids, lambda level: [f.location_id for f in children_of(r, level)])


def and_above(r: Reader, ids: Iterable[str]) -> set[str]:
    """Return the ids of these locations and of all above them."""
    return _spread(
        ids,
        lambda level: [
            found.parent_id
            for found in locations_by_id(r, level).values()
            if found.parent_id is not None
        ],
    )


def those_within(r: Reader, ids: Collection[str], bounds: Collection[str]) -> set[str]:
    """Return those of the locations that are, or lie below, one of ``bounds``.

    The ways up are followed for all of them at once, a query for each level.
    """
    above: dict[str, str | None] = {}
    level = set(ids)
    while level:
        found = locations_by_id(r, level)
        above.update((i, at.parent_id) for i, at in found.items())
        level = {at.parent_id for at in found.values() if at.parent_id} - above.keys()
    return {i for i in ids if not set(_way_up(i, above)).isdisjoint(bounds)}


def last_number(r: Reader) -> int:
    """Return the number of the location that was made last, 0 without any."""
    found: int | None = r.conn.value(_LAST_NUMBER, domain=r.domain)
    return found or 0


def _way_up(location_id: str, above: dict[str, str | None]) -> list[str]:
    way: list[str] = []
    at: str | None = location_id
    while at is not None and at not in way:
        way.append(at)
        at = above.get(at)
    return way


def _spread(
    ids: Iterable[str], following: Callable[[set[str]], Iterable[str]]
) -> set[str]:
    reached: set[str] = set()
    level = set(ids)
    while level:
        reached |= level
        level = set(following(level)) - reached
    return reached


def _asked(r: Reader, statement: Statement, wanted: Iterable[str]) -> list[Location]:
    values = list(wanted)
    if not values:
        return []
    rows = r.conn.rows(statement, domain=r.domain, wanted=values)
    return [Location(*row) for row in rows]
