"""Whom an owner column means: ``rules/excel-import.md`` 10, row by row."""

from __future__ import annotations

import pytest

from ledger.directory import groups, location_changes, users
from ledger.directory.owners import OwnerKind, OwnerProblem, resolve_owners
from ledger.directory.profiles import Profile
from ledger.entry import Author
from tests.kit import build
from tests.kit.directory import OPERATOR, People, as_author

UNKNOWN, INVALID, TWICE, OUTSIDE = (
    "Invalid Owner Name",
    "Invalid Owner",
    "Duplicated Location Name",
    "Invalid Location",
)


@pytest.fixture
def people(store):
    """Begin with a domain without people."""
    return People(store, build.a_domain(store))


@pytest.fixture
def ward(people):
    """Make a type whose places share cases."""
    return people.type("Ward", shares_cases=True)


def test_a_name_is_a_user_first_then_a_group_then_a_place(people, ward):
    """Order of lookup, first hit wins."""
    place = people.place("Amina", ward, site_code="x")
    assert people.owners("amina") == [place.location_id]
    group = people.group("amina", case_sharing=True)
    assert people.owners("amina") == [group.group_id]
    web = people.user("amina")
    assert people.owners("amina") == [web.user_id]
    worker = people.user("amina", "mobile")
    assert people.owners("amina") == [worker.user_id]


def test_a_verdict_tells_what_the_owner_is(people, ward):
    """A user, a group or a location."""
    people.user("ann@example.org")
    people.group("G", case_sharing=True)
    people.place("P", ward)
    names = ["ann@example.org", "G", "P"]
    found = people.read(resolve_owners, names, importer=OPERATOR)
    assert [found[name].kind for name in names] == list(OwnerKind)


@pytest.mark.parametrize("name", ["amina", "AMINA", "Amina@DEMO.commcarehq.org"])
def test_a_worker_is_named_in_short_or_in_full(people, name):
    """Rule 10.2: a name without ``@`` is completed, in lower case."""
    worker = people.user("amina", "mobile")
    assert people.owners(name) == [worker.user_id]


def test_a_web_user_is_named_as_written_or_in_lower_case(people):
    """Rule 10.2: username."""
    upper, lower = people.user("Ann@x.org"), people.user("ann@x.org")
    assert people.owners("Ann@x.org", "ANN@x.org") == [upper.user_id, lower.user_id]


def test_a_group_is_named_exactly(people):
    """Rule 10.2: exact group name in the domain."""
    group = people.group("Team A", case_sharing=True)
    assert people.owners("Team A", "team a") == [group.group_id, UNKNOWN]


def test_a_place_is_named_by_its_code_or_by_its_name_in_any_case(people, ward):
    """Rule 10.2: exact site code; if none, name without regard to case."""
    first = people.place("Straße", ward, site_code="north")
    second = people.place("North", ward, site_code="other")
    assert people.owners("north", "NORTH", "STRASSE", "straße") == [
        first.location_id,
        second.location_id,
        first.location_id,
        first.location_id,
    ]


def test_a_name_of_nobody_is_invalid(people, ward):
    """``owner_name`` names nobody."""
    gone = people.place("Gone", ward)
    people.do(location_changes.archive_location, gone.location_id)
    assert people.owners("nobody", "Gone", "gone") == [UNKNOWN] * 3


def test_a_name_of_two_places_is_refused_unless_it_is_a_code(people, ward):
    """Several locations with that name, and no such site code (example 14)."""
    top = people.type("Top")
    under = people.type("Under", top, shares_cases=True)
    parents = [people.place(name, top) for name in "AB"]
    twins = [
        people.place("Twin", under, at, site_code=f"t{n}")
        for n, at in enumerate(parents)
    ]
    assert people.owners("TWIN", "twin", "t1") == [TWICE, TWICE, twins[1].location_id]
    assert not OwnerProblem.DUPLICATE_NAME.has_column
    people.do(location_changes.archive_location, twins[0].location_id)
    assert people.owners("twin") == [twins[1].location_id]


def test_who_may_not_own_cases_is_refused_by_name_and_by_id(people):
    """No member, a group without case sharing, a type that does not share."""
    group = people.group("Plain")
    place = people.place("Office", people.type("Office"))
    left = people.user("left@x.org")
    people.change(left, active=False)
    assert people.owners("Plain", "Office", "left@x.org") == [INVALID] * 3
    ids = group.group_id, place.location_id, left.user_id
    assert people.owner_ids(*ids) == [INVALID] * 3


def test_a_worker_who_was_deactivated_still_owns(people):
    """Only membership counts, so an export can be imported again."""
    worker = people.user("amina", "mobile")
    people.change(worker, active=False)
    assert people.owners("amina") == [worker.user_id]
    assert people.owner_ids(worker.user_id) == [worker.user_id]


def test_ids_are_looked_up_among_users_groups_and_places(people, ward):
    """``owner_id``; an unknown one is Invalid Owner."""
    ids = [
        people.user("amina", "mobile").user_id,
        people.group("G", case_sharing=True).group_id,
        people.place("P", ward).location_id,
    ]
    assert people.owner_ids(*ids, "unknown", "amina", "P") == [*ids, *[INVALID] * 3]


