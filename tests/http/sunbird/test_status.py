"""How an upload stands, over HTTP (``rules/batch-imports.md`` 2.5 and 2.5.2)."""

from __future__ import annotations

import pytest

from api.http.keys import WORKER
from ledger.jobs import queue as kept_jobs
from ledger.jobs.values import JobState
from tests.http.conftest import DOMAIN
from tests.kit import jobs
from tests.kit.spreadsheets import a_csv
from tests.kit.sunbird.client import (
    LOCATION_UPLOAD,
    ORG_UPLOAD,
    PEOPLE,
    STATES,
    STATUS,
    USER_UPLOAD,
    bearer,
    ended,
    process_of,
    send,
    send_states,
    told,
)
from tests.kit.sunbird.uploads import ORGS, PLACES, USERS, enqueue

KEYS = [
    "failureResult",
    "processId",
    "successResult",
    "message",
    "objectType",
    "status",
]
NOT_STARTED = ("NOT STARTED", "Operation is not started.")
IN_PROGRESS = ("IN PROGRESS", "Operation is in progress.")
COMPLETED = ("COMPLETED", "Operation is completed.")
FAILED = ("FAILED", "Operation is failed.")


async def test_a_process_that_has_ended_tells_every_row(api):
    """Rule 2.5.2: keys, order, rows of both kinds."""
    await ended(api, await send_states(api))
    content = a_csv(PLACES, ["D1", "One", "KA"], ["D2", "Two", "XX"], ["D1", "New"])
    answer = await send(api, LOCATION_UPLOAD, content, type="district")
    process = await ended(api, answer)
    assert set(process) == {*KEYS, "warnings", "caseCount"}
    assert process["processId"] == process_of(answer)
    assert (process["status"], process["message"]) == COMPLETED
    assert process["objectType"] == "location"
    assert process["caseCount"] == 1
    first, second = process["successResult"]
    assert list(first) == [
        *("code", "name", "parentCode", "type", "parentId", "id", "operation")
    ]
    assert (first["operation"], second["operation"]) == ("create", "update")
    assert first["id"] == second["id"]
    [bad] = process["failureResult"]
    assert bad["err_msg"] == "Please provide valid parentCode."
    case = (await api.get(f"{api.cases}/{first['id']}")).json
    assert (case["case_type"], case["case_name"]) == ("location", "New")


@pytest.mark.parametrize(
    ("path", "content", "kind"),
    [
        (USER_UPLOAD, PEOPLE, "user"),
        (ORG_UPLOAD, a_csv(ORGS, ["n", "XX", "active"]), "organisation"),
    ],
)
async def test_the_type_of_the_objects_is_told(api, path, content, kind):
    """Rule 2.5.2: and a process whose every row failed is COMPLETED all the same."""
    process = await ended(api, await send(api, path, content))
    assert (process["objectType"], process["status"]) == (kind, "COMPLETED")
    rows = (len(process["successResult"]), len(process["failureResult"]))
    assert rows == ((1, 0) if kind == "user" else (0, 1))


async def test_every_answer_masks_phones_and_emails(api):
    """Rule 2.5: the case keeps them whole."""
    content = a_csv(
        USERS,
        ["Asha", "teacher", "PUBLIC", "9876543210", "asha@example.org"],
        ["Asha", "teacher", "PUBLIC", "9876543210", "asha@example.org"],
    )
    answer = await send(api, USER_UPLOAD, content)
    process = await ended(api, answer)
    [good], [bad] = process["successResult"], process["failureResult"]
    for row in (good, bad):
        assert (row["phone"], row["email"]) == ("******3210", "as**@example.org")
    case = (await api.get(f"{api.cases}/{good['id']}")).json
    assert case["properties"]["phone"] == "9876543210"
    assert case["properties"]["email"] == "asha@example.org"
    ledger = await api.get(f"/a/{DOMAIN}/api/ledger/v1/jobs/{process_of(answer)}")
    assert b"9876543210" not in ledger.body


@pytest.fixture
async def waiting(api):
    """Add an upload that nobody runs."""
    store = api.members.store
    await api.app[WORKER].aclose()
    return enqueue(store, "location", STATES, location_type="state", domain=DOMAIN)


def state_of(process):
    return (process["status"], process["message"])


async def test_a_process_that_waits_has_not_started(api, waiting):
    """Rule 2.5.2: before it runs nothing but the id, and the message."""
    process = await told(api, waiting.job_id)
    assert process == {
        "processId": int(waiting.job_id),
        "message": "Operation is not started.",
        "status": "NOT STARTED",
    }


