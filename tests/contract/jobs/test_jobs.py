"""Jobs: claimed once, never done twice, never half done, and they always end."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from ledger.errors import Conflict, NotFound
from ledger.jobs import queue as jobs
from ledger.jobs.step import JobStep
from ledger.jobs.values import JobCancelled, JobFilter, JobState, LeaseLost
from ledger.store import open_store
from tests.kit import build
from tests.kit.build import DOMAIN, NOW
from tests.kit.defects import Defective
from tests.kit.jobs import (
    LEASE,
    administer,
    claim,
    enqueue,
    forms_in_log,
    job_of,
)

pytestmark = pytest.mark.usefixtures("domain")


def step(job, *bodies, progress=None):
    return JobStep(
        job=job,
        until=NOW + LEASE,
        commands=tuple(map(build.a_submission, bodies)),
        advance=lambda _: progress or {"done": 1},
    )


# The table


def test_a_job_waits_as_it_was_described(store):
    """What is asked for is what a worker finds."""
    job = enqueue(store, options={"é": [1, None]})
    assert (job.state, job.attempts, job.progress) == (JobState.QUEUED, 0, {})
    assert job_of(store, job) == job
    assert job.options == {"é": [1, None]}
    with pytest.raises(NotFound, match="Job 'nope' not found"):
        jobs.get_job(store.connection, (DOMAIN, "nope"))


def test_the_same_id_is_the_same_job(store):
    """A request that is sent again finds the job of the first one."""
    first = enqueue(store, job_id="j", options={"n": 1})
    again = enqueue(store, job_id="j", options={"n": 2}, now=NOW + 5)
    assert again == first
    build.a_domain(store, "other")
    assert enqueue(store, domain="other", job_id="j").options != first.options


def test_the_job_that_waits_longest_is_claimed_first(store):
    """Jobs of all domains form one line; one that is claimed is nobody else's."""
    build.a_domain(store, "other")
    late = enqueue(store, now=NOW - 1)
    early = enqueue(store, domain="other", now=NOW - 2)
    claimed = [claim(store), claim(store)]
    assert [job.key for job in claimed] == [early.key, late.key]
    assert {job.state for job in claimed} == {JobState.RUNNING}
    assert [job.attempts for job in claimed] == [1, 1]
    assert claim(store) is None


def test_a_job_in_the_future_is_not_claimed(store):
    """What was put off is left alone until then."""
    job = enqueue(store, now=NOW + 10)
    assert claim(store) is None
    assert [found.ready_on for found in jobs.open_jobs(store.connection)] == [NOW + 10]
    assert claim(store, now=NOW + 10).key == job.key


def test_several_workers_claim_each_job_once(store, url):
    """Racing claims of many connections never meet in one job."""
    wanted = {enqueue(store).job_id for _ in range(24)}
    stores = [open_store(url) for _ in range(4)]

    def claim_all(own):
        found = []
        while (job := claim(own)) is not None:
            found.append(job.job_id)
        return found

    with ThreadPoolExecutor(4) as pool:
        claimed = [job_id for some in pool.map(claim_all, stores) for job_id in some]
    for own in stores:
        own.close()
    assert sorted(claimed) == sorted(wanted)


def test_a_lease_that_ran_out_makes_the_job_ready_again(store):
    """The whole recovery: nobody renewed, so somebody else goes on."""
    enqueue(store)
    dead = claim(store)
    assert claim(store, now=NOW + LEASE - 1) is None
    heir = claim(store, now=NOW + LEASE)
    assert (heir.key, heir.attempts) == (dead.key, 2)
    assert heir.lease != dead.lease


def test_a_renewed_lease_holds(store):
    """Who renews in time keeps the job."""
    enqueue(store)
    job = claim(store)
    administer(store, jobs.renew, job, until=NOW + 2 * LEASE)
    assert claim(store, now=NOW + LEASE) is None


def test_who_lost_the_lease_can_write_nothing(store):
    """A worker that was thought dead appends nothing and ends nothing."""
    enqueue(store)
    dead = claim(store)
    heir = claim(store, now=NOW + LEASE)
    (outcome,) = build.write(store, step(dead, build.a_form([build.a_create()])))
    assert isinstance(outcome, LeaseLost)
    assert forms_in_log(store) == []
    for act, more in (
        (jobs.renew, {"until": NOW}),
        (jobs.finish, {"result": {}, "now": NOW}),
        (jobs.fail, {"problem": "x", "now": NOW}),
        (jobs.stop, {"now": NOW}),
    ):
        with pytest.raises(LeaseLost):
            administer(store, act, dead, **more)
    administer(store, jobs.give_back, dead, again_on=NOW)
    assert job_of(store, heir) == heir


