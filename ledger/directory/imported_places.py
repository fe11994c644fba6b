"""Places that an import brings: locations and organisations of Sunbird.

Its rows become cases (``rules/batch-imports.md`` 2.6). So that columns with owners
can name such places, each is also a location of the directory, whose id is the id of
the case. Whoever imports calls ``keep_places`` in the transaction of the forms
(``Session.also``). Users become cases only, never a way to sign in.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ledger.clock import now_micros
from ledger.directory.location_changes import free_site_code
from ledger.directory.location_types import create_type, list_types
from ledger.directory.locations import last_number, locations_by_id
from ledger.directory.texts import slug, without_case
from ledger.directory.values import Location, LocationType
from ledger.entry import Author
from ledger.log import record_directory
from ledger.stated import put
from ledger.store import Writer
from ledger.tables import locations


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A type that places of an import have; made when the first of them comes."""

    code: str
    above: Level | None = None
    shares_cases: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place as an import knows it.

    ``site_code`` is its code or external id; without one it is made of the name.
    """

    location_id: str
    name: str
    level: Level
    site_code: str | None = None
    parent_id: str | None = None
    is_open: bool = True


_SYSTEM = Author(user_id="system", username="system")
ORGANISATION = Level(code="organisation", shares_cases=True)


def keep_places(w: Writer, places: Iterable[Place], *, author: Author) -> None:
    """Make the directory show these places as they are now, in one note of the log.

    What an import says of a place stands, also where ``location_changes.py`` would
    refuse it: a school may stand below a cluster or a block. A site code that another
    place has gets a number.
    """
    wanted = {place.location_id: place for place in places}
    before = locations_by_id(w, wanted)
    types = {level: _type(w, level) for level in {p.level for p in wanted.values()}}
    kept = []
    for place in wanted.values():
        row = _row(w, place, before.get(place.location_id), types[place.level])
        if row != before.get(place.location_id):
            put(w, locations, [row])
            kept.append(row.location_id)
    if kept:
        details = {"locations": kept}
        now = now_micros()
        record_directory(
            w, "locations imported", details, user_id=author.user_id, now=now
        )


def _row(
    w: Writer, place: Place, before: Location | None, of_type: LocationType
) -> Location:
    now = now_micros()
    row = Location(
        w.domain,
        place.location_id,
        last_number(w) + 1 if before is None else before.number,
        place.name,
        without_case(place.name),
        _site_code(w, place, before),
        of_type.type_id,
        place.parent_id,
        place.site_code,
        None if before is None else before.latitude,
        None if before is None else before.longitude,
        "{}" if before is None else before.data,
        now if before is None else before.created_on,
        now if before is None else before.changed_on,
        None if place.is_open else (before and before.archived_on) or now,
    )
    if before is None or row == before:
        return row
    return row._replace(changed_on=now)


def _site_code(w: Writer, place: Place, before: Location | None) -> str:
    if before is not None and place.site_code in {None, before.external_id}:
        return before.site_code
    return free_site_code(w, place.site_code or slug(place.name, default="location"))


def _type(w: Writer, level: Level) -> LocationType:
    for found in list_types(w):
        if level.code in {found.code, found.name}:
            return found
    return create_type(
        w,
        level.code,
        code=level.code,
        parent=None if level.above is None else _type(w, level.above),
        author=_SYSTEM,
        administrative=not level.shares_cases,
        shares_cases=level.shares_cases,
    )
