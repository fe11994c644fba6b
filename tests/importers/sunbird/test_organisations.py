"""Uploads of organisations, row by row (``rules/batch-imports.md`` 2.4 to 2.6)."""

from __future__ import annotations

import pytest

from ledger.directory import locations
from ledger.imports.values import Outcome
from tests.kit import build
from tests.kit.sunbird.uploads import (
    cases,
    kept,
    messages,
    places,
    shown,
    the_case,
    uploaded,
)

COLUMNS = [
    "SCHOOL NAME",
    "BLOCK CODE",
    "STATUS",
    "SCHOOL ID",
    "EXTERNAL ID",
    "DESCRIPTION",
    "ORGANISATION TYPE",
]
NAMES = [
    "orgName",
    "locationCode",
    "status",
    "organisationId",
    "externalId",
    "description",
    "organisationType",
]


NO_PLACE = (
    "Invalid value [{}] for parameter locationCode. Please provide a valid value."
)


@pytest.fixture(autouse=True)
async def block(store):
    build.a_domain(store)
    await places(store, "state", ["KA", "Karnataka"])


async def organisations(store, *rows):
    return await uploaded(store, "organisation", COLUMNS, *rows)


async def made(store, *row):
    """Upload one organisation and return its case."""
    job = await organisations(store, row)
    [told] = shown(store, job)
    assert "err_msg" not in told, told
    return build.case_of(store, told["organisationId"])


async def test_an_organisation_becomes_a_case(store):
    """Rules 2.5 and 2.6: properties, index, and the keys of the result."""
    job = await organisations(
        store, ["Shala", "KA", "Active", "", "EXT-1", "A school", "School"]
    )
    case = the_case(store, "organisation")
    place = the_case(store, "location")
    assert (case.case_name, case.external_id) == ("Shala", "ext-1")
    assert case.owner_id == build.USER
    assert dict(case.properties) == {
        "orgName": "Shala",
        "locationCode": "KA",
        "locationName": "Karnataka",
        "org_status": "active",
        "externalId": "ext-1",
        "description": "A school",
        "organisationType": "school",
        "channel": build.DOMAIN,
    }
    assert case.indices["parent"].case_id == place.case_id
    assert case.indices["parent"].relationship == "child"
    assert shown(store, job) == [
        {
            "orgName": "Shala",
            "locationCode": "KA",
            "status": 1,
            "externalId": "EXT-1",
            "description": "A school",
            "organisationType": "School",
            "organisationId": case.case_id,
            "locationName": "Karnataka",
            "channel": build.DOMAIN,
            "operation": "create",
        }
    ]


@pytest.mark.parametrize("header", ["upper", "internal", "lower"])
async def test_headers_may_be_titles_or_internal_names(store, header):
    """Rule 2.4: in any case of letters."""
    columns = {
        "upper": COLUMNS,
        "internal": NAMES,
        "lower": [title.lower() for title in COLUMNS],
    }[header]
    row = ["Shala", "KA", "active", "", "e", "d", "board"]
    job = await uploaded(store, "organisation", columns, row)
    assert messages(store, job) == [None]
    assert the_case(store, "organisation").properties["organisationType"] == "board"


async def test_an_inactive_organisation_stays_an_open_case(store):
    """Rules 2.5 and 2.6f: status 0 is a property only."""
    job = await organisations(store, ["Shala", "KA", "INACTIVE"])
    assert shown(store, job)[0]["status"] == 0
    case = the_case(store, "organisation")
    assert (case.closed, case.properties["org_status"]) == (False, "inactive")
    assert case.external_id is None
    with store.snapshot(build.DOMAIN) as reader:
        place = locations.get_location(reader, case.case_id)
    assert place is not None
    assert place.archived_on is not None


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (["", "KA", "active"], "Mandatory parameter orgName is missing."),
        (["n", "", "active"], "Mandatory parameter locationCode is missing."),
        (["n", "KA", ""], "Mandatory parameter status is missing."),
        (["", "", ""], None),
        (["n", "XX", "open"], "INVALID_ORG_STATUS"),
        (
            ["n", "XX", "active", "nope"],
            NO_PLACE.format("XX"),
        ),
        (
            ["n", "ka", "active"],
            NO_PLACE.format("ka"),
        ),
        (
            ["n", "KA", "active", "nope", "TAKEN"],
            "Value TAKEN for externalId is already in use.",
        ),
        (["n", "KA", "active", "nope", "", "", "odd"], "INVALID_ORG_ID"),
        (
            ["n", "KA", "active", "", "", "", "odd"],
            "Invalid organisationType: odd. Valid values are: [board, school].",
        ),
        (["n" * 256, "KA", "active"], "Value of orgName is too long."),
        (["n", "KA", "active", "", "e" * 256], "Value of externalId is too long."),
        (["n", "KA", "active", "", "İ" * 200], "Value of externalId is too long."),
        (
            ["n", "KA", "active", "", "", "d\x1f."],
            "Invalid character in description.",
        ),
    ],
)
async def test_why_a_row_fails(store, row, message):
    """Rule 2.5.1 in its order; the row is told as it came."""
    await made(store, "Other", "KA", "active", "", "taken")
    job = await organisations(store, row, ["ok", "KA", "active"])
    if message is None:  # a blank row is none
        assert messages(store, job) == [None]
        return
    told = shown(store, job)[0]
    given = {n: t for n, t in zip(NAMES, row, strict=False) if t}
    doing = "update" if "organisationId" in given else "create"
    assert told == {**given, "operation": doing, "err_msg": message}
    assert messages(store, job) == [message, None]


async def test_an_organisation_id_is_an_update(store):
    """Rule 2.6c: what has no value stays, also the external id; its own is free."""
    before = await made(store, "Shala", "KA", "active", "", "e1", "Old", "school")
    await places(store, "state", ["MH", "Maharashtra"])
    job = await organisations(
        store, ["Patha Shala", "MH", "inactive", before.case_id, "E1"]
    )
    [told] = shown(store, job)
    assert (told["operation"], told["organisationId"]) == ("update", before.case_id)
    after = build.case_of(store, before.case_id)
    assert (after.case_name, after.external_id) == ("Patha Shala", "e1")
    assert dict(after.properties) == dict(before.properties) | {
        "orgName": "Patha Shala",
        "locationCode": "MH",
        "locationName": "Maharashtra",
        "org_status": "inactive",
    }
    assert after.indices["parent"].case_id != before.indices["parent"].case_id


async def test_an_update_that_changes_nothing_is_no_form(store):
    """Rule 2.6."""
    case = await made(store, "Shala", "KA", "active", "", "e1", "Old", "school")
    row = ["Shala", "KA", "ACTIVE", case.case_id, "E1", "Old", "SCHOOL"]
    job = await organisations(store, row)
    [result] = kept(store, job)
    assert (result.outcome, result.form_id) == (Outcome.UNCHANGED, None)
    assert shown(store, job)[0]["operation"] == "update"


async def test_rows_of_a_file_see_those_before(store):
    """Rule 2.6: an external id is taken by the row above."""
    job = await organisations(
        store, ["A", "KA", "active", "", "E"], ["B", "KA", "active", "", "e"]
    )
    assert messages(store, job) == [
        None,
        "Value e for externalId is already in use.",
    ]


async def test_a_case_of_another_type_does_not_hold_an_external_id(store):
    """Rule 2.6: look-ups go by the type; the location has the code ``KA``."""
    await places(store, "state", ["ka", "Lower"])
    job = await organisations(store, ["A", "KA", "active", "", "KA"])
    assert messages(store, job) == [None]
    assert len(cases(store, "organisation")) == 1
