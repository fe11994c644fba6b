"""Uploads of locations, row by row (``rules/batch-imports.md`` 2.4 to 2.6)."""

from __future__ import annotations

import pytest

from importers.sunbird.rules.settings import Rules, SunbirdSettings
from ledger.directory import location_types, locations
from ledger.imports.values import Outcome
from tests.kit import build
from tests.kit.sunbird.uploads import (
    PLACES,
    cases,
    forms,
    kept,
    messages,
    places,
    shown,
    the_case,
    uploaded,
)

NO_PARENT = "Mandatory parameter parentId or parentCode is missing."
BAD_CODE = "Please provide valid parentCode."
BAD_ID = "Please provide valid parentId."
BAD_LEVEL = "Please provide valid parentId or parentCode."
AT_THE_TOP = "For top level location, parentId or parentCode is not allowed."
CHAIN = ("state", "district", "block", "cluster", "school")


@pytest.fixture(autouse=True)
def domain(store):
    return build.a_domain(store)


async def chain(store, *types):
    """Make one location of each type, each below the one before it."""
    above = ""
    for level in types:
        job = await places(store, level, [level, f"The {level}", above, ""])
        assert messages(store, job) == [None]
        above = level


def by_code(store):
    return {case.external_id: case for case in cases(store, "location")}


async def test_a_location_becomes_a_case(store):
    """Rule 2.6: type, name, external id, properties, owner; at the top no parent."""
    job = await places(store, "STATE", ["KA", "Karnataka"])
    case = the_case(store, "location")
    assert (case.case_type, case.case_name, case.external_id) == (
        "location",
        "Karnataka",
        "KA",
    )
    assert (case.owner_id, case.opened_by) == (build.USER, build.USER)
    assert dict(case.properties) == {"code": "KA", "location_type": "state"}
    assert case.indices == {}
    assert shown(store, job) == [
        {
            "code": "KA",
            "name": "Karnataka",
            "type": "state",
            "id": case.case_id,
            "operation": "create",
        }
    ]


@pytest.mark.parametrize("column", ["parentCode", "parentId", "both"])
async def test_a_parent_is_named_by_either_column(store, column):
    """Rules 2.4 and 2.6: the index, both properties, and ``parentId`` in the result."""
    await chain(store, "state")
    state = the_case(store, "location")
    code = "" if column == "parentId" else "state"
    given = "" if column == "parentCode" else state.case_id
    job = await places(store, "district", ["D1", "One", code, given])
    case = by_code(store)["D1"]
    assert case.properties["parentCode"] == "state"
    assert case.properties["parentId"] == state.case_id
    index = case.indices["parent"]
    assert (index.case_id, index.case_type, index.relationship) == (
        state.case_id,
        "location",
        "child",
    )
    [row] = shown(store, job)
    assert row["parentId"] == state.case_id
    assert ("parentCode" in row) is (column != "parentId")


