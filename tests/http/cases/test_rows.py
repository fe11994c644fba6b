"""rules/case-api-v2.md 0, 3, 5.1 to 5.3 and 9, row by row: what writes promise."""

from __future__ import annotations

import json

from api.http.keys import WRITER
from ledger.entry import Kind
from ledger.log import entries_after
from tests.kit.build import a_flag

NCNAME = "Case property names must be valid XML identifiers."
PSEUDO = {
    name: f"<{name}>"
    for name in (
        "name",
        "closed_on",
        "last_modified",
        "location_id",
        "hq_user_id",
        "opened_on",
        "user_id",
        "case_id",
        "date_modified",
        "supply_point_location_id",
        "status",
        "domain",
        "type",
        "closed",
        "indices",
        "parent_id",
    )
}


def a_case(**fields):
    return {"case_type": "patient", "case_name": "Ada", "owner_id": "team"} | fields


def an_index(**fields):
    return {"case_type": "patient", "relationship": "child"} | fields


def forms(api):
    """Return the entries of the log that are no directory's, with their bodies."""
    with api.members.store.reading(api.domain) as reader:
        entries = entries_after(reader, 0, limit=1000)
    return [(e, body) for e, body in entries if e.kind is not Kind.DIRECTORY]


async def refusals(api, method, bodies):
    """Return the text with which each body is refused; the log must not grow."""
    before = len(forms(api))
    found = []
    for body in bodies:
        answer = await api.request(method, api.cases, json=body)
        assert answer.status == 400, (body, answer.body)
        found.append(answer.error)
    assert len(forms(api)) == before
    return found


async def delete(api, case_id):
    """Delete a case; the case API itself has no way to do it."""
    await api.app[WRITER].submit(api.domain, a_flag(case_id))


# -- rule 0 ------------------------------------------------------------------


async def test_the_singular_spelling_is_ignored_beside_the_plural(api):
    """Both paths fetch, and the plural wins (rules D2, D3 and 9.21)."""
    body = {"case_ids": ["a"], "case_id": ["b", "c"]}
    for path in ("/bulk-fetch/", "/bulk-fetch", "/bulk_fetch/", "/bulk_fetch"):
        found = (await api.post(api.cases + path, body)).json
        assert found["cases"] == [{"case_id": "a", "error": "not found"}]


async def test_a_row_without_create_is_an_upsert_only_by_external_id(api):
    """Omitted and null upsert; omitted otherwise is refused (rules D4 and 9.21)."""
    for row in ({"create": None}, {}, {"case_id": None}, {"case_id": ""}):
        answer = await api.post(api.cases, [a_case(external_id="e1") | row])
        assert answer.status == 200, answer.body
    assert (await api.get(api.cases)).json["matching_records"] == 1
    text = "Error in row 1: A 'create' flag is required for each update."
    rows = [a_case(), a_case(external_id=""), {"external_id": "e1", "case_id": "x"}]
    assert await refusals(api, "POST", [[row] for row in rows]) == [text] * 3


async def test_a_put_creates_only_what_is_complete(api):
    """PUT / updates, creates when complete, else refuses, saves nothing (rule D5)."""
    made = await api.put(api.cases, a_case(external_id="e1"))
    again = await api.put(api.cases, {"external_id": "e1", "case_name": "B"})
    assert made.json["case"]["case_id"] == again.json["case"]["case_id"]
    text = "Could not find a case with external_id 'e2'"
    bodies = [
        {k: v for k, v in a_case(external_id="e2").items() if k != name}
        for name in ("case_type", "case_name", "owner_id")
    ]
    assert await refusals(api, "PUT", bodies) == [text] * 3
    body = a_case(external_id="e2", case_id="x")
    assert await refusals(api, "PUT", [body]) == ["No case found with ID 'x'"]
    assert (await api.get(api.cases)).json["matching_records"] == 1


async def test_indices_are_always_there(api):
    """A case without indices shows an empty object, on reads and writes (rule D8)."""
    made = await api.create()
    read = (await api.get(f"{api.cases}/{made['case_id']}")).json
    listed = (await api.get(api.cases)).json["cases"]
    assert [case["indices"] for case in (made, read, *listed)] == [{}, {}, {}]