def test_progress_commits_with_what_was_appended(store):
    """One commit holds the forms of a chunk and how far the job is then."""
    enqueue(store)
    build.submit(store, build.a_form([build.a_create("before")]))
    job = claim(store)
    bodies = [build.a_form([build.a_create(f"c{n}")], form_id=f"f{n}") for n in (1, 2)]
    (receipts,) = build.write(store, step(job, *bodies, progress={"done": 2}))
    found = job_of(store, job)
    assert [receipt.form_id for receipt in receipts] == ["f1", "f2"]
    assert found.progress == {"done": 2}
    assert found.ready_on == NOW + LEASE
    assert (found.first_position, found.last_position) == (4, 5)
    build.write(store, step(job, build.a_form(form_id="f3"), progress={"done": 3}))
    found = job_of(store, job)
    assert (found.first_position, found.last_position) == (4, 6)


def test_a_refused_command_is_an_outcome_and_no_end(store):
    """Each command of a chunk has its own verdict."""
    enqueue(store)
    job = claim(store)
    commands = (build.a_flag("no such case"), build.a_submission(build.a_form()))
    chunk = replace(step(job), commands=commands)
    ((refused, receipt),) = build.write(store, chunk)
    assert isinstance(refused, Conflict)
    assert forms_in_log(store) == [receipt.form_id]


def test_a_chunk_that_fails_leaves_neither_forms_nor_progress(store):
    """A defect behind the first form of a chunk takes that form with it."""
    enqueue(store)
    job = claim(store)
    before = build.dump(store)
    sound = build.a_submission(build.a_form([build.a_create()]))
    with pytest.raises(ZeroDivisionError):
        build.write(store, replace(step(job), commands=(sound, Defective())))
    assert build.dump(store) == before
    assert job_of(store, job) == job


def test_a_job_that_waits_is_cancelled_at_once(store):
    """And it is never claimed; to cancel it again changes nothing."""
    job = enqueue(store)
    cancelled = administer(store, jobs.cancel, job.key, now=NOW + 1)
    assert (cancelled.state, cancelled.finished_on) == (JobState.CANCELLED, NOW + 1)
    assert claim(store) is None
    assert administer(store, jobs.cancel, job.key, now=NOW + 2) == cancelled


def test_a_running_job_is_stopped_by_its_next_chunk(store):
    """What it appended stays; the next chunk is refused."""
    enqueue(store)
    job = claim(store)
    build.write(store, step(job, build.a_form(form_id="f1")))
    asked = administer(store, jobs.cancel, job.key, now=NOW)
    assert (asked.state, asked.cancel_asked) == (JobState.RUNNING, True)
    (outcome,) = build.write(store, step(job, build.a_form(form_id="f2")))
    assert isinstance(outcome, JobCancelled)
    assert forms_in_log(store) == ["f1"]


def test_a_cancelled_job_whose_worker_died_ends_all_the_same(store):
    """Whoever would take it up ends it instead."""
    enqueue(store)
    job = claim(store)
    administer(store, jobs.cancel, job.key, now=NOW)
    assert claim(store, now=NOW + LEASE) is None
    assert job_of(store, job).state is JobState.CANCELLED


def test_a_job_that_waits_is_interrupted_at_once(store):
    """Nobody claims it until it is retried; one that has ended is left alone."""
    job = enqueue(store)
    found = administer(store, jobs.interrupt, job.key, now=NOW + 1)
    assert (found.state, found.finished_on) == (JobState.INTERRUPTED, NOW + 1)
    assert claim(store, now=NOW + 2) is None
    administer(store, jobs.retry, job.key, now=NOW + 3)
    assert claim(store, now=NOW + 3).key == job.key
    cancelled = administer(store, jobs.cancel, job.key, now=NOW + 4)
    assert cancelled.state is JobState.RUNNING
    administer(store, jobs.stop, job_of(store, job), now=NOW + 4)
    assert job_of(store, job).state is JobState.CANCELLED
    again = administer(store, jobs.interrupt, job.key, now=NOW + 5)
    assert again.state is JobState.CANCELLED


