"""Location types and locations: what may stand where, and who works there.

The rules are those of rules/hq-apis.md 6, 10 and 11.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from ledger.directory import (
    location_changes,
    location_types,
    locations,
    workplaces,
)
from ledger.directory.location_changes import wish_of
from ledger.directory.values import LocationWish, Workplaces
from ledger.errors import Conflict
from tests.kit.directory import refused, update


def test_types_have_numbers_codes_and_a_place(people, district, clinic):
    """Rule 10.1: integers, a slug of the name."""
    assert [(t.type_id, t.code, t.parent_id) for t in (district, clinic)] == [
        (1, "district", None),
        (2, "clinic", 1),
    ]
    for name, code in (("Other", "clinic"), ("Clinic", "other"), ("X", "Not a slug")):
        refused(people, location_types.create_type, name, code=code)


def test_what_places_of_a_type_may_do_can_change(people, clinic):
    """Its code and parent stay, since places stand by them."""
    wanted = clinic._replace(shares_cases=0, code="else", parent_id=None, name="Post")
    after = people.do(location_types.update_type, wanted)
    assert (after.code, after.parent_id, after.name) == ("clinic", 1, "Post")
    assert people.read(location_types.find_type, "clinic") == after
    assert after.shares_cases == 0


def test_a_place_has_a_number_and_a_code_made_of_its_name(people, district, clinic):
    """Rule 11.2: lower case, blanks to ``_``, made unique with a number."""
    top = people.place("North East", district)
    codes = [people.place("Clinic", clinic, at).site_code for at in (top,)]
    second = people.place("South", district)
    codes.append(people.place("CLINIC", clinic, second).site_code)
    assert (top.number, top.site_code) == (1, "north_east")
    assert codes == ["clinic", "clinic1"]
    assert people.place("医院", clinic, top).site_code == "location"


def test_coordinates_have_ten_decimals(people, district):
    """Rule 10.2: strings such as ``11.1234567891``."""
    made = people.place("A", district, latitude="11.12345678912", longitude="-7")
    assert (made.latitude, made.longitude) == ("11.1234567891", "-7.0000000000")
    for bad in ("x", "nan", "1e9", ""):
        with pytest.raises(Conflict, match="'latitude' must be a number of degrees"):
            people.place("B", district, latitude=bad)


def placed(people, **more):
    """Return why a place cannot be made."""
    with pytest.raises(Conflict) as caught:
        people.do(location_changes.create_location, LocationWish(**more))
    return caught.value.text


def test_a_place_stands_where_its_type_may(people, district, clinic):
    """Rule 11.3: each condition with its text."""
    top = people.place("Top", district)
    below = people.place("Below", clinic, top, site_code="below-1")
    ids = {"top": top.location_id, "below": below.location_id}
    assert placed(people, name="", type_code="district") == (
        "'name' and 'location_type_code' are required fields when creating a new "
        "location."
    )
    assert "'nothing'" in placed(people, name="x", type_code="nothing")
    assert "needs a parent" in placed(people, name="x", type_code="clinic")
    assert placed(people, name="x", type_code="clinic", parent_id="gone") == (
        "Could not find parent location with the given ID."
    )
    assert placed(people, name="x", type_code="clinic", parent_id=ids["below"]) == (
        "The selected parent location cannot have child locations!"
    )
    assert placed(people, name="x", type_code="district", parent_id=ids["top"]) == (
        "Parent cannot have children of this location's type."
    )
    assert placed(people, name="Below", type_code="clinic", parent_id=ids["top"]) == (
        "Location with same name and parent already exists."
    )
    for code in ("below-1", "Upper", "", "a b"):
        found = placed(people, name="x", type_code="district", site_code=code)
        assert "site_code" in found


def test_a_place_can_be_changed(people, district, clinic):
    """Rule 11.2: a new name without a code renews the code; children hold the type."""
    top, other = people.place("Top", district), people.place("Other", district)
    below = people.place("Below", clinic, top)
    types = people.read(location_types.types_of)
    wish = wish_of(below, types)
    renamed = people.do(
        location_changes.update_location,
        below,
        replace(wish, name="Moved", parent_id=other.location_id),
    )
    assert (renamed.site_code, renamed.parent_id) == ("moved", other.location_id)
    found = people.read(locations.get_location, below.location_id)
    assert found == renamed
    change = location_changes.update_location
    wish = wish_of(other, types)
    text, _ = refused(people, change, other, replace(wish, type_code="clinic"))
    assert text == "You cannot change the location type of a location with children"
    under_itself = replace(wish, parent_id=other.location_id)
    text, _ = refused(people, change, other, under_itself)
    assert text == "A location cannot stand below itself"
    assert people.do(change, top, wish_of(top, types)) == top


def test_an_archived_place_takes_those_below_along(people, district, clinic):
    """Nobody works there; opened again, it brings back what is above it."""
    top = people.place("Top", district)
    below = people.place("Below", clinic, top)
    amina = people.user("amina", "mobile")
    people.works_at(amina, below)
    both = {top.location_id, below.location_id}
    archive = location_changes.archive_location
    assert people.do(archive, top.location_id) == both
    assert people.do(archive, top.location_id) == set()
    assert people.read(workplaces.workplaces_of, [amina.user_id]) == {}
    assert people.do(location_changes.unarchive_location, below.location_id) == both
    assert people.read(locations.get_location, top.location_id).archived_on is None
    actions = [noted["action"] for noted in people.noted()[-2:]]
    assert actions == ["locations archived", "locations unarchived"]


def test_where_somebody_works_must_be_there(people, district):
    """Rule 6.3, with its texts."""
    amina = people.user("amina", "mobile")
    here, gone = people.place("Here", district), people.place("Gone", district)
    people.do(location_changes.archive_location, gone.location_id)
    texts = [
        refused(people, update, amina, workplaces=Workplaces(*wanted))[0]
        for wanted in (
            ((here.location_id,), None),
            ((), here.location_id),
            ((here.location_id,), "x"),
            ((gone.location_id, "x"), "x"),
        )
    ]
    together = "Both primary_location and locations must be provided together."
    ids = ", ".join(sorted((gone.location_id, "x")))
    assert texts == [
        together,
        together,
        "Primary location must be included in the list of locations.",
        f"Could not find location ids: {ids}.",
    ]


def test_places_of_a_user_keep_their_order(people, district):
    """Rule 6.1: in the order given, one of them primary; and they can be cleared."""
    amina = people.user("amina", "mobile")
    ids = tuple(people.place(name, district).location_id for name in "CAB")
    people.change(amina, workplaces=Workplaces(ids, ids[1]))
    found = people.read(workplaces.workplaces_of, [amina.user_id])
    assert found == {amina.user_id: Workplaces(ids, ids[1])}
    assert people.read(workplaces.users_at, ids[2:]) == {amina.user_id}
    people.change(amina, workplaces=Workplaces())
    assert people.read(workplaces.workplaces_of, [amina.user_id]) == {}