async def test_names_of_properties_are_xml_names(api):
    """More than letters and digits is a name; markup is none (rules D9 and 9.12)."""
    good = ["_a", "a-b", "a.b", "é", "名", "XMLfoo", "A1"]
    made = await api.create(properties=dict.fromkeys(good, "x"))
    assert made["properties"] == dict.fromkeys(good, "x")
    bad = ["1a", "a b", "-a", "a:b", "a@", "😀", "", " ", "xmlfoo", 'a x="1"', "a\n"]
    texts = await refusals(
        api, "POST", [a_case(properties={name: "x"}) for name in bad]
    )
    assert texts == [f"Error with case property '{name}'. {NCNAME}" for name in bad]


async def test_a_temporary_id_belongs_to_what_may_create(api):
    """Taken on creates and upserts, refused on updates, never stored (rule D10)."""
    made = await api.create(temporary_id="t1", external_id="e1")
    assert "t1" not in json.dumps(made)
    row = {"create": None, "external_id": "e1", "temporary_id": "t1"}
    assert (await api.post(api.cases, [row])).status == 200
    case_id = made["case_id"]
    update = {"case_id": case_id, "temporary_id": "t1"}
    text = "'temporary_id' is not a valid field."
    assert await refusals(api, "PUT", [update]) == [text]
    rows = [update | {"create": False}]
    assert await refusals(api, "POST", [rows]) == [f"Error in row 1: {text}"]


# -- rule 3 ------------------------------------------------------------------


async def test_no_user_property_is_hidden_by_its_name(api):
    """Names of pseudo-properties are ordinary (rules 3.4 and 9.11)."""
    made = await api.create(external_id="e1", properties=PSEUDO)
    case_id = made["case_id"]
    fetch = {"case_ids": [case_id], "external_ids": ["e1"]}
    fetched = (await api.post(f"{api.cases}/bulk-fetch", fetch)).json["cases"]
    written = [
        made,
        (await api.put(f"{api.cases}/{case_id}", {})).json["case"],
        (await api.put(f"{api.cases}/ext/e1", {"properties": PSEUDO})).json["case"],
    ]
    read = [
        (await api.get(f"{api.cases}/{case_id}")).json,
        (await api.get(f"{api.cases}/ext/e1")).json,
        *(await api.get(f"{api.cases}/{case_id},")).json["cases"][:1],
        *(await api.get(api.cases)).json["cases"],
        *fetched,
    ]
    for case in written + read:
        assert case["properties"] == PSEUDO
        assert (case["case_name"], case["owner_id"]) == ("Ada", "team")
        assert (case["closed"], case["date_closed"]) == (False, None)


async def test_an_external_id_is_null_until_set_and_empty_when_cleared(api):
    """Null when never set, "" after being cleared (rules 3.1 and 5.1.2)."""
    case = await api.create()
    assert case["external_id"] is None
    url = f"{api.cases}/{case['case_id']}"
    for sent, kept in (("e1", "e1"), (None, "e1"), ("", "")):
        written = (await api.put(url, {"external_id": sent})).json["case"]
        assert written["external_id"] == kept
    assert (await api.get(url)).json["external_id"] == ""


# -- rules 5.1 and 5.2 -------------------------------------------------------


async def test_fields_of_a_create_are_checked(api):
    """Required, forbidden and unknown fields of an object (rule 5.1)."""
    expected = {
        "You cannot specify case_id when creating a new case": {"case_id": None},
        "Property case_type is required.": {"case_type": None},
        "Property case_name is required.": {"case_name": None},
        "Property owner_id is required.": {"owner_id": None},
        "'create' is not a valid field.": {"create": True},
        "'nope' is not a valid field.": {"nope": ""},
    }
    bodies = [a_case(**fields) for fields in expected.values()]
    assert await refusals(api, "POST", bodies) == list(expected)


async def test_empty_texts_are_values(api):
    """Three fields may be empty (rule 5.1.1); no owner is checked (rule 2.7)."""
    case = await api.create(case_type="", case_name="", owner_id="no such owner")
    found = [case[name] for name in ("case_type", "case_name", "owner_id")]
    assert found == ["", "", "no such owner"]
    mine = await api.create(owner_id="")
    assert mine["owner_id"]  # rule 3.1: an empty owner hands it to the acting user


