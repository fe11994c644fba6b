"""Locations and organisations of an upload as places of the directory.

``rules/batch-imports.md`` 2.6h: so columns with owners can name them. Users are cases
only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from importers.sunbird.rules.known import Known
from importers.sunbird.rules.locations import LOCATION
from importers.sunbird.rules.organisations import ACTIVE
from importers.sunbird.rules.settings import SCHOOL, Rules
from ledger.directory.imported_places import ORGANISATION, Level, Place, keep_places
from ledger.directory.locations import locations_by_id
from ledger.entry import Author
from ledger.store import Writer


def keep(w: Writer, cases: Iterable[Known], *, rules: Rules, author: Author) -> None:
    """Make the directory show these cases; a parent that it does not have is none."""
    levels = _levels(rules)
    places = [_place(case, levels) for case in cases]
    parents = {place.parent_id for place in places if place.parent_id is not None}
    known = {*locations_by_id(w, parents), *(place.location_id for place in places)}
    kept = (p if p.parent_id in known else replace(p, parent_id=None) for p in places)
    keep_places(w, kept, author=author)


def _place(case: Known, levels: Mapping[str, Level]) -> Place:
    if case.case_type == LOCATION:
        return Place(
            location_id=case.case_id,
            name=case.name,
            level=levels[case.properties["location_type"]],
            site_code=case.external_id,
            parent_id=case.parent_id,
        )
    return Place(
        location_id=case.case_id,
        name=case.name,
        level=ORGANISATION,
        site_code=case.external_id,
        is_open=case.properties["org_status"] == ACTIVE,
    )


def _levels(rules: Rules) -> dict[str, Level]:
    """Return the types of places by name; a school has users, who share its cases."""
    found: dict[str, Level] = {}
    for chain in rules.location_types:
        above: Level | None = None
        for code in chain:
            level = Level(code=code, above=above, shares_cases=code == SCHOOL)
            above = found.setdefault(code, level)
    return found