def change(api, job, *, progress=None, end=None, cancel=False):
    """Have a worker of the test hold a job, write its progress and leave it."""
    store = api.members.store
    now = jobs.build.NOW
    with store.administering() as conn:
        if cancel:
            kept_jobs.cancel(conn, job.key, now=now)
            return
        held = kept_jobs.claim_one(conn, job.key, now=now, until=now * 2)
    assert held is not None
    if progress is not None:
        with store.writing(DOMAIN) as writer:
            kept_jobs.advance(writer, held, progress, first=1)
    with store.administering() as conn:
        if end == "failed":
            kept_jobs.fail(conn, held, problem="ValueError: secret", now=now)
        if end == "given back":
            kept_jobs.give_back(conn, held, again_on=now * 2)


STATES_OF_A_JOB = [
    pytest.param({}, NOT_STARTED, id="waits for its turn"),
    pytest.param({"progress": {"done": 0}}, IN_PROGRESS, id="IN_PROGRESS"),
    pytest.param(
        {"progress": {"done": 0}, "end": "given back"}, NOT_STARTED, id="INTERRUPT"
    ),
    pytest.param({"progress": {"done": 0}, "end": "failed"}, FAILED, id="FAILED"),
    pytest.param({"cancel": True}, FAILED, id="cancelled"),
]


@pytest.mark.parametrize(("what", "expected"), STATES_OF_A_JOB)
async def test_what_is_told_of_each_state(api, waiting, what, expected):
    """Rule 2.5.2: with spaces and never underscores; only an end has results."""
    change(api, waiting, **what)
    process = await told(api, waiting.job_id)
    assert state_of(process) == expected
    has_ended = expected is FAILED
    assert list(process) == (KEYS if has_ended else ["processId", "message", "status"])


@pytest.mark.parametrize("end", ["failed", "cancelled"])
async def test_a_process_that_broke_off_has_one_row_that_says_so(api, waiting, end):
    """Rule 2.5.2: of one that broke off one failure row more, and no words of ours."""
    change(api, waiting, **({"end": end} if end == "failed" else {"cancel": True}))
    process = await told(api, waiting.job_id)
    text = {
        "failed": "Process failed,please try again later.",
        "cancelled": "The process was cancelled.",
    }[end]
    assert process["failureResult"] == [{"err_msg": text}]
    assert process["successResult"] == []


async def test_results_stay_readable(api):
    """Rule 2.5.2: for as long as the process is kept."""
    answer = await send_states(api)
    first = await ended(api, answer)
    await ended(api, await send_states(api))
    assert await told(api, process_of(answer)) == first


async def test_a_dry_run_tells_the_same_and_does_nothing(api):
    """An extension: the field ``dry_run``."""
    dry = await ended(api, await send_states(api, dry_run="on"))
    assert dry["dryRun"] is True
    assert len(dry["successResult"]) == 1
    assert (await api.get(api.cases)).json["matching_records"] == 0
    real = await ended(api, await send_states(api))
    assert "dryRun" not in real
    assert real["successResult"][0]["operation"] == "create"


async def test_many_rows_are_told_in_their_order(api):
    """Rule 2.5.2: an answer that is streamed is the same JSON, in file order."""
    rows = [[f"S{n}" if n % 3 else "", f"State {n}"] for n in range(2500)]
    process = await ended(api, await send_states(api, a_csv(PLACES, *rows)))
    assert list(process) == KEYS
    good = [row["name"] for row in process["successResult"]]
    bad = [row["name"] for row in process["failureResult"]]
    assert good == [f"State {n}" for n in range(2500) if n % 3]
    assert bad == [f"State {n}" for n in range(2500) if not n % 3]


async def test_a_viewer_may_not_ask(api):
    """Rules R0.9 and 2.2."""
    viewer = api.members.join("viewer@example.org", role="viewer")
    process_id = process_of(await send_states(api))
    answer = await api.get(f"{STATUS}/{process_id}", headers=bearer(api, user=viewer))
    assert answer.status == 403


async def test_the_job_of_a_process_goes_by_its_id(api):
    """Rule 2.3.1: so jobs and undo know it by the same name."""
    answer = await send_states(api)
    await ended(api, answer)
    job = await api.get(f"/a/{DOMAIN}/api/ledger/v1/jobs/{process_of(answer)}")
    assert (job.json["kind"], job.json["state"]) == ("sunbird", JobState.DONE)
