"""Owners in a sheet: rules/excel-import.md 10, and examples 14 to 16."""

from __future__ import annotations

import pytest

from ledger.directory import location_changes
from ledger.directory.profiles import Profile
from ledger.entry import Author
from tests.kit import build
from tests.kit.directory import People, as_author
from tests.kit.spreadsheets import counts, errors, imported_rows

HEAD = ["case_id", "name", "owner_id", "owner_name"]


@pytest.fixture
def people(store):
    return People(store, build.a_domain(store))


@pytest.fixture
def places(people):
    """Two districts with a clinic each: the clinics share cases."""
    district = people.type("District")
    clinic = people.type("Clinic", district, shares_cases=True)
    north, south = (people.place(name, district) for name in ("North", "South"))
    return {
        "north": north,
        "south": south,
        "inside": people.place("Inside", clinic, north, site_code="in-1"),
        "twin 1": people.place("Twin", clinic, north, site_code="t1"),
        "twin 2": people.place("Twin", clinic, south, site_code="t2"),
    }


async def test_locations_own_cases(store, places):
    """Example 14: by id, site code and name; two of one name; one without cases."""
    inside = places["inside"].location_id
    rows = [
        ["", "a", inside, ""],
        ["", "b", "", "in-1"],
        ["", "c", "", "iNSIDE"],
        ["", "d", "", "Twin"],
        ["", "e", "", "North"],
    ]
    job = await imported_rows(store, HEAD, *rows)
    assert counts(job) == (3, 0, 2, 0, 1)
    assert errors(job) == [
        ("Duplicated Location Name", "", [5]),
        ("Invalid Owner", "owner_name", [6]),
    ]
    assert {case.owner_id for case in build.cases_of(store).values()} == {inside}
    twins, _ = job.progress["report"]["errors"]
    assert twins["candidates"] == ["t1", "t2"]


async def test_a_group_without_case_sharing_owns_nothing(store, people):
    """Example 15."""
    people.group("Plain")
    shared = people.group("Shared", case_sharing=True)
    rows = [["", "a", "", "Plain"], ["", "b", "", "Shared"]]
    job = await imported_rows(store, HEAD, *rows)
    assert errors(job) == [("Invalid Owner", "owner_name", [2])]
    [case] = build.cases_of(store).values()
    assert case.owner_id == shared.group_id


async def test_an_importer_who_is_limited_to_locations(store, people, places):
    """Example 16: owners outside are refused, those below one's place are not."""
    bound = Profile(access_all_locations=False)
    anna = people.user("anna@example.org", profile=bound)
    people.works_at(anna, places["north"])
    outside, inside = places["twin 2"].location_id, places["inside"].location_id
    rows = [["", "a", outside, ""], ["", "b", outside, ""], ["", "c", inside, ""]]
    job = await imported_rows(store, HEAD, *rows, author=as_author(anna))
    assert counts(job)[:3] == (1, 0, 2)
    assert errors(job) == [("Invalid Location", "owner_id", [2, 3])]
    [case] = build.cases_of(store).values()
    assert (case.owner_id, case.opened_by) == (inside, anna.user_id)
    own = [["", "d", "", "anna@example.org"], ["", "e", "", ""]]
    job = await imported_rows(store, HEAD, *own, author=as_author(anna))
    assert counts(job)[:3] == (2, 0, 0)


async def test_candidates_are_places_that_are_in_use(store, people, places):
    """Rule 18.3: the codes to choose from, ten at most, no archived place."""
    archived = people.place("Twin", people.type("Post", shares_cases=True))
    people.do(location_changes.archive_location, archived.location_id)
    job = await imported_rows(store, HEAD, ["", "a", "", "TWIN"])
    [group] = job.progress["report"]["errors"]
    assert group["candidates"] == ["t1", "t2"]
    root = people.type("Root")
    leaf = people.type("Leaf", root, shares_cases=True)
    for n in range(12):
        people.place("Twin", leaf, people.place(f"Root {n}", root), site_code=f"z{n}")
    job = await imported_rows(store, HEAD, ["", "a", "", "TWIN"])
    [group] = job.progress["report"]["errors"]
    assert len(group["candidates"]) == 10


@pytest.mark.parametrize("column", ["owner_name", "owner_id"])
async def test_many_rows_with_one_owner(store, people, column):
    """Rule 10.6: what one value means is the same for every row that has it."""
    worker = people.user("amina", "mobile")
    given = {"owner_name": "amina", "owner_id": worker.user_id}[column]
    rows = [["", n, given if n % 2 else "nobody"] for n in range(700)]
    job = await imported_rows(store, ["case_id", "age", column], *rows)
    assert counts(job)[:3] == (350, 0, 350)
    title = "Invalid Owner Name" if column == "owner_name" else "Invalid Owner"
    assert errors(job) == [(title, column, list(range(2, 702, 2)))]


async def test_who_imports_needs_no_row_in_the_directory(store, people):
    """Rule 10.3: who was let in is a valid owner, by name and by id."""
    stranger = Author(user_id="from-elsewhere", username="Stranger")
    rows = [["", "a", "", "Stranger"], ["", "b", "from-elsewhere", ""], ["", "c"]]
    job = await imported_rows(store, HEAD, *rows, author=stranger)
    assert counts(job)[:3] == (3, 0, 0)
    owners = {case.owner_id for case in build.cases_of(store).values()}
    assert owners == {"from-elsewhere"}


async def test_an_update_changes_the_owner_if_one_is_named(store, people):
    """Rules 7.2 and 9: a blank cell leaves it; a name wins over an id unchecked."""
    group = people.group("Team", case_sharing=True)
    for case_id in "ab":
        build.submit(store, build.a_form([build.a_create(case_id)]))
    rows = [["a", "", "nobody", "Team"], ["b", "B", "", ""]]
    job = await imported_rows(store, HEAD, *rows)
    assert counts(job)[:3] == (0, 2, 0)
    cases = build.cases_of(store)
    assert cases["a"].owner_id == group.group_id
    assert cases["b"].owner_id == build.USER