async def test_an_update_merges_and_touches(api):
    """What is not mentioned stays; an empty update is no error (rules 5.1.2, 5.2.6)."""
    made = await api.create(properties={"a": "1", "b": "2"})
    url = f"{api.cases}/{made['case_id']}"
    body = {"case_type": "other", "properties": {"b": ""}, "user_id": "forged"}
    changed = (await api.put(url, body)).json["case"]
    assert changed["properties"] == {"a": "1", "b": ""}
    assert (changed["case_type"], changed["case_name"]) == ("other", "Ada")
    touched = (await api.put(url, {})).json["case"]
    assert touched["indexed_on"] > changed["indexed_on"]


async def test_a_closed_case_stays_closed(api):
    """True closes, false never reopens, updates go on (rules 5.1.2 and 5.2.6)."""
    made = await api.create(close=None)
    url = f"{api.cases}/{made['case_id']}"
    assert (made["closed"], made["date_closed"]) == (False, None)
    closed = (await api.put(url, {"close": True})).json["case"]
    again = (await api.put(url, {"close": False, "case_name": "B"})).json["case"]
    assert (again["closed"], again["case_name"]) == (True, "B")
    assert again["date_closed"] == closed["date_closed"] is not None


async def test_the_selection_of_a_put_is_checked(api):
    """Neither id, an unknown id, several cases (rules 5.2.3 and 5.2.5)."""
    await api.create(external_id="e1")
    await api.create(external_id="e1")
    expected = {
        "Case updates must provide either a case_id or external_id": {},
        "No case found with ID 'nope'": {"case_id": "nope"},
        "There are multiple cases with external_id e1": {"external_id": "e1"},
    }
    assert await refusals(api, "PUT", expected.values()) == list(expected)
    rows = [[{"create": False} | body] for body in list(expected.values())[1:]]
    assert await refusals(api, "POST", rows) == list(expected)[1:]
    row = {"create": False, "external_id": "e2"} | a_case()
    text = "Could not find a case with external_id 'e2'"
    assert await refusals(api, "POST", [[row]]) == [text]


async def test_the_selection_by_url_is_checked(api):
    """Texts of rule 5.2.2."""
    made = await api.create(external_id="e1")
    expected = {
        'The given value of "case_id" does not match the existing value for the case '
        'identified by external_id = "e1". "case_id" is read-only and cannot be '
        "modified.": ("e1", {"case_id": "x"}),
        "You cannot specify case_id when creating a new case": (
            "e2",
            a_case(case_id="x"),
        ),
        "Property owner_id is required.": ("e2", a_case(owner_id=None)),
    }
    for text, (external_id, body) in expected.items():
        answer = await api.put(f"{api.cases}/ext/{external_id}", body)
        assert (answer.status, answer.error) == (400, text)
    assert (await api.get(f"{api.cases}/ext/e1")).json == made
    renamed = await api.put(f"{api.cases}/ext/e1", {"external_id": "e3"})
    assert renamed.json["case"]["case_id"] == made["case_id"]
    empty = await api.put(f"{api.cases}/ext/e4", a_case(external_id=""))
    assert empty.json["case"]["external_id"] == "e4"


async def test_an_upsert_of_a_new_case_needs_its_fields(api):
    """The missing fields are named, nothing fails (rules 5.2.4 and 9.18)."""
    row = {"create": None, "external_id": "e1", "case_type": "t"}
    [text] = await refusals(api, "POST", [[row]])
    assert "required for new case e1" in text
    assert "case_name" in text
    assert "owner_id" in text


async def test_a_deleted_case_is_no_case(api):
    """Neither by id nor by external id (rules 4.1, 5.2.5 and 9.19)."""
    made = await api.create(external_id="e1")
    await delete(api, made["case_id"])
    assert (await api.get(f"{api.cases}/{made['case_id']}")).status == 404
    assert (await api.get(f"{api.cases}/ext/e1")).status == 404
    bodies = [{"case_id": made["case_id"]}, {"external_id": "e1"}]
    assert await refusals(api, "PUT", bodies) == [
        f"No case found with ID '{made['case_id']}'",
        "Could not find a case with external_id 'e1'",
    ]
    again = (await api.put(f"{api.cases}/ext/e1", a_case())).json["case"]
    assert again["case_id"] != made["case_id"]


