"""rules/case-api-v2.md 5, 8 and 10: writes, their form, their refusals."""

from __future__ import annotations

import asyncio
import json

import pytest

from ledger.entry import Kind
from ledger.forms.form_xml import parse_form
from ledger.log import entries_after


def a_case(**fields):
    return {"case_type": "patient", "case_name": "Ada", "owner_id": "team"} | fields


def a_row(**fields):
    return {"create": True} | a_case(**fields)


def forms(api):
    """Return the entries of forms in the log, with their bodies."""
    with api.members.store.reading(api.domain) as reader:
        entries = entries_after(reader, 0, limit=1000)
    return [(e, body) for e, body in entries if e.kind is not Kind.DIRECTORY]


async def test_a_write_names_its_form_under_both_keys(api):
    """Rule D1."""
    answer = (await api.post(api.cases, a_case())).json
    assert list(answer) == ["form_id", "xform_id", "case"]
    assert answer["form_id"] == answer["xform_id"]
    [(entry, _)] = forms(api)
    assert entry.form_id == answer["form_id"]


async def test_the_form_says_who_wrote_it_and_with_what(api):
    """Rule 8.2: deviceID is the User-Agent, userID the authenticated user."""
    await api.post(
        api.cases, a_case(user_id="forged"), headers={"User-Agent": "tool <1>"}
    )
    [(entry, body)] = forms(api)
    meta = parse_form(body).meta
    assert meta.device_id == "tool <1>"
    assert meta.username == "editor@example.org"
    assert meta.user_id == entry.user_id


