"""Forms in error over HTTP: found, looked at, and tried again."""

from __future__ import annotations

from itertools import count
from urllib.parse import quote

import pytest

from api.http.keys import WORKER
from ledger.entry import Author
from tests.http.conftest import DOMAIN
from tests.kit import build

BASE = f"/a/{DOMAIN}/api/ledger/v1"
ERRORS = f"{BASE}/errors"


@pytest.fixture
def send(api):
    """Submit a form as a device does, received a second later each time."""
    seconds = count(1)

    def submit(*blocks, user_id="u-1", form_id=None, xmlns=build.XMLNS):
        body = build.a_form(blocks, form_id=form_id, xmlns=xmlns)
        return build.submit(
            api.members.store,
            body,
            author=Author(user_id=user_id),
            submit_time=build.NOW + next(seconds) * 1_000_000,
        )

    return submit


def orphan(case_id, parent="later"):
    """Return a block that fails until its parent is there."""
    return build.a_create(case_id, index={"parent": parent})


async def ids(api, query=""):
    """Return the form ids of a list, following its pages."""
    found, path = [], f"{ERRORS}/{query}"
    while path is not None:
        page = (await api.get(path)).json
        found += [error["form_id"] for error in page["errors"]]
        path = page["next"] and page["next"].removeprefix(api.base)
    return found


async def test_forms_in_error_are_listed_newest_first(api, send):
    """Each with its problem and who sent it; sound forms are not among them."""
    send(orphan("c1"), form_id="f1")
    send(build.a_create("ok"), form_id="ok")
    send(build.a_block(""), form_id="f2", user_id="u-2")
    build.submit(api.members.store, b"<no form")
    page = (await api.get(f"{ERRORS}/")).json
    broken, second, first = page["errors"]
    assert page["next"] is None
    assert (first["form_id"], first["state"]) == ("f1", "error")
    assert first["problem"] == (
        "InvalidCaseIndex: Case 'c1' references non-existent case 'later'"
    )
    assert (second["form_id"], second["user_id"]) == ("f2", "u-2")
    assert broken["state"] == "submission_error"
    assert first["url"] == f"{api.base}{ERRORS}/f1/"


async def test_every_filter_finds_its_forms(api, send):
    """One condition, or all of them together; pages cover everything once."""
    send(orphan("c1"), form_id="f1", xmlns="urn:a", user_id="u-1")
    send(orphan("c2"), form_id="f2", xmlns="urn:b", user_id="u-2")
    send(build.a_block(""), form_id="f3", xmlns="urn:b", user_id="u-1")
    build.submit(api.members.store, b"<no form")
    [broken] = await ids(api, "?state=submission_error")
    for query, found in (
        ("", [broken, "f3", "f2", "f1"]),
        ("?limit=1", [broken, "f3", "f2", "f1"]),
        ("?limit=3&state=error", ["f3", "f2", "f1"]),
        ("?problem=InvalidCaseIndex", ["f2", "f1"]),
        ("?problem=InvalidCaseIndex&limit=1", ["f2", "f1"]),
        ("?problem=invalid", []),
        ("?xmlns=urn%3Ab", ["f3", "f2"]),
        ("?xmlns=urn%3Ab&user_id=u-1", ["f3"]),
        ("?form_id=f2", ["f2"]),
        ("?received_from=2024-03-05T09:00:02Z&state=error", ["f3", "f2"]),
        ("?received_to=2024-03-05T09:00:02Z", ["f1"]),
    ):
        assert await ids(api, query) == found, query


@pytest.mark.parametrize(
    "query",
    [
        "state=normal",
        "received_from=x",
        "limit=0",
        "cursor=x",
        "colour=red",
        "xmlns=%00",
    ],
)
async def test_a_query_at_fault_is_a_400(api, query):
    """Nothing is guessed."""
    assert (await api.get(f"{ERRORS}/?{query}")).status == 400


async def test_a_form_in_error_is_shown_with_its_bytes(api, send):
    """What went wrong, what came, and how; to be kept as a file, never run."""
    form_id = 'f/1 "é"'
    send(orphan("c1"), form_id=form_id)
    path = f"{ERRORS}/{quote(form_id, safe='')}"
    shown = (await api.get(f"{path}/")).json
    assert shown["problem"].startswith("InvalidCaseIndex")
    assert (shown["state"], shown["user_id"]) == ("error", "u-1")
    xml = await api.get(f"{path}/xml/")
    assert xml.body == build.a_form([orphan("c1")], form_id=form_id)
    assert xml.headers["Content-Type"] == "application/xml"
    assert xml.headers["Content-Disposition"].startswith(
        "attachment; filename*=UTF-8''"
    )
    assert xml.headers["X-Content-Type-Options"] == "nosniff"


