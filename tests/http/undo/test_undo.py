"""Undo over HTTP: tried first, done by a job, and undone again."""

from __future__ import annotations

import pytest

from api.http.keys import WORKER
from tests.http.conftest import DOMAIN

BASE = f"/a/{DOMAIN}/api/ledger/v1"
UNDO = f"{BASE}/undo/"


@pytest.fixture
def admin(api):
    """Return the header of somebody who may manage the domain."""
    return api.members.join("admin@example.org", role="admin")


async def written(api, **fields):
    """Create a case; return it and the form that made it."""
    body = {"case_type": "patient", "case_name": "Ada", "owner_id": "team"} | fields
    answer = await api.post(api.cases, body)
    return answer.json["case"]["case_id"], answer.json["form_id"]


async def done(api, answer):
    """Wait for the job of an answer and return it ended."""
    assert answer.status == 202, answer.body
    job = answer.json
    assert answer.headers["Location"] == f"{api.base}{BASE}/jobs/{job['job_id']}/"
    await api.app[WORKER].see_through((DOMAIN, job["job_id"]))
    return (await api.get(f"{BASE}/jobs/{job['job_id']}/")).json


async def test_a_form_is_tried_undone_and_brought_back(api, admin):
    """The preview says what happens; the job does it; the job's undo takes it back."""
    case_id, form_id = await written(api, properties={"p": "1"})
    wish = {"form_id": form_id, "reason": "typo"}
    tried = await api.post(UNDO, {**wish, "dry_run": True}, headers=admin)
    assert tried.status == 200
    assert tried.json["forms"] == {"archive": 1}
    assert tried.json["cases"]["deleted"] == 1
    [case] = tried.json["cases"]["detailed"]
    assert (case["case_id"], case["becomes"]) == (case_id, "deleted")
    assert {"name": "properties.p", "from": "1", "to": None} in case["changes"]
    assert (await api.get(f"{api.cases}/{case_id}")).status == 200

    job = await done(api, await api.post(UNDO, wish, headers=admin))
    assert (job["state"], job["kind"]) == ("done", "undo")
    assert job["result"]["changed"] == {"archived": 1}
    assert job["options"]["reason"] == "typo"
    assert (await api.get(f"{api.cases}/{case_id}")).status == 404

    back = f"{BASE}/jobs/{job['job_id']}/undo/"
    tried = await api.post(back, {"dry_run": True}, headers=admin)
    assert tried.json["cases"]["present"] == 1
    again = await done(api, await api.post(back, headers=admin))
    assert again["result"]["changed"] == {"unarchived": 1}
    case = (await api.get(f"{api.cases}/{case_id}")).json
    assert case["properties"] == {"p": "1"}


async def test_a_user_is_undone_by_name(api, admin):
    """Within the span, and nobody else."""
    mine, _ = await written(api)
    other = api.members.join("other@example.org")
    answer = await api.post(
        api.cases,
        {"case_type": "t", "case_name": "n", "owner_id": "o"},
        headers=other,
    )
    theirs = answer.json["case"]["case_id"]
    wish = {"user_id": "other@example.org", "from": "2020-01-01", "to": "2099-01-01"}
    job = await done(api, await api.post(UNDO, wish, headers=admin))
    assert job["result"]["changed"] == {"archived": 1}
    assert (await api.get(f"{api.cases}/{theirs}")).status == 404
    assert (await api.get(f"{api.cases}/{mine}")).status == 200


async def test_who_may_not_manage_the_domain_may_not_undo(api):
    """Neither do it nor try it."""
    for path in (UNDO, f"{BASE}/jobs/x/undo/"):
        assert (await api.post(path, {"dry_run": True})).status == 403


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"form_id": "f", "job_id": "j"},
        {"user_id": "u"},
        {"user_id": "u", "from": "2020-01-01"},
        {"user_id": "u", "to": "2020-01-01"},
        {"form_id": "f", "from": "2020-01-01", "to": "2021-01-01"},
        {"user_id": "u", "from": "2021-01-01", "to": "2020-01-01"},
        {"user_id": "u", "from": "yesterday", "to": "2020-01-01"},
        {"user_id": "u", "from": "0001-01-01", "to": "9999-12-31T23:59:59-12:00"},
        {"form_id": 7},
        {"form_id": "f", "dry_run": "yes"},
        {"form_id": "f", "reason": ["x"]},
        {"form_id": "f", "reason": "x" * 1001},
        {"form_id": "\0"},
        {"form_id": "f", "force": True},
        ["f"],
        "f",
    ],
)
async def test_a_wish_at_fault_is_a_400(api, admin, wish):
    """Nothing is guessed."""
    answer = await api.post(UNDO, wish, headers=admin)
    assert answer.status == 400, answer.body
    assert answer.error


async def test_a_body_that_is_no_json_is_a_400(api, admin):
    """The usual words."""
    answer = await api.post(UNDO, data=b"{", headers=admin)
    assert (answer.status, answer.error) == (400, "Payload must be valid JSON")
    answer = await api.post(f"{BASE}/jobs/x/undo/", {"form_id": "f"}, headers=admin)
    assert answer.status == 400


async def test_what_is_not_there_cannot_be_undone(api, admin):
    """A 404 that names it."""
    for wish, text in (
        ({"form_id": "nope"}, "Form 'nope' not found"),
        ({"job_id": "nope"}, "Job 'nope' not found"),
    ):
        for dry_run in (True, False):
            body = {**wish, "dry_run": dry_run}
            answer = await api.post(UNDO, body, headers=admin)
            assert (answer.status, answer.error) == (404, text)
    for path in ("nope", "%00"):
        answer = await api.post(f"{BASE}/jobs/{path}/undo/", headers=admin)
        assert answer.status == 404


async def test_a_job_under_way_cannot_be_undone(api, admin):
    """A 409 says what to do."""
    _, form_id = await written(api)
    await api.app[WORKER].aclose()
    answer = await api.post(UNDO, {"form_id": form_id}, headers=admin)
    job_id = answer.json["job_id"]
    answer = await api.post(f"{BASE}/jobs/{job_id}/undo/", headers=admin)
    assert answer.status == 409
    assert answer.error == (
        f"Job {job_id} is queued; cancel it, or undo it when it has ended"
    )
