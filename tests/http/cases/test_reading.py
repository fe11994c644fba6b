"""rules/case-api-v2.md 3, 4 and 7: one case, several cases, which keys."""

from __future__ import annotations

import re

import pytest

from api.cli.domain import add_domain

KEYS = [
    "domain",
    "case_id",
    "case_type",
    "case_name",
    "external_id",
    "owner_id",
    "date_opened",
    "last_modified",
    "server_last_modified",
    "indexed_on",
    "closed",
    "date_closed",
    "properties",
    "indices",
]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


async def test_a_case_has_exactly_the_fourteen_keys(api):
    """Rules 3.1 and 0.1."""
    case = await api.create()
    assert list(case) == KEYS
    assert (case["external_id"], case["closed"], case["date_closed"]) == (
        None,
        False,
        None,
    )
    assert (case["properties"], case["indices"]) == ({}, {})


async def test_every_time_has_six_digits_and_a_z(api):
    """Rule 3.2."""
    case = await api.create(close=True)
    names = ["date_opened", "last_modified", "server_last_modified", "indexed_on"]
    assert all(TIME.fullmatch(case[name]) for name in [*names, "date_closed"])


async def test_every_endpoint_shows_the_same_case(api):
    """Rules 3.1, 9.3 and 9.4: the serialisation is one."""
    made = await api.create(external_id="e1", properties={"name": "x", "closed_on": ""})
    case_id = made["case_id"]
    fetched = await api.post(f"{api.cases}/bulk-fetch", {"case_ids": [case_id]})
    assert (await api.get(f"{api.cases}/{case_id}")).json == made
    assert (await api.get(f"{api.cases}/ext/e1")).json == made
    assert (await api.get(api.cases)).json["cases"] == [made]
    assert fetched.json["cases"] == [made]


async def test_an_unknown_case_is_a_404(api):
    """Rule 4.1."""
    answer = await api.get(f"{api.cases}/nope")
    assert (answer.status, answer.json) == (404, {"error": "Case 'nope' not found"})


async def test_an_unknown_external_id_is_a_404(api):
    """Rule 4.3: nobody has it."""
    answer = await api.get(f"{api.cases}/ext/no%20pe")
    assert (answer.status, answer.json) == (404, {"error": "Case 'no pe' not found"})


async def test_an_ambiguous_external_id_lists_its_cases(api):
    """Rules 4.3 and D6: several have it."""
    first = await api.create(external_id="e1")
    second = await api.create(external_id="e1")
    answer = await api.get(f"{api.cases}/ext/e1")
    assert answer.status == 400
    assert answer.error.startswith("Multiple cases found with external_id 'e1': ")
    assert first["case_id"] in answer.error
    assert second["case_id"] in answer.error


async def test_a_comma_list_answers_in_its_own_order(api):
    """Rule 4.2: order, repeats, stubs and their counts."""
    a, b = await api.create(), await api.create()
    ids = f"{b['case_id']},nope,{a['case_id']},{b['case_id']},"
    assert (await api.get(f"{api.cases}/{ids}")).json == {
        "cases": [
            b,
            {"case_id": "nope", "error": "not found"},
            a,
            b,
            {"case_id": "", "error": "not found"},
        ],
        "matching_records": 3,
        "missing_records": 2,
    }


async def test_a_bulk_fetch_answers_ids_first_and_then_external_ids(api):
    """Rule 4.2: order, and the same case by both lists."""
    case = await api.create(external_id="e1")
    asked = {"case_ids": ["no", case["case_id"]], "external_ids": ["e1", "e2"]}
    assert (await api.post(f"{api.cases}/bulk-fetch", asked)).json["cases"] == [
        {"case_id": "no", "error": "not found"},
        case,
        case,
        {"external_id": "e2", "error": "not found"},
    ]


async def test_a_bulk_fetch_takes_the_oldest_of_several(api):
    """Rule 4.2.3: several cases share an external id."""
    first = await api.create(external_id="e1")
    await api.create(external_id="e1")
    asked = {"external_ids": ["e1"]}
    fetched = await api.post(f"{api.cases}/bulk-fetch", asked)
    assert fetched.json["cases"] == [first]


