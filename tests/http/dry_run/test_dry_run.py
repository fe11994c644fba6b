"""What a write would do: the states and errors that result, and nothing appended.

The rules of forms are those of rules/case-xml.md 12, 13 and 17.
"""

from __future__ import annotations

import pytest

from api.cli.database import OPERATOR
from api.dry_run.openapi import PREDICTED_CASE, PREDICTION
from ledger.clock import now_micros
from ledger.directory.domains import DomainSettings, save_settings
from tests.kit.build import a_block, a_create, a_form, an_update

XML = {"Content-Type": "text/xml"}
MULTIPART = {"Content-Type": "multipart/form-data; boundary=cut"}
HOST = ("c1", "patient", "extension")
OURS = ("server_last_modified", "indexed_on")
OF_THE_WRITE = (*OURS, "last_modified", "date_opened", "date_closed")


def a_case(**fields):
    return {"case_type": "patient", "case_name": "Ada", "owner_id": "team"} | fields


def path(api, query=""):
    return f"/a/{api.domain}/api/ledger/v1/dry-run/{query}"


async def tried(api, body, *, headers=XML):
    """Ask what a form would do; the log must be as before."""
    before = head(api)
    answer = await api.post(path(api), data=body, headers=headers)
    assert answer.status == 200, answer.body
    assert head(api) == before
    return answer.json


async def tried_json(api, payload, query=""):
    """Ask what a JSON body would do; the log must be as before."""
    before = head(api)
    answer = await api.post(path(api, query), payload, headers=JSON)
    assert answer.status == 200, answer.body
    assert head(api) == before
    return answer.json


JSON = {"Content-Type": "application/json"}


async def submit(api, body, *, headers=XML):
    """Submit a form for real."""
    return await api.post(f"/a/{api.domain}/receiver/", data=body, headers=headers)


async def wire(api, case_id, without=OURS):
    """Return a case as the case API has it, but for times that no trial can know."""
    answer = await api.get(f"{api.cases}/{case_id}")
    return None if answer.status == 404 else lasting(answer.json, without)


def lasting(case, without=OURS):
    """Return what of a case does not depend on the moment of the write."""
    return {name: value for name, value in case.items() if name not in without}


def head(api):
    """Return position and digest of the log's last entry."""
    with api.members.store.reading(api.domain) as reader:
        return reader.head.position, reader.head.digest


def close_extensions(api):
    """Have the domain close what extends a closed case."""
    with api.members.store.writing(api.domain) as writer:
        save_settings(
            writer,
            DomainSettings(close_extensions=True),
            author=OPERATOR,
            now=now_micros(),
        )


async def test_a_form_is_told_what_it_would_do_and_then_does_it(api):
    """Verdict, id, and each case before and after, as the real submission has it."""
    await submit(api, a_form([a_create("c1", update={"a": "1"})], form_id="f1"))
    body = a_form([an_update("c1", a="2", b="x"), a_create("c2")], form_id="f2")
    told = await tried(api, body)
    assert set(told) == set(PREDICTION.definition["properties"])
    assert set(told["cases"][0]) == set(PREDICTED_CASE.definition["properties"])
    assert (told["verdict"], told["problem"], told["form_id"]) == ("normal", None, "f2")
    assert (told["entries"], told["closed_by_cascade"]) == (["normal"], [])
    one, two = told["cases"]
    assert (one["case_id"], one["new"]) == ("c1", False)
    assert lasting(one["before"]) == await wire(api, "c1")
    assert one["changes"] == [
        {"name": "properties.a", "from": "1", "to": "2"},
        {"name": "properties.b", "from": None, "to": "x"},
    ]
    assert (two["case_id"], two["new"], two["before"]) == ("c2", True, None)
    await submit(api, body)
    for case in told["cases"]:
        assert lasting(case["after"]) == await wire(api, case["case_id"])


async def test_an_edit_is_told_with_the_cases_of_both_versions(api):
    """Rule 13.12: the old version is taken out, the new one put in."""
    await submit(
        api, a_form([a_create("c1", update={"a": "1"}), a_create("c2")], form_id="f1")
    )
    told = await tried(api, a_form([a_create("c1")], form_id="f1"))
    assert (told["verdict"], told["form_id"]) == ("edit", "f1")
    one, two = told["cases"]
    assert one["changes"] == [{"name": "properties.a", "from": "1", "to": None}]
    assert two["after"]["deleted"] == two["after"]["server_last_modified"]
    assert await wire(api, "c2") is not None


@pytest.mark.parametrize("verdict", ["duplicate", "error"])
async def test_a_form_that_would_not_count_touches_no_case(api, verdict):
    """Rules 12 and 13: the problem is that of the real answer."""
    body = a_form([a_create("c1")], form_id="f1")
    await submit(api, body)
    if verdict == "error":
        body = a_form([a_create("c2", index={"host": "nowhere"})], form_id="f2")
    told = await tried(api, body)
    assert (told["verdict"], told["entries"], told["cases"]) == (verdict, [verdict], [])
    answer = await submit(api, body)
    assert told["problem"] in answer.body.decode()
    assert told["form_id"] == {"duplicate": None, "error": "f2"}[verdict]