@pytest.mark.parametrize(
    ("location_type", "row", "message"),
    [
        pytest.param(
            "district",
            ["", "n", "state"],
            "Mandatory parameter code is missing.",
            id="no code",
        ),
        pytest.param(
            "district",
            ["c", "", "state"],
            "Mandatory parameter name is missing.",
            id="no name",
        ),
        pytest.param(
            "Continent",
            ["c", "n", "state"],
            "Invalid type: Continent. "
            "Valid values are: [state, district, block, cluster, school].",
            id="bad type",
        ),
        pytest.param("state", ["c", "n", "state"], AT_THE_TOP, id="top with code"),
        pytest.param("state", ["c", "n", "", "x"], AT_THE_TOP, id="top with id"),
        pytest.param("district", ["c", "n"], NO_PARENT, id="no parent"),
        pytest.param("district", ["c", "n", "nope"], BAD_CODE, id="unknown code"),
        pytest.param("district", ["c", "n", "", "nope"], BAD_ID, id="unknown id"),
        pytest.param(
            "district", ["c", "n", "STATE"], BAD_CODE, id="codes are compared exactly"
        ),
        pytest.param("block", ["c", "n", "state"], BAD_LEVEL, id="two levels up"),
        pytest.param("district", ["c", "n", "block"], BAD_LEVEL, id="levels down"),
        pytest.param("block", ["c", "n", "block"], BAD_LEVEL, id="the same level"),
        pytest.param("school", ["c", "n", "district"], BAD_LEVEL, id="school: three"),
        pytest.param(
            "district",
            ["block", "n", "state"],
            "Update of type is not allowed.",
            id="other type",
        ),
        pytest.param(
            "district",
            ["\x01", "n", "state"],
            "Invalid character in code.",
            id="forbidden character",
        ),
        pytest.param(
            "district",
            ["c", "\ufffe", "state"],
            "Invalid character in name.",
            id="forbidden in the name",
        ),
        pytest.param(
            "district",
            ["c", "n", "\x02"],
            "Invalid character in parentCode.",
            id="forbidden in a parent",
        ),
        pytest.param(
            "district",
            ["c" * 256, "n", "state"],
            "Value of code is too long.",
            id="long code",
        ),
        pytest.param(
            "district",
            ["c", "n" * 256, "state"],
            "Value of name is too long.",
            id="long name",
        ),
    ],
)
async def test_why_a_row_fails(store, location_type, row, message):
    """Rules 2.5.1 and R0.8: the text, and the row is told as it came."""
    await chain(store, *CHAIN[:4])
    before = build.entries_of_forms(store)
    job = await places(store, location_type, row)
    [told] = shown(store, job)
    given = {n: t for n, t in zip(PLACES, row, strict=False) if t}
    update = row[0] == "block"
    assert told == {
        **given,
        "type": location_type,
        "operation": "update" if update else "create",
        "err_msg": message,
    }
    [result] = kept(store, job)
    assert (result.outcome, result.form_id) == (Outcome.FAILED, None)
    assert build.entries_of_forms(store) == before


async def test_a_parent_that_both_columns_mean_must_be_one(store):
    """Rule 2.5.1: two different ones are no valid parent."""
    await chain(store, "state")
    await places(store, "state", ["other", "Other"])
    other = by_code(store)["other"]
    job = await places(store, "district", ["c", "n", "state", other.case_id])
    assert messages(store, job) == [BAD_LEVEL]


@pytest.mark.parametrize("above", ["cluster", "block"])
async def test_a_school_may_skip_one_level(store, above):
    """Rule 2.5.1."""
    await chain(store, *CHAIN[:4])
    job = await places(store, "school", ["S", "School", above])
    assert messages(store, job) == [None]


async def test_255_characters_are_not_too_long(store):
    """Rule R0.8."""
    job = await places(store, "state", ["c" * 255, "n" * 255])
    assert messages(store, job) == [None]


async def test_an_existing_code_is_an_update(store):
    """Rule 2.6: only columns with a value are written, and the parent stays."""
    await chain(store, "state", "district")
    before = by_code(store)["district"]
    job = await places(store, "district", ["district", "New name"])
    after = by_code(store)["district"]
    assert (after.case_id, after.case_name) == (before.case_id, "New name")
    assert (after.indices, after.properties) == (before.indices, before.properties)
    [row] = shown(store, job)
    assert (row["operation"], row["id"]) == ("update", before.case_id)
    assert "parentId" not in row


async def test_a_parent_of_an_update_replaces_the_index(store):
    """Rule 2.6: under the rules of a create."""
    await chain(store, "state", "district")
    await places(store, "state", ["other", "Other"])
    job = await places(store, "district", ["district", "The district", "other"])
    assert messages(store, job) == [None]
    case = by_code(store)["district"]
    assert case.indices["parent"].case_id == by_code(store)["other"].case_id
    assert case.properties["parentCode"] == "other"
    job = await places(store, "district", ["district", "n", "district"])
    assert messages(store, job) == [BAD_LEVEL]
    job = await places(store, "state", ["other", "n", "state"])
    assert messages(store, job) == [AT_THE_TOP]


async def test_an_update_that_changes_nothing_is_no_form(store):
    """Rule 2.6: a success, outcome ``unchanged``."""
    await chain(store, "state", "district")
    before = build.entries_of_forms(store)
    job = await places(store, "district", ["district", "The district", "state"])
    [row] = kept(store, job)
    assert (row.outcome, row.form_id) == (Outcome.UNCHANGED, None)
    assert row.case_ids == (by_code(store)["district"].case_id,)
    assert shown(store, job)[0]["operation"] == "update"
    assert build.entries_of_forms(store) == before


