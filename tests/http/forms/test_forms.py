"""rules/case-xml.md 13 to 16 over HTTP: a form is seen, withdrawn and brought back."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from api.cli.domain import add_domain
from api.openapi.shared import FORM
from ledger.entry import Kind
from ledger.log import entries_after
from tests.kit.build import (
    XMLNS,
    a_create,
    a_file,
    a_form,
    a_submission,
    an_update,
    write,
)


@pytest.fixture
async def admin(api):
    """Return the header of somebody who may do everything."""
    return api.members.join("admin@example.org", role="admin")


def forms(api) -> str:
    return f"/a/{api.domain}/api/ledger/v1/forms"


async def submit(api, *blocks, form_id="f1", **options):
    """Submit a form as a device does; return the answer."""
    return await api.post(
        f"/a/{api.domain}/receiver/",
        data=a_form(blocks, form_id=form_id, **options),
        headers={"Content-Type": "text/xml"},
    )


async def act(api, name, form_id="f1", *, reason=None, **more):
    """Do something with a form; return what the server said."""
    body = None if reason is None else {"reason": reason}
    return await api.post(f"{forms(api)}/{form_id}/{name}/", body, **more)


async def seen(api, form_id="f1"):
    """Return a form as the server shows it."""
    answer = await api.get(f"{forms(api)}/{quote(form_id, safe='')}/")
    assert answer.status == 200, answer.body
    return answer.json


async def properties(api, case_id="c1"):
    """Return the properties of a case, nothing when it is in no list."""
    answer = await api.get(f"{api.cases}/{case_id}")
    return answer.json["properties"] if answer.status == 200 else None


async def test_a_form_is_shown_with_all_that_is_known_of_it(api):
    """Rule 14: state, sender, times, envelope, cases, history, links."""
    await submit(api, a_create("c1"), an_update("c2", a="1"))
    form = await seen(api)
    assert set(form) == set(FORM.definition["properties"])
    assert (form["form_id"], form["state"], form["xmlns"]) == ("f1", "normal", XMLNS)
    assert form["meta"]["user_id"] == "u-amina"
    assert form["meta"]["device_id"] == "D-1"
    assert form["details"]["path"] == "/a/demo/receiver/"
    assert form["in_force_form_id"] == "f1"
    assert form["server_modified_on"] == form["received_on"]
    assert [case["case_id"] for case in form["cases"]] == ["c1", "c2"]
    unset = ("edited_on", "deleted_on", "problem", "orig_form_id", "caused_by_form_id")
    assert [form[name] for name in unset] == [None] * len(unset)
    [step] = form["history"]
    assert (step["kind"], step["when"]) == ("normal", form["received_on"])


async def test_the_links_of_a_form_lead_to_what_they_name(api):
    """Cases, bytes and files are one request away."""
    write(
        api.members.store,
        a_submission(a_form([a_create()], form_id="f1"), attachments=[a_file()]),
    )
    form = await seen(api)
    links = [form["xml"], form["cases"][0]["url"], form["attachments"][0]["url"]]
    answers = [await api.get(link.removeprefix(api.base)) for link in links]
    assert [answer.status for answer in answers] == [200, 200, 200]


async def test_the_bytes_of_a_form_are_those_that_came(api):
    """No byte is changed, and no browser takes it for a page."""
    body = a_form([a_create()], form_id="f1")
    await submit(api, a_create())
    answer = await api.get(f"{forms(api)}/f1/xml/")
    assert answer.body == body
    assert answer.headers["Content-Type"] == "application/xml"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_what_is_no_form_has_bytes_and_no_meta(api):
    """Rule 12.3: a submission error is kept, and can be looked at."""
    answer = await api.post(
        f"/a/{api.domain}/receiver/",
        data=b"<no form",
        headers={"Content-Type": "text/xml"},
    )
    form_id = answer.headers["X-CommCareHQ-FormID"]
    form = await seen(api, form_id)
    assert (form["state"], form["meta"], form["cases"]) == (
        "submission_error",
        None,
        [],
    )
    assert form["problem"].startswith("Invalid XML: ")
    assert (await api.get(f"{forms(api)}/{form_id}/xml")).body == b"<no form"


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("image/jpeg", "image/jpeg"),
        ("text/html; charset=utf-8", "text/html"),
        ("no type\r\nX-Evil: 1", "application/octet-stream"),
        ("", "application/octet-stream"),
    ],
)
async def test_a_file_is_given_as_a_download_that_cannot_run(api, told, shown):
    """What a device sent is never a page of this server, whatever it says it is."""
    file = a_file('../a b/é".html', b"<script>")
    object.__setattr__(file, "content_type", told)
    body = a_form([a_create()], form_id="f1")
    write(api.members.store, a_submission(body, attachments=[file]))
    [attachment] = (await seen(api))["attachments"]
    assert (attachment["name"], attachment["length"]) == (file.name, 8)
    answer = await api.get(attachment["url"].removeprefix(api.base))
    assert answer.body == b"<script>"
    assert answer.headers["Content-Type"] == shown
    assert answer.headers["Content-Disposition"] == (
        "attachment; filename*=UTF-8''..%2Fa%20b%2F%C3%A9%22.html"
    )
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "sandbox"


async def test_a_file_that_did_not_come_is_a_404(api):
    """The text names both the form and the file."""
    await submit(api, a_create())
    answer = await api.get(f"{forms(api)}/f1/attachments/x.jpg")
    assert (answer.status, answer.error) == (
        404,
        "Form 'f1' has no attachment 'x.jpg'",
    )


@pytest.mark.parametrize("path", ["", "/xml", "/attachments/a.jpg"])
@pytest.mark.parametrize("form_id", ["nope", "a%2Fb", "%00", "%F0%9F%98%80"])
async def test_an_unknown_form_is_a_404(api, path, form_id):
    """Whatever the id is."""
    answer = await api.get(f"{forms(api)}/{form_id}{path}")
    assert answer.status == 404
    assert answer.error.startswith("Form '")
    assert answer.error.endswith("' not found")


async def test_an_id_that_is_no_text_is_a_400(api):
    """As in the case API."""
    answer = await api.get(f"{forms(api)}/%FF")
    assert (answer.status, answer.error) == (
        400,
        "The path of the URL is not valid UTF-8",
    )


async def test_a_form_is_found_by_any_id_that_xml_can_hold(api):
    """Rule 3.2: an instance id is any text."""
    form_id = "a/b c?d#e%2F'é"
    await submit(api, a_create(), form_id=form_id)
    assert (await seen(api, form_id))["form_id"] == form_id


async def test_a_form_of_another_domain_is_not_found(api):
    """Law: a domain sees nothing of another."""
    add_domain(api.members.store, "other")
    write(
        api.members.store,
        a_submission(a_form([a_create("c9")], form_id="f9")),
        domain="other",
    )
    for path in ("", "/xml"):
        assert (await api.get(f"{forms(api)}/f9{path}")).status == 404
    assert (await act(api, "archive", "f9")).status == 404


async def test_an_edit_leaves_the_old_version_under_another_id(api):
    """Rule 13.10: both can be looked at, and lead to each other."""
    await submit(api, a_create(update={"a": "1"}))
    answer = await submit(api, a_create(update={"a": "2"}))
    assert answer.status == 201
    assert b"submit_success" in answer.body
    form = await seen(api)
    assert form["state"] == "normal"
    assert form["edited_on"] > form["received_on"]
    assert [step["kind"] for step in form["history"]] == ["normal", "edit"]
    old = await seen(api, form["deprecated_form_id"])
    assert (old["state"], old["orig_form_id"]) == ("deprecated", "f1")
    assert old["received_on"] == form["received_on"]
    assert old["edited_on"] == form["edited_on"]
    assert old["in_force_form_id"] == form["in_force_form_id"] == "f1"
    assert b"<a>1</a>" in (await api.get(f"{forms(api)}/{old['form_id']}/xml")).body
    assert b"<a>2</a>" in (await api.get(f"{forms(api)}/f1/xml")).body
    assert await properties(api) == {"a": "2"}


async def test_an_edit_that_fails_leaves_the_last_good_version_in_force(api):
    """Rule D-3: the form shows the problem, the case what was good."""
    await submit(api, a_create(update={"a": "1"}))
    answer = await submit(api, a_create(update={"a": "2"}, index={"host": "nowhere"}))
    assert b"submit_error" in answer.body
    assert answer.headers["X-CommCareHQ-FormID"] == "f1"
    form = await seen(api)
    assert form["state"] == "error"
    assert form["problem"].startswith("InvalidCaseIndex: ")
    assert form["in_force_form_id"] == form["deprecated_form_id"]
    assert (await seen(api, form["in_force_form_id"]))["state"] == "deprecated"
    assert await properties(api) == {"a": "1"}


@pytest.mark.parametrize("version", ["2.1", "3.0"])
async def test_a_device_hears_of_an_edit_what_it_hears_of_a_form(api, version):
    """rules/submission.md 1.6: an edit is processed, a failed one is not."""
    headers = {"Content-Type": "text/xml", "X-OpenRosa-Version": version}
    receiver = f"/a/{api.domain}/receiver/"
    bodies = [
        a_form([a_create()], form_id="f1"),
        a_form([a_create(update={"a": "2"})], form_id="f1"),
        a_form([a_create(index={"host": "nowhere"})], form_id="f1"),
    ]
    answers = [await api.post(receiver, data=b, headers=headers) for b in bodies]
    assert answers[1].body == answers[0].body
    failed = (
        (422, b"processing_failure") if version == "3.0" else (201, b"submit_error")
    )
    assert [answer.status for answer in answers] == [201, 201, failed[0]]
    assert failed[1] in answers[2].body


async def test_an_archived_form_does_not_count_until_it_is_unarchived(api):
    """Rules 15.4 and 15.5: without its only form a case is gone; and back."""
    await submit(api, a_create(update={"a": "1"}))
    answer = await act(api, "archive", reason="entered twice")
    assert answer.json == {
        "form_id": "f1",
        "changed": True,
        "state": "archived",
        "position": answer.json["position"],
        "problem": None,
    }
    assert await properties(api) is None
    form = await seen(api)
    assert (form["state"], form["in_force_form_id"]) == ("archived", None)
    assert form["history"][-1]["reason"] == "entered twice"
    assert form["history"][-1]["position"] == answer.json["position"]
    assert form["history"][-1]["user_id"] is not None
    assert (await act(api, "unarchive")).json["state"] == "normal"
    assert await properties(api) == {"a": "1"}


async def test_a_deleted_form_is_restored_to_what_it_was(api, admin):
    """Rule 15.1: any state can be deleted; restoring brings that state back."""
    await submit(api, a_create())
    await act(api, "archive")
    deleted = await act(api, "delete", headers=admin)
    assert deleted.json["state"] == "deleted"
    form = await seen(api)
    assert form["deleted_on"] == form["server_modified_on"]
    assert (await act(api, "restore", headers=admin)).json["state"] == "archived"
    assert (await seen(api))["deleted_on"] is None


async def test_an_error_form_is_reprocessed_once_its_cause_is_gone(api):
    """Rule 12.6: the form keeps its place, the problem goes."""
    await submit(api, a_create("c1", index={"host": "c2"}))
    again = (await act(api, "reprocess")).json
    assert (again["changed"], again["state"], again["position"]) == (
        False,
        "error",
        None,
    )
    assert again["problem"].startswith("InvalidCaseIndex: ")
    await submit(api, a_create("c2"), form_id="f2")
    assert (await act(api, "reprocess")).json["state"] == "normal"
    form = await seen(api)
    assert (form["problem"], form["in_force_form_id"]) == (None, "f1")
    assert form["history"][0]["problem"].startswith("InvalidCaseIndex: ")
    assert await properties(api) == {}


@pytest.mark.parametrize("names", [("archive",), ("archive", "unarchive")])
async def test_an_act_that_is_repeated_changes_nothing(api, names):
    """Rule 15.1: a no-op that says so."""
    await submit(api, a_create())
    for name in names:
        assert (await act(api, name)).json["changed"]
    before = head(api)
    again = (await act(api, names[-1])).json
    assert (again["changed"], again["position"], again["problem"]) == (
        False,
        None,
        None,
    )
    assert head(api) == before


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("archive", "Form 'f1' cannot be archived: its state is error"),
        ("unarchive", "Form 'f1' cannot be unarchived: its state is error"),
    ],
)
async def test_an_act_that_the_state_forbids_is_a_409(api, name, text):
    """The request is sound, the state is not: nothing is appended."""
    await submit(api, a_create(index={"host": "nowhere"}))
    before = head(api)
    answer = await act(api, name)
    assert (answer.status, answer.error) == (409, text)
    assert head(api) == before


@pytest.mark.parametrize(
    "name", ["archive", "unarchive", "reprocess", "delete", "restore"]
)
@pytest.mark.parametrize("form_id", ["nope", "%00"])
async def test_no_act_finds_an_unknown_form(api, admin, name, form_id):
    """404 with the text of the ledger."""
    answer = await act(api, name, form_id, headers=admin)
    assert answer.status == 404
    assert answer.error == f"Form '{form_id.replace('%00', chr(92) + 'x00')}' not found"


@pytest.mark.parametrize(
    ("body", "text", "field"),
    [
        (b"{", "Payload must be valid JSON", None),
        (b"[]", "Payload must be a single JSON object", None),
        (b'{"why":"x"}', "'why' is not a valid field.", "why"),
        (b'{"reason":1}', "'reason' must be a string", "reason"),
        (b'{"reason":"\\u0000"}', "'reason' contains a character", "reason"),
        (b'{"reason":"%s"}' % (b"x" * 1001), "'reason' is longer than 1000", "reason"),
        (b'{"reason":' + b"[" * 900 + b"]" * 900 + b"}", "'reason' must be", "reason"),
    ],
)
async def test_a_body_that_gives_no_good_reason_is_a_400(api, body, text, field):
    """Bad input names the field, and nothing happens."""
    await submit(api, a_create())
    answer = await api.post(f"{forms(api)}/f1/archive/", data=body)
    assert answer.status == 400
    assert answer.error.startswith(text)
    assert answer.json.get("errors", [{}])[0].get("field") == field
    assert (await seen(api))["state"] == "normal"


@pytest.mark.parametrize("body", [b"", b"{}", b'{"reason":null}', b'{"reason":""}'])
async def test_a_reason_need_not_be_given(api, body):
    """It is null then."""
    await submit(api, a_create())
    assert (await api.post(f"{forms(api)}/f1/archive/", data=body)).status == 200
    assert (await seen(api))["history"][-1]["reason"] is None


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("viewer", ()),
        ("mobile", ()),
        ("editor", ("archive", "unarchive", "reprocess")),
        ("admin", ("archive", "unarchive", "reprocess", "delete", "restore")),
    ],
)
async def test_each_role_does_what_it_may(api, role, allowed):
    """Changing data is for editors, deleting for administrators."""
    headers = api.members.join(f"{role}2@example.org", role=role)
    for name in ("archive", "unarchive", "reprocess", "delete", "restore"):
        answer = await act(api, name, "nope", headers=headers)
        assert answer.status == (404 if name in allowed else 403), name


async def test_forms_are_read_by_those_who_may_read(api):
    """A viewer sees them, a phone does not."""
    await submit(api, a_create())
    for role, status in (("viewer", 200), ("mobile", 403)):
        headers = api.members.join(f"{role}@example.org", role=role)
        for path in ("", "/xml"):
            answer = await api.get(f"{forms(api)}/f1{path}", headers=headers)
            assert answer.status == status


async def test_a_version_that_made_way_cannot_be_archived(api):
    """Only the form that lives under its own id can be acted on."""
    await submit(api, a_create(update={"a": "1"}))
    await submit(api, a_create(update={"a": "2"}))
    old = (await seen(api))["deprecated_form_id"]
    answer = await act(api, "archive", old)
    assert (answer.status, answer.error) == (
        409,
        f"Form '{old}' cannot be archived: a later version took its place",
    )


async def test_a_duplicate_is_a_form_of_its_own(api):
    """Rule 13.3: it names the form it repeats, and is in force nowhere."""
    await submit(api, a_create())
    answer = await submit(api, a_create())
    form = await seen(api, answer.headers["X-CommCareHQ-FormID"])
    assert (form["state"], form["orig_form_id"]) == ("duplicate", "f1")
    assert form["in_force_form_id"] is None
    assert form["problem"] == "Form is a duplicate of another! (f1)"


async def test_an_error_makes_way_for_a_form_with_its_id(api):
    """Rule 13.6: the error goes on under another id, unprocessed."""
    await submit(api, a_create(index={"host": "nowhere"}))
    await submit(api, a_create(update={"a": "1"}))
    form = await seen(api)
    assert (form["state"], form["problem"]) == ("normal", None)
    old = await seen(api, form["deprecated_form_id"])
    assert (old["state"], old["orig_form_id"]) == ("error", "f1")
    assert old["problem"].startswith("InvalidCaseIndex: ")


def head(api):
    """Return the last position and kind of the log."""
    with api.members.store.reading(api.domain) as reader:
        entries = entries_after(reader, 0, limit=1000)
    return [(e.position, e.kind) for e, _ in entries if e.kind is not Kind.DIRECTORY]
