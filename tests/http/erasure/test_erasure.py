"""A lawful erasure over HTTP: by whom, of what, and what is left."""

from __future__ import annotations

import tempfile

import pytest

from api.http.keys import WORKER
from ledger.bodies import add_dictionary
from ledger.log import entries_after
from ledger.times import format_micros
from projections.rebuild.verify import verify
from tests.http.conftest import DOMAIN
from tests.kit import build
from tests.kit.erasing import SECRET, a_secret, everything

LEDGER = f"/a/{DOMAIN}/api/ledger/v1"
REASON = "article 17, request 12"


@pytest.fixture
def admin(api):
    """Return the header of somebody who may do everything."""
    return api.members.join("admin@example.org", role="admin")


@pytest.fixture
def told(api):
    """Return the database with a case of which something was said."""
    photo = build.a_file("me.jpg", b"my face")
    mine = a_secret(attach={"p": {"src": "me.jpg"}})
    body = build.a_form([mine, build.a_create("c2")], form_id="f1")
    build.submit(api.members.store, body, attachments=[photo])
    child = build.a_create("c3", index={"parent": "c1"})
    build.submit(api.members.store, build.a_form([child], form_id="f2"))
    return api.members.store


async def erase(api, case_id, body, **more):
    """Ask for an erasure; return what the server said."""
    return await api.post(f"{LEDGER}/cases/{case_id}/erase/", body, **more)


def length(api):
    """Return how long the log is."""
    with api.members.store.reading(DOMAIN) as reader:
        return reader.head.position


async def test_a_case_is_erased_for_a_reason(api, admin, told):
    """The answer is a receipt; the job does the rest, and nothing is left."""
    answer = await erase(api, "c1", {"reason": REASON}, headers=admin)
    assert answer.status == 200, answer.body
    job_id = answer.json["job_id"]
    assert answer.json == {
        "case_id": "c1",
        "position": length(api),
        "forms": 1,
        "files": 1,
        "job_id": job_id,
    }
    job = await api.app[WORKER].see_through((DOMAIN, job_id))
    assert (job.state, job.result) == ("done", {"dictionaries": 0, "scrubbed": True})
    found = everything(told)
    assert SECRET.encode() not in found
    assert b"my face" not in found
    assert verify(told, DOMAIN).ok
    assert (await api.get(f"{api.cases}/c1")).status == 404
    assert (await api.get(f"{api.cases}/c2")).json["case_name"] == "Idris"


async def test_who_and_why_is_in_the_log(api, admin, told):
    """With the cases, under the kind ``erase``; the change feed tells them too."""
    await erase(api, "c1", {"reason": f"  {REASON} "}, headers=admin)
    with told.reading(DOMAIN) as reader:
        entry = entries_after(reader, 0, limit=100)[-1][0]
    assert entry.kind == "erase"
    assert (entry.details["reason"], entry.details["case_ids"]) == (REASON, ["c1"])
    assert entry.user_id
    change = (await api.get(f"{LEDGER}/changes/")).json["changes"][-1]
    assert (change["kind"], change["case_ids"]) == ("erase", ["c1"])