@pytest.mark.parametrize("agent", ["\x01\x02", "caf\xe9", "x" * 5000])
async def test_no_user_agent_stops_a_write(api, agent):
    """Rule 5.7.2 and rules/libraries.md 3.4.3: headers are never an error."""
    port = int(api.base.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = json.dumps(a_case()).encode()
    head = (
        f"POST {api.cases} HTTP/1.1\r\nHost: x\r\nUser-Agent: {agent}\r\n"
        f"Authorization: {api.credentials['Authorization']}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode("latin-1") + body)
    status = int((await reader.readline()).split()[1])
    writer.close()
    await writer.wait_closed()
    assert status in {200, 400}


async def test_a_bulk_answers_a_case_for_each_row_in_order(api):
    """Rules 5.3.2 and D4: each row has its case."""
    rows = [
        a_row(case_name="one", external_id="e1"),
        {"external_id": "e1", "properties": {"a": "1"}},
        a_row(case_name="three"),
    ]
    answer = (await api.post(api.cases, rows)).json
    assert [case["case_name"] for case in answer["cases"]] == ["one", "one", "three"]
    assert answer["cases"][0] == answer["cases"][1]
    assert len(forms(api)) == 1


async def test_an_empty_bulk_names_no_form(api):
    """Rule 5.3.1: an empty array."""
    answer = (await api.post(api.cases, [])).json
    assert answer == {"form_id": None, "xform_id": None, "cases": []}


async def test_a_bulk_with_a_bad_row_saves_nothing_and_names_the_row(api):
    """Rules 5.3.3 and 9.20: validation of rows."""
    rows = [a_row(), a_row(case_type=None), a_row(nonsense=1)]
    answer = await api.post(api.cases, rows)
    assert answer.status == 400
    assert answer.error == (
        "Error in row 2: Property case_type is required.; "
        "Error in row 3: 'nonsense' is not a valid field."
    )
    assert [row["row"] for row in answer.json["errors"]] == [2, 3]
    assert forms(api) == []


async def test_more_than_a_hundred_rows_are_refused(api):
    """Rule D7."""
    answer = await api.post(api.cases, [a_row()] * 101)
    assert answer.status == 400
    text = "You cannot submit more than 100 updates in a single request"
    assert answer.error == text


async def test_an_index_to_a_missing_case_is_kept_as_an_error_form(api):
    """Rules 5.5.2 and 8.5."""
    index = {"case_id": "nope", "case_type": "t", "relationship": "child"}
    answer = await api.post(api.cases, a_case(indices={"parent": index}))
    assert answer.status == 400
    assert answer.error.startswith("InvalidCaseIndex: ")
    assert answer.json["form_id"] == answer.json["xform_id"]
    [(entry, _)] = forms(api)
    assert (entry.kind, entry.form_id) == (Kind.ERROR, answer.json["form_id"])
    assert (await api.get(api.cases)).json["matching_records"] == 0


async def test_an_update_of_an_unknown_case_is_a_400(api):
    """Rule 5.2.1."""
    answer = await api.put(f"{api.cases}/nope", {})
    assert (answer.status, answer.error) == (400, "No case found with ID 'nope'")


async def test_another_case_id_in_the_body_changes_neither_case(api):
    """Rules 5.2.1 and 9.5."""
    a, b = await api.create(), await api.create()
    body = {"case_id": b["case_id"], "case_name": "changed"}
    assert (await api.put(f"{api.cases}/{a['case_id']}", body)).status == 400
    assert (await api.get(f"{api.cases}/{b['case_id']}")).json == b


@pytest.mark.parametrize("path", ["/x1", "/ext/e1"])
@pytest.mark.parametrize("body", [[], "x", 1, None])
async def test_a_single_put_takes_an_object_only(api, path, body):
    """Rules 5.4.1, 9.6 and 9.7."""
    data = json.dumps(body).encode()
    answer = await api.put(api.cases + path, data=data)
    assert answer.status == 400
    assert answer.error == "Payload must be a single JSON object"


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("body", [b"", b"\xef\xbb\xbf{}", b"{", b"\xff", b'"a"', b"1"])
async def test_a_body_that_is_no_request_is_a_400(api, method, body):
    """Rule 5.4.1: no JSON, or neither an object nor an array."""
    answer = await api.request(method, api.cases, data=body)
    assert answer.status == 400
    assert answer.error


@pytest.mark.parametrize("text", ["\x00", "\x0b", "\ufffe", "\ud800"])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: a_case(case_name=text),
        lambda text: a_case(external_id=f"a{text}"),
        lambda text: a_case(properties={"a": text}),
        lambda text: a_case(properties={text: "a"}),
        lambda text: a_case() | {f"x{text}": 1},
        lambda text: [a_row(owner_id=text)],
    ],
)
async def test_what_xml_cannot_carry_is_refused_and_nothing_saved(api, text, spoil):
    """Rule 5.7.1."""
    answer = await api.post(api.cases, spoil(text))
    assert answer.status == 400
    assert answer.error.encode()
    assert forms(api) == []


@pytest.mark.parametrize(
    "text",
    ["<&>\"']]>", "  a\tb\n ", "a\r\nb\rc", "😀 שלום e\u0301", "0012", "2015-04-17"],
)
async def test_every_other_text_comes_back_as_it_was_sent(api, text):
    """Rule 5.4.3."""
    case = await api.create(case_name=text, properties={"a": text})
    read = (await api.get(f"{api.cases}/{case['case_id']}")).json
    assert (read["case_name"], read["properties"]) == (text, {"a": text})


async def test_an_upsert_creates_once_and_then_updates(api):
    """Rule 5.2.2."""
    url = f"{api.cases}/ext/e1"
    made = (await api.put(url, a_case())).json["case"]
    again = (await api.put(url, {"properties": {"a": "1"}})).json["case"]
    assert again["case_id"] == made["case_id"]
    assert again["properties"] == {"a": "1"}


async def test_simultaneous_upserts_make_one_case(api):
    """Rules 5.3.8, 9.1 and 9.2."""
    url = f"{api.cases}/ext/e1"
    bodies = [a_case(properties={f"p{n}": "x"}) for n in range(20)]
    answers = await asyncio.gather(*(api.put(url, body) for body in bodies))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.json["case"]["case_id"] for answer in answers}) == 1
    assert len((await api.get(url)).json["properties"]) == 20