async def test_a_code_twice_in_a_file_is_created_and_then_updated(store):
    """Rule 2.6g: earlier rows of the same file are seen."""
    job = await places(store, "state", ["S", "One"], ["S", "Two"], ["S", "Two"])
    told = shown(store, job)
    assert [row["operation"] for row in told] == ["create", "update", "update"]
    assert len({row["id"] for row in told}) == 1
    outcomes = [row.outcome for row in kept(store, job)]
    assert outcomes == [Outcome.APPLIED, Outcome.APPLIED, Outcome.UNCHANGED]
    assert the_case(store, "location").case_name == "Two"


async def test_closed_deleted_and_foreign_cases_are_not_found(store):
    """Rule 2.6b: open cases of the type, in the domain."""
    await chain(store, "state")
    state = the_case(store, "location")
    build.submit(store, build.a_form([build.a_block(state.case_id, close=True)]))
    build.submit(
        store,
        build.a_form(
            [build.a_create("x", update={"external_id": "elsewhere"})],
        ),
    )
    job = await places(store, "district", ["D", "n", "state"], ["D", "n", "", "x"])
    assert messages(store, job) == [BAD_CODE, BAD_ID]
    job = await places(store, "state", ["state", "Again"])
    assert shown(store, job)[0]["operation"] == "create"
    assert len(cases(store, "location")) == 2
    job = await places(store, "state", ["elsewhere", "n"])
    assert shown(store, job)[0]["operation"] == "create"


async def test_several_chains_of_types(store):
    """Rule 2.4b: a setting; a type below one chain is no parent in the other."""
    rules = Rules(location_types=(("state", "district"), ("country", "town")))
    options = {"settings": SunbirdSettings(rules=rules)}

    async def place(location_type, *row):
        job = await uploaded(
            store, "location", PLACES, row, location_type=location_type, **options
        )
        return messages(store, job)

    assert await place("country", "IN", "India", "", "") == [None]
    assert await place("town", "T", "Town", "IN", "") == [None]
    assert await place("district", "D", "n", "IN", "") == [BAD_LEVEL]
    assert await place("block", "D", "n", "IN", "") == [
        "Invalid type: block. Valid values are: [state, district, country, town]."
    ]


async def test_one_form_for_each_row(store):
    """Rules R0.3 and R0.7: the root tells the row, the meta block who uploaded it."""
    job = await places(store, "state", ["A", "a"], ["", "x"], ["B", "b"])
    entries = forms(store, job)
    assert [entry.details["record"] for entry in entries] == [1, 3]
    assert {e.xmlns for e in entries} == {"urn:case-ledger:sunbird-bulk-upload"}
    assert {e.user_id for e in entries} == {build.USER}
    body = build.dump(store)["bodies"]
    assert len(body) >= len(entries)


async def test_locations_are_places_of_the_directory(store):
    """Rule 2.6h: an owner column can name them; a school shares its cases."""
    await chain(store, *CHAIN)
    job = await places(store, "state", ["state", "Renamed"], ["", "bad"])
    with store.snapshot(build.DOMAIN) as reader:
        found = {p.site_code: p for p in locations.list_locations(reader)}
        types = location_types.list_types(reader)
    ids = {case.external_id: case.case_id for case in cases(store, "location")}
    assert {code: p.location_id for code, p in found.items()} == ids
    assert found["state"].name == "Renamed"
    assert found["school"].parent_id == ids["cluster"]
    assert [t.code for t in types] == list(CHAIN)
    assert [t.code for t in types if t.shares_cases] == ["school"]
    assert messages(store, job)[0] is None


async def test_a_parent_that_is_no_place_leaves_the_place_at_the_top(store):
    """A phone may have made the case of the parent, and no place."""
    build.submit(
        store,
        build.a_form(
            [
                build.a_create(
                    "s1",
                    create={"case_type": "location", "case_name": "By hand"},
                    update={"external_id": "S1", "location_type": "state"},
                )
            ]
        ),
    )
    job = await places(store, "district", ["D", "District", "S1"])
    assert messages(store, job) == [None]
    with store.snapshot(build.DOMAIN) as reader:
        [place] = locations.list_locations(reader)
    assert (place.site_code, place.parent_id) == ("D", None)