async def test_the_past_of_the_case_is_a_shell(api, admin, told, tmp_path, monkeypatch):
    """Also in a list of the past that was folded before."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    then = format_micros(build.entries_of(told)[-1].appended_on)
    await api.create(case_name="later")
    past = f"{api.cases}/as_of/?time={then}"
    assert SECRET.encode() in (await api.get(past)).body
    assert list(tmp_path.glob("caseledger-past-*")) != []
    await erase(api, "c1", {"reason": REASON}, headers=admin)
    assert list(tmp_path.glob("caseledger-past-*")) == []
    assert SECRET.encode() not in (await api.get(past)).body
    history = await api.get(f"/a/{DOMAIN}/api/case/v2/c1/history/")
    assert SECRET.encode() not in history.body


async def test_a_dry_run_tells_what_would_go_and_does_nothing(api, admin, told):
    """The forms with their states, the files, and what only names the case."""
    before = build.dump(told)
    answer = await erase(api, "c1", {"dry_run": True}, headers=admin)
    assert answer.status == 200
    found = answer.json
    (file,) = found.pop("files")
    assert (file["name"], file["length"]) == ("me.jpg", 7)
    positions = [entry.position for entry in build.entries_of(told) if entry.form_id]
    assert found == {
        "case_id": "c1",
        "forms": {
            "count": 1,
            "listed": [{"form_id": "f1", "state": "normal", "position": positions[0]}],
        },
        "mentioned": {
            "count": 1,
            "listed": [{"form_id": "f2", "state": "normal", "position": positions[1]}],
        },
    }
    assert build.dump(told) == before


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "reason"),
        ({"reason": ""}, "reason"),
        ({"reason": " \t"}, "reason"),
        ({"reason": None}, "reason"),
        ({"reason": 7}, "reason"),
        ({"reason": "x" * 1001}, "reason"),
        ({"reason": "x", "dry_run": "no"}, "dry_run"),
        ({"reason": "x", "why": "y"}, "why"),
    ],
)
async def test_a_body_at_fault_is_a_400_that_names_the_field(
    api, admin, told, body, field
):
    """And nothing is erased."""
    before = build.dump(told)
    answer = await erase(api, "c1", body, headers=admin)
    assert (answer.status, answer.json["errors"][0]["field"]) == (400, field)
    assert build.dump(told) == before


async def test_a_body_that_is_no_object_is_a_400(api, admin, told):
    """None at all neither."""
    path = f"{LEDGER}/cases/c1/erase/"
    for body in (b"", b"[]", b"{"):
        assert (await api.post(path, data=body, headers=admin)).status == 400


@pytest.mark.parametrize("case_id", ["nope", "%00", "a%2Fb"])
@pytest.mark.parametrize("dry_run", [False, True])
async def test_an_unknown_case_is_a_404(api, admin, told, case_id, dry_run):
    """With the text of the case API; nothing is appended."""
    before = length(api)
    body = {"reason": REASON, "dry_run": dry_run}
    answer = await erase(api, case_id, body, headers=admin)
    assert answer.status == 404
    assert answer.error.startswith("Case '")
    assert length(api) == before


async def test_a_case_that_was_never_made_can_be_erased(api, admin, told):
    """Its registration failed, and the form is kept as an XFormError."""
    bad = build.a_block("c9", update={"n": SECRET}, index={"p": "nobody"})
    build.submit(told, build.a_form([bad], form_id="f9"))
    look = await erase(api, "c9", {"dry_run": True}, headers=admin)
    assert look.json["forms"]["listed"][0]["state"] == "error"
    answer = await erase(api, "c9", {"reason": REASON}, headers=admin)
    assert (answer.status, answer.json["forms"]) == (200, 1)
    assert verify(told, DOMAIN).ok


@pytest.mark.parametrize("role", ["viewer", "mobile", "editor"])
async def test_only_administrators_may(api, told, role):
    """A look is refused too: it tells which forms there are."""
    headers = api.members.join(f"{role}2", role=role)
    for body in ({"reason": REASON}, {"dry_run": True}):
        assert (await erase(api, "c1", body, headers=headers)).status == 403
    assert SECRET.encode() in everything(told)


async def test_a_key_that_may_only_read_does_not_erase(api, told):
    """Whosever it is."""
    headers = api.members.join("boss@example.org", role="admin", read_only=True)
    answer = await erase(api, "c1", {"reason": REASON}, headers=headers)
    assert answer.status == 403


async def test_the_job_is_for_administrators(api, admin, told):
    """An editor cannot keep it from being done."""
    answer = await erase(api, "c1", {"reason": REASON}, headers=admin)
    path = f"{LEDGER}/jobs/{answer.json['job_id']}/"
    assert (await api.post(f"{path}cancel/")).status == 403
    assert (await api.get(path)).json["kind"] == "repack"


async def test_the_job_drops_the_dictionaries_that_know_of_it(api, admin, told):
    """Its progress tells how far it is."""
    for place in range(100):
        build.submit(told, build.a_form([build.an_update("c1", m=f"{SECRET} {place}")]))
    with told.writing(DOMAIN) as writer:
        assert add_dictionary(writer)
    answer = await erase(api, "c1", {"reason": REASON}, headers=admin)
    job = await api.app[WORKER].see_through((DOMAIN, answer.json["job_id"]))
    assert job.result["dictionaries"] == 1
    assert job.progress["done"] == job.progress["total"]
    assert SECRET.encode() not in everything(told)
    assert verify(told, DOMAIN).ok