async def test_a_dry_run_saves_nothing(api):
    """Rule 10.2: success is told, nothing is kept."""
    answer = await api.post(f"{api.cases}?dry_run=true", a_case())
    assert (answer.status, answer.json) == (200, {"dry_run": True, "errors": []})
    assert forms(api) == []


@pytest.mark.parametrize("value", ["", "false", "0", "no"])
async def test_a_dry_run_that_is_switched_off_is_none(api, value):
    """Rule 6.0.3."""
    assert (await api.post(f"{api.cases}?dry_run={value}", a_case())).json["form_id"]


@pytest.mark.parametrize(
    "body",
    [
        a_case(nonsense=1),
        [a_row(), {"create": False, "case_id": "nope"}],
        a_case(
            indices={"p": {"case_id": "no", "case_type": "t", "relationship": "child"}}
        ),
    ],
)
async def test_a_dry_run_fails_as_the_real_thing_would(api, body):
    """Rule 10.2: validation, look-up and processing errors."""
    dry = await api.post(f"{api.cases}?dry_run=true", body)
    assert forms(api) == []
    real = await api.post(api.cases, body)
    assert dry.status == real.status == 400
    assert dry.error.split("'")[0] == real.error.split("'")[0]
    assert dry.json.get("errors") == real.json.get("errors")


async def test_the_same_request_under_one_key_is_done_once(api):
    """Rule 10.1: the same stored answer."""
    headers = {"Idempotency-Key": "k-1"}
    first = await api.post(api.cases, a_case(), headers=headers)
    second = await api.post(api.cases, a_case(), headers=headers)
    assert (first.status, first.body) == (200, second.body)
    assert len(forms(api)) == 1


async def test_another_request_under_a_used_key_is_a_409(api):
    """Rule 10.1: another request under the key."""
    headers = {"Idempotency-Key": "k-1"}
    body = a_case(external_id="e1")
    await api.post(api.cases, body, headers=headers)
    others = [
        await api.post(api.cases, body | {"case_name": "B"}, headers=headers),
        await api.put(api.cases, body, headers=headers),
        await api.post(f"{api.cases}?fields=case_id", body, headers=headers),
    ]
    assert [answer.status for answer in others] == [409, 409, 409]
    assert "Idempotency-Key" in others[0].error
    assert len(forms(api)) == 1


async def test_a_key_belongs_to_its_user(api, members):
    """Two users who chose the same key do not see each other's answers."""
    headers = {"Idempotency-Key": "k-1"}
    mine = await api.post(api.cases, a_case(), headers=headers)
    other = members.join("ann") | headers
    theirs = await api.post(api.cases, a_case(), headers=other)
    assert mine.json["form_id"] != theirs.json["form_id"]


async def test_a_key_keeps_an_error_of_the_form_too(api):
    """A retry of a write that failed gives the same answer, not another error form."""
    index = {"case_id": "nope", "case_type": "t", "relationship": "child"}
    headers = {"Idempotency-Key": "k-1"}
    body = a_case(indices={"parent": index})
    first = await api.post(api.cases, body, headers=headers)
    second = await api.post(api.cases, body, headers=headers)
    assert (first.status, first.body) == (second.status, second.body)
    assert len(forms(api)) == 1


async def test_a_refused_request_leaves_its_key_free(api):
    """A request that was refused before a form was made may be mended and repeated."""
    headers = {"Idempotency-Key": "k-1"}
    assert (await api.post(api.cases, {}, headers=headers)).status == 400
    assert (await api.post(api.cases, a_case(), headers=headers)).status == 200


@pytest.mark.parametrize("key", ["", "x" * 256, "caf\u00e9"])
async def test_a_key_that_cannot_be_kept_is_refused(api, key):
    """Rule 10.1: a client must know that it is not protected."""
    headers = {"Idempotency-Key": key}
    assert (await api.post(api.cases, a_case(), headers=headers)).status == 400