async def test_a_form_that_failed_before_is_told_whether_it_fails_again(api):
    """Rule 13.4: a resubmitted error is tried again first."""
    body = a_form([a_create("c1", index={"host": "c2"})], form_id="f1")
    await submit(api, body)
    told = await tried(api, body)
    assert (told["verdict"], told["entries"]) == ("error", [])
    await submit(api, a_form([a_create("c2")], form_id="f2"))
    told = await tried(api, body)
    assert (told["verdict"], told["entries"]) == (
        "duplicate",
        ["reprocess", "duplicate"],
    )
    assert [case["case_id"] for case in told["cases"]] == ["c1"]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"<a", "Invalid XML: "),
        (b"<a/>", "Form is missing a required field: XMLNS"),
    ],
)
async def test_what_is_no_form_is_told_so(api, body, problem):
    """Rule 12.3: the bytes would be kept, under an id that nobody knows yet."""
    told = await tried(api, body)
    assert (told["verdict"], told["form_id"]) == ("submission_error", None)
    assert told["problem"].startswith(problem)


async def test_a_cascade_is_told_with_the_cases_it_would_close(api):
    """Rule 17.3: closing the host closes its extension, by another form."""
    close_extensions(api)
    await submit(api, a_form([a_create("c1"), a_create("c2", index={"host": HOST})]))
    body = a_form([a_block("c1", close=True)])
    told = await tried(api, body)
    assert (told["entries"], told["closed_by_cascade"]) == (
        ["normal", "normal"],
        ["c2"],
    )
    assert [case["after"]["closed"] for case in told["cases"]] == [True, True]
    await submit(api, body)
    assert (await wire(api, "c2"))["closed"] is True


async def test_a_multipart_body_is_taken_as_the_receiver_takes_it(api):
    """Files that come with the form are known to it."""
    block = a_create("c1", attach={"photo": {"src": "a.jpg", "from": "local"}})
    form = a_form([block], form_id="f1")
    with_file = multipart(form, "a.jpg")
    assert (await tried(api, with_file, headers=MULTIPART))["verdict"] == "normal"
    told = await tried(api, multipart(form, "b.jpg"), headers=MULTIPART)
    assert (told["verdict"], told["problem"]) == (
        "error",
        "AttachmentNotFound: f1: 'a.jpg'",
    )


async def test_files_that_would_complete_a_form_are_tried_with_those_it_has(api):
    """Rules 13.20 and 13.21 of rules/case-xml.md: also when it was an error so far."""
    block = a_create("c1", attach={"photo": {"src": "a.jpg", "from": "local"}})
    form = a_form([block], form_id="f1")
    await submit(api, multipart(form, "b.jpg"), headers=MULTIPART)
    told = await tried(api, multipart(form, "a.jpg"), headers=MULTIPART)
    assert (told["verdict"], told["entries"]) == ("complete", ["complete"])
    assert [case["case_id"] for case in told["cases"]] == ["c1"]
    await submit(api, multipart(form, "a.jpg"), headers=MULTIPART)
    told = await tried(api, multipart(form, "c.jpg"), headers=MULTIPART)
    assert (told["verdict"], told["cases"]) == ("complete", [])


async def test_a_created_case_has_a_name_in_the_place_of_its_id(api):
    """The server makes ids when it writes, so a trial cannot know them."""
    told = await tried_json(api, a_case(external_id="e1", properties={"a": "1"}))
    assert (told["verdict"], told["form_id"]) == ("normal", None)
    [case] = told["cases"]
    assert (case["case_id"], case["new"], case["rows"]) == ("new:1", True, [1])
    created = await api.create(external_id="e1", properties={"a": "1"})
    assert lasting(case["after"], (*OF_THE_WRITE, "case_id")) == lasting(
        created, (*OF_THE_WRITE, "case_id")
    )


async def test_the_rows_of_a_bulk_are_told_case_by_case(api):
    """Rows that mean one case are one case; an index may point at a new one."""
    old = await api.create(external_id="e1", properties={"a": "1"})
    rows = [
        {"create": True, "temporary_id": "t", **a_case(case_name="Parent")},
        {
            "create": True,
            **a_case(case_name="Child"),
            "indices": {
                "parent": {
                    "temporary_id": "t",
                    "case_type": "patient",
                    "relationship": "child",
                }
            },
        },
        {"create": False, "case_id": old["case_id"], "properties": {"a": "2"}},
        {"external_id": "e1", "properties": {"b": "3"}},
    ]
    told = await tried_json(api, rows)
    by_id = {case["case_id"]: case for case in told["cases"]}
    assert set(by_id) == {"new:1", "new:2", old["case_id"]}
    child = by_id["new:2"]
    assert child["after"]["indices"]["parent"]["case_id"] == "new:1"
    index = child["after"]["indices"]["parent"]
    assert {"name": "indices.parent", "from": None, "to": index} in child["changes"]
    assert by_id[old["case_id"]]["rows"] == [3, 4]
    assert by_id[old["case_id"]]["after"]["properties"] == {"a": "2", "b": "3"}
    assert (await api.get(api.cases)).json["matching_records"] == 1