@pytest.mark.parametrize("key", ["case_id", "case_ids"])
async def test_a_bulk_fetch_takes_both_spellings(api, key):
    """Rule D3."""
    answer = await api.post(f"{api.cases}/bulk-fetch", {key: ["x"]})
    assert answer.json["missing_records"] == 1


async def test_a_bulk_fetch_of_thousands_is_answered(api):
    """Rule 4.2: 5000 ids in all, not one more."""
    case = await api.create(external_id="e1")
    ids = [case["case_id"], *(f"x{n}" for n in range(4_998))]
    asked = {"case_ids": ids, "external_ids": ["e1"]}
    found = (await api.post(f"{api.cases}/bulk-fetch", asked)).json
    assert (found["matching_records"], found["missing_records"]) == (2, 4_998)
    refused = await api.post(
        f"{api.cases}/bulk-fetch", asked | {"case_ids": [*ids, ""]}
    )
    assert refused.error == "You cannot request more than 5000 cases per request."


@pytest.mark.parametrize(
    "body",
    [b"", b"nonsense", b"\xff", b"[]", b'"x"', b"null", b"{}", b'{"case_ids":1}'],
)
async def test_a_bulk_fetch_of_nonsense_is_a_400(api, body):
    """Rules 4.2.4 and 9.7: every text of the refusals."""
    answer = await api.post(f"{api.cases}/bulk-fetch", data=body)
    assert answer.status == 400
    assert answer.error


async def test_fields_choose_keys_everywhere_but_not_in_envelopes(api):
    """Rule 7."""
    case = await api.create(external_id="e1", properties={"a": "1", "b": "2"})
    expected = {"case_id": case["case_id"], "properties": {"a": "1"}}
    query = "?fields=case_id,properties.a"
    path = f"{api.cases}/{case['case_id']}"
    fetch = await api.post(
        f"{api.cases}/bulk-fetch{query}", {"case_ids": [case["case_id"], "no"]}
    )
    assert (await api.get(path + query)).json == expected
    assert (await api.get(f"{api.cases}/ext/e1{query}")).json == expected
    assert (await api.get(api.cases + query)).json["cases"] == [expected]
    assert fetch.json["cases"] == [expected, {"case_id": "no", "error": "not found"}]
    written = (await api.put(path + query, {})).json
    assert written["case"] == expected
    assert written["form_id"]


@pytest.mark.parametrize(
    "query", ["?fields=a&exclude=b", "?fields.properties=&exclude="]
)
async def test_fields_and_exclude_together_are_refused_before_a_write(api, query):
    """Rules 5.4.1 and 7.1."""
    body = {"case_type": "t", "case_name": "n", "owner_id": "o"}
    refused = [
        await api.get(api.cases + query),
        await api.get(f"{api.cases}/x{query}"),
        await api.post(api.cases + query, body),
    ]
    for answer in refused:
        assert answer.status == 400
        assert answer.error == "You cannot specify both 'fields' and 'exclude'"
    assert (await api.get(api.cases)).json["matching_records"] == 0


async def test_a_case_of_another_domain_is_not_seen(api, members):
    """Rule 4.1.1: in another domain."""
    add_domain(members.store, "other")
    headers = members.join("ann", domain="other")
    mine = await api.create(external_id="e1")
    theirs = "/a/other/api/case/v2"
    for path in (f"/{mine['case_id']}", "/ext/e1"):
        assert (await api.get(theirs + path, headers=headers)).status == 404
    listed = await api.get(theirs, headers=headers)
    assert listed.json == {"matching_records": 0, "cases": []}


async def test_the_next_page_is_an_address_that_can_be_followed(api):
    """Rule 6.2.2: absolute, as the client reached us, cursor only."""
    made = [await api.create() for _ in range(3)]
    first = (await api.get(f"{api.cases}/?limit=2")).json
    assert first["next"].startswith(f"{api.base}{api.cases}/?cursor=")
    second = (await api.get(first["next"].removeprefix(api.base))).json
    assert first["cases"] + second["cases"] == made
    assert (first["matching_records"], second["matching_records"]) == (3, 3)
    assert "next" not in second