def test_a_running_job_is_interrupted_behind_its_chunk(store):
    """Its holder ends it so, or whoever would take it up after a death."""
    enqueue(store)
    job = claim(store)
    build.write(store, step(job, build.a_form(form_id="f1"), progress={"done": 1}))
    asked = administer(store, jobs.interrupt, job.key, now=NOW)
    assert (asked.state, asked.cancel_asked) == (JobState.RUNNING, True)
    (outcome,) = build.write(store, step(job, build.a_form(form_id="f2")))
    assert isinstance(outcome, JobCancelled)
    assert claim(store, now=NOW + LEASE) is None
    found = job_of(store, job)
    assert (found.state, found.progress) == (JobState.INTERRUPTED, {"done": 1})
    again = administer(store, jobs.retry, job.key, now=NOW + LEASE)
    assert (again.state, again.cancel_asked) == (JobState.QUEUED, False)


def test_a_job_that_kills_its_workers_fails(store):
    """After five claims without a step forward nobody tries again."""
    job = enqueue(store)
    for n in range(jobs.MOST_ATTEMPTS):
        assert claim(store, now=NOW + n * LEASE) is not None
    assert claim(store, now=NOW + 9 * LEASE) is None
    found = job_of(store, job)
    assert found.state is JobState.FAILED
    assert found.problem.startswith("given up: the job was taken up 5 times")


def test_a_job_that_gets_further_may_be_interrupted_as_often_as_it_likes(store):
    """A long job outlives any number of crashes that it made progress between."""
    enqueue(store)
    for n in range(3 * jobs.MOST_ATTEMPTS):
        job = claim(store, now=NOW + n * LEASE)
        build.write(
            store,
            replace(step(job, build.a_form()), until=NOW + (n + 1) * LEASE),
        )
    assert job_of(store, job).state is JobState.RUNNING


@pytest.mark.parametrize("ending", [jobs.finish, jobs.fail])
def test_what_has_ended_cannot_be_cancelled(store, ending):
    """Its forms stand; an undo is another job."""
    enqueue(store)
    job = claim(store)
    more = {"result": {}} if ending is jobs.finish else {"problem": "x"}
    administer(store, ending, job, now=NOW, **more)
    with pytest.raises(Conflict, match=r"has ended \((done|failed)\)"):
        administer(store, jobs.cancel, job.key, now=NOW)


def test_retry_goes_on_from_the_progress(store):
    """A failed job waits again, with its progress and with fresh attempts."""
    enqueue(store)
    job = claim(store)
    build.write(store, step(job, progress={"done": 7}))
    administer(store, jobs.fail, job, problem="the disk was full", now=NOW)
    assert job_of(store, job).problem == "the disk was full"
    again = administer(store, jobs.retry, job.key, now=NOW + 1)
    assert (again.state, again.problem) == (JobState.QUEUED, None)
    assert (again.progress, again.attempts) == ({"done": 7}, 0)
    with pytest.raises(Conflict, match="is queued; nothing to retry"):
        administer(store, jobs.retry, job.key, now=NOW)


def test_pages_of_jobs_cover_everything_once(store):
    """Newest first, jobs of one moment by their ids, other domains apart."""
    build.a_domain(store, "other")
    enqueue(store, domain="other")
    made = [enqueue(store, now=NOW + n // 3) for n in range(10)]
    seen, before = [], None
    with store.reading(DOMAIN) as reader:
        while page := jobs.list_jobs(reader, JobFilter(), limit=4, before=before):
            seen += page
            before = (page[-1].created_on, page[-1].job_id)
    expected = sorted(made, key=lambda job: (job.created_on, job.job_id))[::-1]
    assert seen == expected


def test_jobs_are_found_by_kind_and_state(store):
    """Both conditions hold at once."""
    one = enqueue(store, kind="a")
    enqueue(store, kind="b")
    two = enqueue(store, kind="a")
    administer(store, jobs.cancel, two.key, now=NOW)
    with store.reading(DOMAIN) as reader:
        for asked, found in (
            (JobFilter(kind="a"), {one.job_id, two.job_id}),
            (JobFilter(kind="a", state="queued"), {one.job_id}),
            (JobFilter(state="done"), set()),
        ):
            page = jobs.list_jobs(reader, asked, limit=9)
            assert {job.job_id for job in page} == found