async def test_deleted_cases_are_listed_for_who_asks(api):
    """Never listed, but with include_deleted (rules 6.0.3 and 10.3)."""
    gone, kept = await api.create(), await api.create()
    await delete(api, gone["case_id"])
    listed = (await api.get(api.cases)).json
    assert listed == {"matching_records": 1, "cases": [kept]}
    found = (await api.get(f"{api.cases}?include_deleted=true&limit=1")).json
    assert found["matching_records"] == 2
    rest = (await api.get(found["next"].removeprefix(api.base))).json
    ids = [case["case_id"] for case in found["cases"] + rest["cases"]]
    assert sorted(ids) == sorted([gone["case_id"], kept["case_id"]])
    assert found["deleted"] + rest["deleted"] == [gone["case_id"]]
    without = (await api.get(f"{api.cases}?include_deleted=no")).json
    assert without == listed


# -- rule 5.3 ----------------------------------------------------------------


async def test_rows_apply_in_order_to_one_case(api):
    """Last value wins; both entries show the end (rules 5.3.2 and 5.3.5)."""
    made = await api.create(external_id="e1")
    rows = [
        {"create": False, "case_id": made["case_id"], "properties": {"a": "1"}},
        {"external_id": "e1", "properties": {"a": "2", "b": "3"}},
    ]
    first, second = (await api.post(api.cases, rows)).json["cases"]
    assert first == second
    assert first["properties"] == {"a": "2", "b": "3"}


async def test_duplicates_in_one_request_make_one_case(api):
    """But explicit creates stay separate (rules 5.3.7 and 9.1)."""
    upsert = a_case(external_id="e1", create=None)
    cases = (await api.post(api.cases, [upsert, upsert])).json["cases"]
    assert len({case["case_id"] for case in cases}) == 1
    create = a_case(external_id="e2", create=True)
    cases = (await api.post(api.cases, [create, create])).json["cases"]
    assert len({case["case_id"] for case in cases}) == 2


async def test_a_row_may_point_at_any_other_row(api):
    """By temporary and by external id, earlier or later (rule 5.3.5)."""
    rows = [
        a_case(create=True, indices={"p": an_index(temporary_id="t2")}),
        a_case(create=True, temporary_id="t2", external_id="e2"),
        a_case(create=True, indices={"p": an_index(external_id="e2")}),
    ]
    first, second, third = (await api.post(api.cases, rows)).json["cases"]
    assert first["indices"]["p"]["case_id"] == second["case_id"]
    assert third["indices"]["p"]["case_id"] == second["case_id"]


async def test_an_error_of_a_look_up_has_no_row_prefix_but_an_entry(api):
    """First one only, without prefix; its row beside it (rules 5.3.4, 9.20, 10.6)."""
    rows = [a_case(create=True), {"create": False, "case_id": "nope"}]
    answer = await api.post(api.cases, rows)
    assert answer.error == "No case found with ID 'nope'"
    [found] = answer.json["errors"]
    assert (found["row"], found["field"]) == (2, "case_id")
    assert forms(api) == []


async def test_a_row_that_is_no_row_is_named(api):
    """No object, or a create that is no boolean (rules 5.3.3, 9.7 and 9.13)."""
    rows = [1, a_case(create="true"), a_case(create=0), None]
    [text] = await refusals(api, "PUT", [rows])
    assert [part.split(":")[0] for part in text.split("; ")] == [
        f"Error in row {n}" for n in (1, 2, 3, 4)
    ]


async def test_rows_are_all_checked_before_any_is_looked_up(api):
    """Look-up errors come after validation (rule 5.3.4)."""
    rows = [{"create": False, "case_id": "nope"}, a_case(create=True, owner_id=None)]
    text = "Error in row 2: Property owner_id is required."
    assert await refusals(api, "POST", [rows]) == [text]


async def test_a_hundred_rows_are_taken_and_an_array_may_be_put(api):
    """The limit itself is no error (rules 1.2, 5.3.1 and D7)."""
    rows = [a_case(create=True, case_name=str(n)) for n in range(100)]
    cases = (await api.put(api.cases, rows)).json["cases"]
    assert [case["case_name"] for case in cases] == [str(n) for n in range(100)]
    text = "You cannot submit more than 100 updates in a single request"
    assert await refusals(api, "PUT", [[*rows, "no row"]]) == [text]
