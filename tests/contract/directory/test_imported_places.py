"""Places of Sunbird are locations too, so that owners can be named by them.

The rules are those of rules/batch-imports.md 2.
"""

from __future__ import annotations

import pytest

from ledger.directory import location_types, locations
from ledger.directory.imported_places import ORGANISATION, Level, Place, keep_places
from tests.kit import build
from tests.kit.directory import OPERATOR, People

STATE = Level(code="state")
DISTRICT = Level(code="district", above=STATE)
BLOCK = Level(code="block", above=DISTRICT)
CLUSTER = Level(code="cluster", above=BLOCK)
SCHOOL = Level(code="school", above=CLUSTER)


@pytest.fixture
def people(store, proved_domain):
    return People(store, proved_domain)


def a_place(location_id, level, **more):
    return Place(
        **{"location_id": location_id, "name": location_id} | more, level=level
    )


def places_of(people):
    return {at.location_id: at for at in people.read(locations.list_locations)}


def test_an_imported_place_is_a_location_with_the_id_of_its_case(people):
    """Rules 2.4 and 2.6: the chain of types is made with the first place of a level."""
    state = a_place("c-1", STATE, site_code="KA")
    block = a_place("c-2", BLOCK, site_code="ka/1", parent_id="c-1")
    people.do(keep_places, [state, block])
    found = places_of(people)
    assert (found["c-1"].site_code, found["c-2"].site_code) == ("KA", "ka/1")
    assert found["c-2"].parent_id == "c-1"
    types = people.read(location_types.list_types)
    assert [(t.code, t.parent_id, t.shares_cases) for t in types] == [
        ("state", None, 0),
        ("district", 1, 0),
        ("block", 2, 0),
    ]
    assert people.noted()[-1]["locations"] == ["c-1", "c-2"]


def test_an_organisation_owns_cases(people):
    """An owner column can name it by its external id or its name."""
    people.do(
        keep_places,
        [
            a_place("o-1", ORGANISATION, name="Shala", site_code="ext-1"),
            a_place("o-2", ORGANISATION, name="Other School"),
        ],
    )
    assert people.owners("ext-1", "shala", "other_school") == ["o-1", "o-1", "o-2"]


def test_a_school_may_stand_where_the_types_do_not_say(people):
    """Rule 2.5.1: one or two levels below; and an operator can still rename it."""
    block = a_place("b", BLOCK)
    school = a_place("s", SCHOOL, parent_id="b")
    people.do(keep_places, [block, school])
    assert places_of(people)["s"].parent_id == "b"


def test_a_place_that_comes_again_changes_only_what_differs(people):
    """An update of a row; the same row again is no change and no note."""
    first = a_place("s", STATE, site_code="s")
    people.do(keep_places, [first])
    before, noted = places_of(people), people.noted()
    people.do(keep_places, [first])
    assert (places_of(people), people.noted()) == (before, noted)
    people.do(keep_places, [a_place("s", STATE, site_code="s", name="New")])
    after = places_of(people)["s"]
    assert (after.name, after.number, after.site_code) == ("New", 1, "s")
    assert after.created_on == before["s"].created_on


def test_a_code_that_is_taken_gets_a_number(people):
    """Codes of places and of organisations are different things in Sunbird."""
    people.do(keep_places, [a_place("a", STATE, site_code="x")])
    people.do(keep_places, [a_place("b", ORGANISATION, site_code="x")])
    people.do(keep_places, [a_place("b", ORGANISATION, site_code="x", name="Again")])
    assert [at.site_code for at in places_of(people).values()] == ["x", "x1"]


def test_a_closed_organisation_is_archived(people):
    """Its name and code name no owner until it is active again."""
    org = {"name": "Shala", "site_code": "e"}
    people.do(keep_places, [a_place("o", ORGANISATION, **org, is_open=False)])
    since = places_of(people)["o"].archived_on
    people.do(keep_places, [a_place("o", ORGANISATION, **org, is_open=False)])
    assert places_of(people)["o"].archived_on == since is not None
    assert people.owners("shala") == ["Invalid Owner Name"]
    people.do(keep_places, [a_place("o", ORGANISATION, **org)])
    assert people.owners("shala") == ["o"]


def test_places_are_kept_in_the_transaction_of_their_forms(people, store):
    """A session writes them behind its entries, in the same commit."""
    session_of(store)
    assert list(places_of(people)) == ["c1"]
    assert people.noted()[-1]["action"] == "locations imported"
    assert build.case_of(store, "c1").case_type == "location"


def session_of(store):
    """Append the form of a row, and the place that it makes."""

    class Row:
        size = 0

        def needs(self):
            return form.needs()

        def run(self, session):
            session.also.append(lambda w: keep_places(w, [place], author=author))
            return form.run(session)

        def failed(self, session, error):
            raise error

    block = build.a_create("c1", create={"case_type": "location"})
    form = build.a_submission(build.a_form([block]))
    place, author = a_place("c1", STATE), OPERATOR
    return build.write(store, Row())