def test_whoever_was_deleted_owns_nothing_new(people):
    """Deleted users and groups are nobody."""
    user, group = people.user("amina", "mobile"), people.group("G", case_sharing=True)
    people.do(users.delete_user, user)
    people.do(groups.delete_group, group)
    assert people.owners("amina", "G") == [UNKNOWN] * 2
    assert people.owner_ids(user.user_id, group.group_id) == [INVALID] * 2


def test_people_of_other_domains_are_nobody_here(people, store):
    """A user, group or location of another domain."""
    other = People(store, build.a_domain(store, "other"))
    user = other.user("ann@x.org")
    group = other.group("G", case_sharing=True)
    place = other.place("P", other.type("T", shares_cases=True))
    assert people.owners("ann@x.org", "G", "P") == [UNKNOWN] * 3
    ids = user.user_id, group.group_id, place.location_id
    assert people.owner_ids(*ids) == [INVALID] * 3


def test_the_importing_user_may_own_without_a_row(people):
    """[P] whoever was authenticated counts, whatever the directory says."""
    stranger = Author(user_id="s-1", username="stranger@x.org")
    assert people.owners("stranger@x.org", importer=stranger) == ["s-1"]
    assert people.owner_ids("s-1", importer=stranger) == ["s-1"]
    assert people.owners("operator", importer=OPERATOR) == ["operator"]


# Limited to places (example 16)


@pytest.fixture
def tree(people):
    """Make two regions with a ward each, and return a way to limit a user to one."""
    region = people.type("Region", shares_cases=True)
    ward = people.type("Ward", region, shares_cases=True)
    places = {}
    for name in ("east", "west"):
        places[name] = people.place(name, region)
        places[f"{name}-ward"] = people.place(f"{name} ward", ward, places[name])
    return places


@pytest.fixture
def limited(people, tree):
    """Make a user who may reach the east alone."""
    made = people.user("lim@x.org", profile=Profile(access_all_locations=False))
    return people.works_at(made, tree["east"])


def test_a_limited_user_reaches_places_at_and_below_their_own(people, tree, limited):
    """The location of the owner needs to be at or below that of the importer."""
    ids = [place.location_id for place in tree.values()]
    found = people.owner_ids(*ids, importer=as_author(limited))
    assert found == [*ids[:2], OUTSIDE, OUTSIDE]
    assert people.owners("east_ward", "west_ward", importer=as_author(limited)) == [
        ids[1],
        OUTSIDE,
    ]
    assert people.owner_ids(*ids) == ids


def test_a_limited_user_reaches_people_who_work_there(people, tree, limited):
    """One of their places is enough; the importer always is; a group is nowhere."""
    near, far, both, none = (
        people.user(name, "mobile") for name in ("near", "far", "both", "none")
    )
    people.works_at(near, tree["east-ward"])
    people.works_at(far, tree["west-ward"])
    people.works_at(both, tree["west"], tree["east"])
    group = people.group("G", near, case_sharing=True)
    asked = [near, far, both, none, limited]
    ids = [*(user.user_id for user in asked), group.group_id, "unknown"]
    assert people.owner_ids(*ids, importer=as_author(limited)) == [
        near.user_id,
        OUTSIDE,
        both.user_id,
        OUTSIDE,
        limited.user_id,
        OUTSIDE,
        INVALID,
    ]


def test_a_limited_user_without_a_place_reaches_only_themselves(people, tree):
    """Nothing is below nowhere."""
    nobody = people.user("n@x.org", profile=Profile(access_all_locations=False))
    ids = tree["east"].location_id, nobody.user_id
    found = people.owner_ids(*ids, importer=as_author(nobody))
    assert found == [OUTSIDE, nobody.user_id]


# Many


def test_thousands_of_names_are_a_few_queries(people, ward, monkeypatch):
    """A column is looked up at once, whatever the number of rows."""
    place = people.place("Here", ward)
    worker = people.user("amina", "mobile")
    names = [f"nobody {n}" for n in range(5000)] + ["HERE", "amina"] * 50
    with people.store.reading(people.domain) as reader:
        asked = []
        rows = type(reader.conn).rows
        monkeypatch.setattr(
            type(reader.conn),
            "rows",
            lambda *given, **more: asked.append(1) or rows(*given, **more),
        )
        found = resolve_owners(reader, names, importer=OPERATOR)
    assert len(asked) < 10
    assert len(found) == 5002
    assert found["HERE"].owner_id == place.location_id
    assert found["amina"].owner_id == worker.user_id


@pytest.mark.parametrize("name", ["", " ", "'", "\U0001f600", "x" * 10_000])
def test_odd_names_are_names_of_nobody(people, name):
    """Whatever stands in a cell is only a text."""
    assert people.owners(name) == [UNKNOWN]
    assert people.owner_ids(name) == [INVALID]


def test_every_problem_has_title_and_description():
    """Rule 12.1: the texts of the table."""
    assert [problem.title for problem in OwnerProblem] == [
        UNKNOWN,
        INVALID,
        TWICE,
        OUTSIDE,
    ]
    assert all(problem.description.endswith(".") for problem in OwnerProblem)
