"""The jobs of a domain over HTTP."""

from __future__ import annotations

import pytest

from api.cli.domain import add_domain
from api.http.keys import WORKER
from importers.job_kinds import HANDLERS
from ledger.clock import now_micros
from tests.http.conftest import DOMAIN
from tests.kit import jobs as build_jobs

JOBS = f"/a/{DOMAIN}/api/ledger/v1/jobs"


@pytest.fixture
def enqueue(api, monkeypatch):
    """Add jobs that the server's worker knows how to do."""
    monkeypatch.setitem(HANDLERS, build_jobs.KIND, build_jobs.append_forms)
    monkeypatch.setitem(HANDLERS, "fails", _fail)

    def add(**fields):
        return build_jobs.enqueue(api.members.store, **{"now": now_micros(), **fields})

    return add


async def _fail(_context):
    raise OSError


async def ended(api, job):
    """Wait for the server's worker and return the job as the wire has it."""
    await api.app[WORKER].see_through(job.key)
    return (await api.get(f"{JOBS}/{job.job_id}/")).json


async def test_a_job_is_done_by_the_server(api, enqueue):
    """The worker of the process takes it up; the answer tells all of it."""
    job = enqueue()
    found = await ended(api, job)
    assert found["state"] == "done"
    assert found["progress"] == {"done": 3, "total": 3}
    assert found["result"] == {"forms": 3}
    assert found["options"] == {"chunks": 3}
    assert found["last_position"] - found["first_position"] == 2
    assert found["started_on"] <= found["finished_on"]
    answer = await api.get(f"{api.cases}/{job.job_id}-2")
    assert answer.json["case_name"] == "Idris"


async def test_a_failed_job_says_why_and_can_be_tried_again(api, enqueue):
    """Retry sets it going again."""
    job = enqueue(kind="fails")
    assert (await ended(api, job))["problem"] == "OSError: "
    answer = await api.post(f"{JOBS}/{job.job_id}/retry/")
    assert answer.status == 200
    assert (answer.json["state"], answer.json["problem"]) == ("queued", None)
    assert (await ended(api, job))["state"] == "failed"


async def test_a_cancelled_job_can_go_on(api, enqueue):
    """Cancel and retry answer with the job; what cannot be is a 400 that says why."""
    job = enqueue(now=now_micros() + 10**12)
    cancel = f"{JOBS}/{job.job_id}/cancel/"
    assert (await api.post(cancel)).json["state"] == "cancelled"
    assert (await api.post(cancel)).json["state"] == "cancelled"
    await api.post(f"{JOBS}/{job.job_id}/retry/")
    assert (await ended(api, job))["state"] == "done"
    answer = await api.post(cancel)
    assert answer.status == 400
    assert answer.error == f"Job {job.job_id} has ended (done); nothing to cancel"
    answer = await api.post(f"{JOBS}/{job.job_id}/retry/")
    assert answer.error == f"Job {job.job_id} is done; nothing to retry"


async def test_pages_of_jobs_follow_each_other(api, enqueue):
    """``next`` leads through all jobs once, with the filters of the first page."""
    later = now_micros() + 10**12
    made = [enqueue(now=later + n, kind="a") for n in range(5)]
    enqueue(now=later, kind="b")
    seen, path = [], f"{JOBS}/?kind=a&state=queued&limit=2"
    while path is not None:
        page = (await api.get(path)).json
        seen += [job["job_id"] for job in page["jobs"]]
        path = page["next"] and page["next"].removeprefix(api.base)
    assert seen == [job.job_id for job in reversed(made)]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("state=asleep", "state"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=%C2%B2", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=%C3%A9", "cursor"),
        ("cursor=WzEsMl0=", "cursor"),
        ("cursor=bnVsbA==", "cursor"),
        ("kind=%00", "kind"),
        ("order=up", "order"),
    ],
)
async def test_a_query_at_fault_is_a_400_that_names_the_parameter(api, query, field):
    """Nothing is guessed, nothing is ignored."""
    answer = await api.get(f"{JOBS}/?{query}")
    assert answer.status == 400
    assert answer.json["errors"][0]["field"] == field


@pytest.mark.parametrize("job_id", ["nope", "%00", "%ff", "a%2Fb", "%C3%A9"])
async def test_an_unknown_job_is_a_404(api, job_id):
    """Whatever stands in the path."""
    for method, act in (("GET", ""), ("POST", "cancel/"), ("POST", "retry/")):
        answer = await api.request(method, f"{JOBS}/{job_id}/{act}")
        assert answer.status == 404, answer.body


async def test_jobs_of_another_domain_are_not_to_be_seen(api, enqueue):
    """A job is looked for in the domain of the path alone."""
    job = enqueue()
    add_domain(api.members.store, "other")
    outsider = api.members.join("other@example.org", domain="other")
    path = f"/a/other/api/ledger/v1/jobs/{job.job_id}/"
    answer = await api.get(path, headers=outsider)
    assert answer.status == 404
    assert (await api.get(f"{JOBS}/", headers=outsider)).status == 403


async def test_who_reads_may_look_and_not_touch(api, enqueue):
    """READ_DATA to see, EDIT_DATA to move, MANAGE to move an undo."""
    job = enqueue(kind="undo", now=now_micros() + 10**12)
    viewer = api.members.join("viewer@example.org", role="viewer")
    admin = api.members.join("admin@example.org", role="admin")
    path = f"{JOBS}/{job.job_id}/"
    assert (await api.get(path, headers=viewer)).status == 200
    assert (await api.post(f"{path}cancel/", headers=viewer)).status == 403
    assert (await api.post(f"{path}cancel/")).status == 403
    assert (await api.post(f"{path}cancel/", headers=admin)).status == 200