async def test_only_forms_in_error_are_found_here(api, send):
    """A sound form, an unknown one, and an id that cannot be."""
    send(build.a_create("ok"), form_id="ok")
    for path in ("ok", "nope", "%00"):
        for rest in ("", "xml/"):
            answer = await api.get(f"{ERRORS}/{path}/{rest}")
            assert answer.status == 404, answer.body
    answer = await api.get(f"{ERRORS}/ok/")
    assert answer.error == "Form 'ok' is not in error: its state is normal"


async def test_one_form_is_tried_again(api, send):
    """It fails again with its problem, and is sound once the cause is gone."""
    send(orphan("c1"), form_id="f1")
    again = (await api.post(f"{ERRORS}/f1/reprocess/")).json
    assert (again["changed"], again["state"]) == (False, "error")
    assert again["problem"].startswith("InvalidCaseIndex")
    send(build.a_create("later"))
    assert (await api.post(f"{ERRORS}/f1/reprocess/")).json["state"] == "normal"
    assert (await api.get(f"{api.cases}/c1")).status == 200
    assert await ids(api) == []


async def test_all_of_a_kind_are_tried_again_by_a_job(api, send):
    """What is sound now counts; what fails again stays, with its reason."""
    for n in range(30):
        send(orphan(f"c{n}"), form_id=f"f{n}", user_id="u-1" if n % 3 else "u-2")
    send(orphan("c99", parent="never"), form_id="f99")
    send(build.a_create("later"))
    wish = {"problem": "InvalidCaseIndex", "user_id": "u-1", "reason": "came late"}
    job = await ended(api, await api.post(f"{ERRORS}/reprocess/", wish))
    assert job["progress"]["done"] == job["progress"]["total"] == 21
    assert job["result"]["changed"] == {"reprocessed": 20}
    [problem] = job["result"]["problems"]
    assert problem["form_id"] == "f99"
    assert "never" in problem["problem"]
    assert len(await ids(api)) == 11
    job = await ended(api, await api.post(f"{ERRORS}/reprocess/"))
    assert job["result"]["changed"] == {"reprocessed": 10}
    assert await ids(api) == ["f99"]


async def test_reprocessing_can_be_undone(api, send):
    """A job is a job: its forms are withdrawn again."""
    send(orphan("c1"), form_id="f1")
    send(build.a_create("later"))
    job = await ended(api, await api.post(f"{ERRORS}/reprocess/"))
    admin = api.members.join("admin@example.org", role="admin")
    path = f"{BASE}/jobs/{job['job_id']}/undo/"
    undone = await ended(api, await api.post(path, headers=admin))
    assert undone["result"]["changed"] == {"archived": 1}
    assert (await api.get(f"{api.cases}/c1")).status == 404


async def test_a_wish_at_fault_is_a_400(api):
    """The field is named."""
    for wish in ({"state": "error"}, {"problem": 1}, {"received_to": "x"}):
        answer = await api.post(f"{ERRORS}/reprocess/", wish)
        assert answer.status == 400
        assert answer.json["errors"][0]["field"] == next(iter(wish))


async def test_who_only_reads_may_not_try_again(api, send):
    """READ_DATA to look, EDIT_DATA to reprocess."""
    send(orphan("c1"), form_id="f1")
    viewer = api.members.join("viewer@example.org", role="viewer")
    for path in ("", "f1/", "f1/xml/"):
        answer = await api.get(f"{ERRORS}/{path}", headers=viewer)
        assert answer.status == 200
    for path in ("reprocess/", "f1/reprocess/"):
        answer = await api.post(f"{ERRORS}/{path}", headers=viewer)
        assert answer.status == 403


async def ended(api, answer):
    """Wait for the job of an answer and return it ended."""
    assert answer.status == 202, answer.body
    job_id = answer.json["job_id"]
    await api.app[WORKER].see_through((DOMAIN, job_id))
    return (await api.get(f"{BASE}/jobs/{job_id}/")).json