async def test_a_put_is_told_as_a_put(api):
    """An object creates, unless it is said to be meant for PUT."""
    old = await api.create()
    body = {"case_id": old["case_id"], "case_name": "Grace"}
    told = await tried_json(api, body, "?method=PUT")
    assert [change["name"] for change in told["cases"][0]["changes"]] == ["case_name"]
    refused = await api.post(path(api), body, headers=JSON)
    text = "You cannot specify case_id when creating a new case"
    assert (refused.status, refused.error) == (400, text)


async def test_an_xform_error_of_a_json_body_is_a_verdict(api):
    """The ledger would keep the form; its problem names no id that is not there yet."""
    index = {"case_id": "nope", "case_type": "t", "relationship": "child"}
    told = await tried_json(api, a_case(indices={"parent": index}))
    assert (told["verdict"], told["entries"], told["cases"]) == ("error", ["error"], [])
    assert told["problem"] == (
        "InvalidCaseIndex: Case 'new:1' references non-existent case 'nope'"
    )


@pytest.mark.parametrize(
    "payload",
    [
        {"case_type": "t"},
        [{"create": True, "case_type": "t"}, {"create": False}],
        [{"create": False, "case_id": "nope"}],
        "text",
    ],
)
async def test_what_is_refused_is_refused_in_the_same_words(api, payload):
    """A refusal of the real address is the refusal of the trial."""
    real = await api.post(api.cases, payload)
    told = await api.post(path(api), payload, headers=JSON)
    assert (told.status, told.json) == (real.status, real.json)
    assert told.status == 400


async def test_an_empty_bulk_would_make_no_form(api):
    """rules/case-api-v2.md 5.3.1: an empty array."""
    told = await tried_json(api, [])
    assert (told["verdict"], told["entries"], told["cases"]) == ("normal", [], [])


@pytest.mark.parametrize("kind", [None, "text/plain", "application/octet-stream"])
async def test_a_body_of_another_type_is_a_415(api, kind):
    """Nothing is guessed about what a body is."""
    headers = {} if kind is None else {"Content-Type": kind}
    answer = await api.post(path(api), data=b"<a/>", headers=headers)
    assert answer.status == 415
    assert answer.error == (
        "The Content-Type must be application/json, text/xml, application/xml or "
        "multipart/form-data, not application/octet-stream"
    ).replace("application/octet-stream", kind or "application/octet-stream")


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("?method=GET", "'GET' is not a valid value for 'method'"),
        ("?nonsense=1", "'nonsense' is not a valid parameter."),
    ],
)
async def test_an_unknown_wish_is_a_400(api, query, text):
    """Bad input names the parameter."""
    answer = await api.post(path(api, query), a_case(), headers=JSON)
    assert (answer.status, answer.error) == (400, text)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", XML, 400),
        (b"--cut--", MULTIPART, 400),
        (b"x" * (10 * 1024 * 1024 + 1), XML, 413),
    ],
)
async def test_a_body_that_the_receiver_refuses_is_refused(api, body, headers, status):
    """The same checks in the same order, told as JSON."""
    real = await submit(api, body, headers=headers)
    told = await api.post(path(api), data=body, headers=headers)
    assert (told.status, told.error) == (real.status, real.body.decode())
    assert told.status == status


async def test_only_who_may_write_may_try(api):
    """A trial holds the head of the domain as a write does."""
    for role, status in (("viewer", 403), ("mobile", 403), ("admin", 200)):
        headers = api.members.join(f"{role}@example.org", role=role)
        answer = await api.post(path(api), data=a_form(), headers={**headers, **XML})
        assert answer.status == status


async def test_a_receive_time_is_honoured_as_at_the_receiver(api):
    """rules/submission.md D-d: an administrator's X-Submit-Time counts."""
    admin = api.members.join("admin@example.org", role="admin")
    await submit(api, a_form([a_create("c1", update={"a": "now"})]))
    late = {**XML, **admin, "X-Submit-Time": "2020-01-01T00:00:00Z"}
    told = await tried(api, a_form([an_update("c1", a="then")]), headers=late)
    assert told["cases"][0]["after"]["properties"] == {"a": "now"}


def multipart(form: bytes, name: str) -> bytes:
    """Return a form and a file as a device sends them."""
    parts = [
        ("xml_submission_file", "form.xml", "text/xml", form),
        (name, name, "image/jpeg", b"\xff\xd8"),
    ]
    sent = b"".join(
        b'--cut\r\nContent-Disposition: form-data; name="%b"; filename="%b"\r\n'
        b"Content-Type: %b\r\n\r\n%b\r\n"
        % (part.encode(), file.encode(), kind.encode(), content)
        for part, file, kind, content in parts
    )
    return sent + b"--cut--\r\n"
