"""rules/case-api-v2.md 5.4 to 5.7, 8 and 9, row by row: texts, limits, forms."""

from __future__ import annotations

import json
import re

import pytest
from lxml import etree

from ledger.entry import Kind
from ledger.log import entries_after

CASE = "{http://commcarehq.org/case/transaction/v2}"
META = "{http://openrosa.org/jr/xforms}"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
TOP_LEVEL = "This must be specified at the top level."
FIELDS_OF_255 = {
    "case_name": "name",
    "case_type": "type",
    "owner_id": "owner_id",
    "external_id": "external_id",
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


async def refusals(api, bodies):
    """Return the text with which each body is refused; the log must not grow."""
    found = []
    for body in bodies:
        answer = await api.post(api.cases, body)
        assert answer.status == 400, (body, answer.body)
        found.append(answer.error)
    assert forms(api) == []
    return found


# -- rule 5.4 ----------------------------------------------------------------


async def test_values_of_properties_are_texts(api):
    """Printed as Python prints them (rules 5.4.1 and 5.7)."""
    shown = {72: "72", True: "True", None: "None"}
    bodies = [a_case(properties={"p": value}) for value in shown]
    assert await refusals(api, bodies) == [
        f"Error with case property 'p'. Values must be strings, received '{text}'"
        for text in shown.values()
    ]
    for number in ("NaN", "1e999", "9" * 3000, "[1]", "{}"):
        data = json.dumps(a_case(properties={"p": 0})).replace(": 0}", f": {number}}}")
        answer = await api.request("POST", api.cases, data=data.encode())
        assert answer.status == 400
        assert answer.error


async def test_fields_are_no_properties(api):
    """Refused, also with the same value at the top (rules 5.4.1 and 9.10)."""
    names = ["case_type", "case_name", "owner_id", "external_id"]
    bodies = [a_case(properties={name: "Ada"}) for name in names]
    assert await refusals(api, bodies) == [
        f"Error with case property '{name}'. {TOP_LEVEL}" for name in names
    ]


async def test_indices_are_checked(api):
    """Every text of rule 5.4 about an index."""
    expected = {
        "Indices must specify case_id, external_id, or temporary ID, and only one": (
            an_index(case_id="a", external_id="b")
        ),
        "Property case_type is required when creating or updating case indices": {
            "external_id": "a",
            "relationship": "child",
        },
        "Property relationship is required when creating or updating case indices": {
            "external_id": "a",
            "case_type": "t",
        },
        "'parent' not in choices: ['child', 'extension']": an_index(
            case_id="a", relationship="parent"
        ),
        "Could not find a case with temporary_id 'a'": an_index(temporary_id="a"),
        "Could not find a case with external_id 'a'": an_index(external_id="a"),
    }
    bodies = [a_case(indices={"p": index}) for index in expected.values()]
    assert await refusals(api, bodies) == list(expected)
    text = "Error with index '1a'. Index names must be valid XML identifiers."
    body = a_case(indices={"1a": an_index(case_id="a")})
    assert await refusals(api, [body]) == [text]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("case_type", [5, True, [], {}]),
        ("case_name", [5, True, [], {}]),
        ("owner_id", [5, True, [], {}]),
        ("external_id", [5, True, [], {}]),
        ("temporary_id", [5, True, [], {}]),
        ("close", ["true", 1, 0]),
        ("properties", ["x", [], 1]),
        ("indices", ["x", [], 1]),
    ],
)
async def test_an_error_of_type_names_its_field(api, name, values):
    """No text of Python's, the field is named (rules 5.4.1 and 9.13)."""
    for value in values:
        answer = await api.post(api.cases, a_case(**{name: value}))
        assert answer.status == 400
        assert f"'{name}'" in answer.error
        assert "<class" not in answer.error
        [found] = answer.json["errors"]
        assert found["field"] == name
    assert forms(api) == []


async def test_a_type_error_inside_an_index_names_the_member(api):
    """Rules 5.4.1 and 9.13: members of an index."""
    for member in ("case_id", "external_id", "temporary_id", "case_type"):
        body = a_case(indices={"p": {member: 5}})
        [text] = await refusals(api, [body])
        assert f"'indices.p.{member}'" in text


async def test_all_text_of_xml_comes_back_byte_for_byte(api):
    """Every character XML 1.0 can carry, nothing folded (rules 5.4.3 and 9.17)."""
    legal = [9, 10, 13, *range(0x20, 0xD800), *range(0xE000, 0xFFFE)]
    legal += range(0x10000, 0x110000, 97)
    text = "".join(map(chr, legal))
    made = await api.create(properties={"all": text, "r": "\r", "crlf": " \r\n\r "})
    kept = {"all": text, "r": "\r", "crlf": " \r\n\r "}
    read = await api.get(f"{api.cases}/{made['case_id']}")
    assert made["properties"] == kept
    assert read.json["properties"] == kept


@pytest.mark.parametrize(
    "text",
    [
        "\ra\r\nb\n\r",
        "]]>",
        "&amp;&#13;&lt;",
        "\u202eabc\u202c",
        "e\u0301",
        " \t\n",
        "0012",
        "2015-04-17T16:04:54.950-04",
        "\U0010fffd",
        "\x7f\x85\u2028",
    ],
)
async def test_ids_and_names_keep_their_text(api, text):
    """Also where it is a name, an owner, a type or an id (rules 5.4.3 and 9.17)."""
    fields = dict.fromkeys(FIELDS_OF_255, text)
    made = await api.create(**fields)
    read = (await api.post(f"{api.cases}/bulk-fetch", {"external_ids": [text]})).json
    assert read["cases"] == [made]
    assert {name: made[name] for name in fields} == fields


# -- rule 5.5 ----------------------------------------------------------------


async def test_an_index_is_set_replaced_and_removed(api):
    """Rows of rule 5.5, removal without a relationship too (rules 5.5.1 and 9.9)."""
    target = await api.create(external_id="e1", case_type="other")
    made = await api.create(indices={"p": an_index(external_id="e1", nonsense=1)})
    expected = {"case_id": target["case_id"]} | an_index()
    assert made["indices"] == {"p": expected}
    url = f"{api.cases}/{made['case_id']}"
    kept = await api.put(url, {"indices": {"q": {"case_id": ""}}})
    assert kept.json["case"]["indices"] == {"p": expected}
    extension = an_index(case_id=target["case_id"], relationship="extension")
    replaced = await api.put(url, {"indices": {"p": extension}})
    assert replaced.json["case"]["indices"] == {"p": extension}
    for removal in ({"case_id": ""}, {}, {"external_id": None, "case_id": None}):
        await api.put(url, {"indices": {"p": extension}})
        removed = await api.put(url, {"indices": {"p": removal}})
        assert removed.json["case"]["indices"] == {}


async def test_a_single_create_knows_its_own_temporary_id(api):
    """Rule 5.5.2: a case may so point at itself, at nothing else."""
    answer = await api.post(
        api.cases,
        a_case(temporary_id="t", indices={"p": an_index(temporary_id="t")}),
    )
    assert answer.status == 200, answer.body
    case = answer.json["case"]
    assert case["indices"]["p"]["case_id"] == case["case_id"]


# -- rule 5.6 ----------------------------------------------------------------


@pytest.mark.parametrize(("name", "shown"), FIELDS_OF_255.items())
async def test_a_field_has_at_most_255_characters(api, name, shown):
    """256 are kept as an error form and refused; no case changes (rule 5.6)."""
    made = await api.create()
    text = (
        f"CaseValueError: Error processing case update: Field: {shown}, "
        "Error: Value exceeds allowed length: 255"
    )
    long = {name: "x" * 256}
    answers = [
        await api.post(api.cases, a_case(**long)),
        await api.put(f"{api.cases}/{made['case_id']}", long),
        await api.post(api.cases, [a_case(create=True), a_case(create=True, **long)]),
    ]
    for answer in answers:
        assert (answer.status, answer.error) == (400, text)
        assert answer.json["form_id"] == answer.json["xform_id"]
    kept = {entry.form_id for entry, _ in forms(api) if entry.kind is Kind.ERROR}
    assert kept == {answer.json["form_id"] for answer in answers}
    assert (await api.get(api.cases)).json["cases"] == [made]


@pytest.mark.parametrize("letter", ["x", "é", "😀"])
async def test_255_characters_of_any_size_are_taken(api, letter):
    """Characters are counted, not bytes, nor halves of surrogate pairs (rule 5.6)."""
    fields = dict.fromkeys(FIELDS_OF_255, letter * 255)
    made = await api.create(**fields)
    assert {name: made[name] for name in fields} == fields


async def test_a_property_has_no_limit_of_255(api):
    """Rule 5.6: values of properties have no limit."""
    made = await api.create(properties={"p": "é" * 300_000})
    read = (await api.get(f"{api.cases}/{made['case_id']}")).json
    assert read["properties"]["p"] == "é" * 300_000


# -- rule 5.7 ----------------------------------------------------------------


@pytest.mark.parametrize("text", ["\x00", "\x1f", "\ud800", "a\x00b", "\uffff"])
async def test_no_id_of_a_bulk_fetch_is_an_error_of_the_server(api, text):
    """Rule 5.7: in ids of a bulk fetch a stub or 400."""
    for key in ("case_ids", "external_ids"):
        data = json.dumps({key: [text]}).encode()
        answer = await api.request("POST", f"{api.cases}/bulk-fetch", data=data)
        assert answer.status in {200, 400}
        assert answer.json.get("missing_records", 1) == 1


async def test_deep_json_is_refused(api):
    """Rule 5.7: JSON nested thousands deep, in every place a body is read."""
    for deep in (b"[" * 100_000, b'{"a":' * 50_000, b'[{"properties":' * 9_000):
        for path in ("", "/x1", "/ext/e1"):
            assert (await api.put(api.cases + path, data=deep)).status == 400
        fetched = await api.post(f"{api.cases}/bulk-fetch", data=deep)
        assert fetched.status == 400


@pytest.mark.parametrize(
    "place",
    [
        "%01",
        "%0D%0A",
        "%27%20OR%201=1--",
        "%3Cscript%3E",
        "%5C..%5C",
        "..%2F..%2Fetc",
        "%25",
        "%2C",
        "%EF%BF%BF",
        "%C2%85",
        "%",
        "%zz",
        "x" * 3000,
        "," * 500,
    ],
)
async def test_no_path_is_an_error_of_the_server(api, place):
    """Stubs, 404 or 400; a PUT 400 (rules 1.3 and 5.7)."""
    for prefix in ("", "/ext"):
        url = f"{api.cases}{prefix}/{place}"
        for answer in (await api.get(url), await api.get(url + "/")):
            assert answer.status in {200, 400, 404}
            if answer.status == 200:
                assert answer.json["matching_records"] == 0
            else:
                assert answer.error
        assert (await api.put(url, {"case_type": "t"})).status == 400
    assert forms(api) == []


# -- rule 8 ------------------------------------------------------------------


async def test_the_form_of_a_write_is_made_as_hq_makes_it(api):
    """Root, meta and their order (rules 8.1 and 8.2)."""
    answer = await api.post(api.cases, a_case(), headers={"User-Agent": "a<b> & c"})
    [(entry, body)] = forms(api)
    root = etree.fromstring(body)
    assert root.tag == "{http://commcarehq.org/case_api}system"
    assert dict(root.attrib) == {"version": "1", "uiVersion": "1"}
    assert [child.tag.rpartition("}")[2] for child in root] == ["meta", "case"]
    meta = {child.tag: child.text for child in root[0]}
    names = ["deviceID", "timeStart", "timeEnd", "username", "userID", "instanceID"]
    version = "{http://commcarehq.org/xforms}appVersion"
    assert list(meta) == [*(META + name for name in names), version]
    assert meta[f"{META}deviceID"] == "a<b> & c"
    assert meta[f"{META}timeStart"] == meta[f"{META}timeEnd"]
    assert TIME.fullmatch(meta[f"{META}timeStart"])
    assert meta[f"{META}username"] == "editor@example.org"
    assert meta[f"{META}userID"] == entry.user_id
    assert re.fullmatch("[0-9a-f]{32}", meta[f"{META}instanceID"])
    assert meta[f"{META}instanceID"] == answer.json["form_id"]
    assert not meta[version]


async def test_the_blocks_of_a_write_are_made_as_hq_makes_them(api):
    """Children and their order, one block per row (rule 8.3)."""
    target = await api.create()
    index = an_index(case_id=target["case_id"])
    sides = {"p": index, "q": index | {"relationship": "extension"}}
    new = a_case(create=True, external_id="e1", close=True, indices=sides)
    old = {"create": False, "case_id": target["case_id"], "case_name": "B"}
    rows = [new | {"properties": {"b": "2", "a": "1"}}, old, old | {"case_name": None}]
    answer = await api.post(api.cases, rows)
    first, second, third = etree.fromstring(forms(api)[-1][1])[1:]
    created = answer.json["cases"][0]
    assert first.get("case_id") == created["case_id"]
    assert first.get("date_modified") == created["last_modified"]
    assert set(first.attrib) == {"case_id", "date_modified", "user_id"}
    children = [child.tag.removeprefix(CASE) for child in first]
    assert children == ["create", "update", "close", "index"]
    shown = [[c.tag.removeprefix(CASE) for c in child] for child in first]
    special = ["case_type", "case_name", "owner_id"]
    assert shown == [special, ["external_id", "a", "b"], [], ["p", "q"]]
    assert dict(first[3][0].attrib) == {"case_type": "patient"}
    assert first[3][1].get("relationship") == "extension"
    assert first[3][1].text == target["case_id"]
    assert [child.tag for child in second] == [f"{CASE}update"]
    assert [child.tag for child in second[0]] == [f"{CASE}case_name"]
    assert list(third) == []


async def test_a_form_that_fails_names_both_cases(api):
    """Rule 8.5."""
    made = await api.create()
    body = {"indices": {"p": an_index(case_id="nope")}}
    answer = await api.put(f"{api.cases}/{made['case_id']}", body)
    text = f"InvalidCaseIndex: Case '{made['case_id']}' references non-existent case"
    assert (answer.status, answer.error) == (400, f"{text} 'nope'")
    assert answer.json["form_id"] == answer.json["xform_id"]
    assert (await api.get(f"{api.cases}/{made['case_id']}")).json == made


async def test_a_dry_run_saves_no_error_form_either(api):
    """Rule 10.2: bulk and too long texts, nothing kept."""
    rows = [a_case(create=True), a_case(create=True, case_name="x" * 256)]
    dry = await api.put(f"{api.cases}?dry_run=1", rows)
    assert dry.status == 400
    assert dry.error.startswith("CaseValueError: ")
    assert "form_id" not in dry.json
    fine = await api.put(f"{api.cases}/ext/e1?dry_run=1", a_case())
    assert fine.json == {"dry_run": True, "errors": []}
    assert forms(api) == []
    assert (await api.get(api.cases)).json == {"matching_records": 0, "cases": []}
