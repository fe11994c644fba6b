"""Jobs: claimed once, never done twice, never half done, and they always end."""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest

from ledger import log
from ledger.errors import Conflict, LedgerError, NotFound
from ledger.jobs import queue as jobs
from ledger.jobs.step import JobStep
from ledger.jobs.values import JobCancelled, JobFilter, JobState, LeaseLost
from ledger.store import open_store
from projections.rebuild.verify import verify
from tests.kit import build
from tests.kit.build import DOMAIN, NOW
from tests.kit.defects import Defective
from tests.kit.jobs import KIND, append_forms, enqueue, job_of, working

LEASE = 60_000_000


@pytest.fixture(autouse=True)
def domain(store):
    return build.a_domain(store)


def claim(store, *, now=NOW):
    with store.administering() as conn:
        return jobs.claim(conn, now=now, until=now + LEASE)


def administer(store, fn, *arguments, **options):
    with store.administering() as conn:
        return fn(conn, *arguments, **options)


def step(job, *bodies, progress=None):
    return JobStep(
        job=job,
        until=NOW + LEASE,
        commands=tuple(map(build.a_submission, bodies)),
        advance=lambda _: progress or {"done": 1},
    )


def forms_in_log(store):
    with store.snapshot(DOMAIN) as reader:
        items = log.entries_after(reader, 0, limit=1000)
    return [entry.form_id for entry, _ in items if entry.form_id]


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
    assert not jobs.is_any_ready(store.connection, NOW)
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
    assert (found.first_position, found.last_position) == (3, 4)
    build.write(store, step(job, build.a_form(form_id="f3"), progress={"done": 3}))
    found = job_of(store, job)
    assert (found.first_position, found.last_position) == (3, 5)


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


# The worker


async def test_a_worker_runs_every_job_to_its_end(store):
    """Draining leaves nothing ready; results and progress are kept."""
    made = [enqueue(store) for _ in range(3)]
    async with working(store) as worker:
        await worker.drain()
    for job in made:
        found = job_of(store, job)
        assert (found.state, found.result) == (JobState.DONE, {"forms": 3})
        assert found.progress == {"done": 3, "total": 3}
        assert (found.lease, found.ready_on) == (None, None)
    assert len(set(forms_in_log(store))) == 9
    assert verify(store, DOMAIN).ok


async def test_a_started_worker_is_woken_by_a_new_job(store):
    """It waits for nothing but the word that there is one."""
    begun = asyncio.Event()

    async def noted(context):
        begun.set()
        return await append_forms(context)

    async with working(store, {KIND: noted}) as worker:
        worker.start()
        job = enqueue(store)
        worker.wake()
        await begun.wait()
        found = await worker.see_through(job.key)
    assert found.state is JobState.DONE


async def test_an_exception_fails_the_job_with_its_text(store):
    """A refusal by its own words, a defect with the name of the exception too."""

    async def refused(_context):
        raise LedgerError("the file has no header")

    async def defective(_context):
        raise ZeroDivisionError("by zero")

    made = [enqueue(store, kind=kind) for kind in ("refused", "defective", "unknown")]
    async with working(store, {"refused": refused, "defective": defective}) as worker:
        await worker.drain()
    found = [job_of(store, job) for job in made]
    assert {job.state for job in found} == {JobState.FAILED}
    assert [job.problem for job in found] == [
        "the file has no header",
        "ZeroDivisionError: by zero",
        "this program does not know jobs of kind 'unknown'",
    ]


async def test_a_failed_job_goes_on_where_it_stopped(store):
    """Nothing that was appended before is appended again."""
    job = enqueue(store)
    calls = []

    async def broken_once(context):
        calls.append(context.job.progress)
        if len(calls) == 1:
            await context.step([], lambda _: {"done": 2, "total": 3})
            raise OSError
        return await append_forms(context)

    async with working(store, {KIND: broken_once}) as worker:
        await worker.drain()
        administer(store, jobs.retry, job.key, now=NOW)
        await worker.drain()
    assert calls == [{}, {"done": 2, "total": 3}]
    assert forms_in_log(store) == [f"{job.job_id}-2"]
    assert job_of(store, job).state is JobState.DONE


async def test_a_worker_that_stops_gives_its_job_back_between_chunks(store):
    """Another worker goes on at once, and the attempt is not held against the job."""
    job = enqueue(store, options={"chunks": 5})
    async with working(store) as first:
        first.tell = lambda told: first.leave() if told.progress["done"] == 2 else None
        await first.drain()
        found = job_of(store, job)
        assert (found.state, found.lease) == (JobState.QUEUED, None)
        assert (found.progress["done"], found.attempts) == (2, 0)
    async with working(store) as second:
        await second.drain()
    assert job_of(store, job).state is JobState.DONE
    assert forms_in_log(store) == [f"{job.job_id}-{n}" for n in range(5)]


async def test_a_handler_that_does_not_come_back_is_left_behind(store):
    """A worker that stops does not wait for ever for a chunk to end."""
    job = enqueue(store)
    begun = asyncio.Event()

    async def hangs(_context):
        begun.set()
        await asyncio.Event().wait()

    async with working(store, {KIND: hangs}) as worker:
        worker.start()
        await begun.wait()
    assert job_of(store, job).state is JobState.QUEUED


async def test_a_cancelled_job_ends_cancelled(store):
    """The worker stops at the next chunk and says so in the job's state."""
    job = enqueue(store)
    async with working(store) as worker:
        worker.tell = lambda told: (
            administer(store, jobs.cancel, told.key, now=NOW)
            if told.progress["done"] == 1
            else None
        )
        await worker.drain()
    found = job_of(store, job)
    assert (found.state, found.progress["done"]) == (JobState.CANCELLED, 1)
    assert forms_in_log(store) == [f"{job.job_id}-0"]


async def test_a_job_taken_over_by_another_worker_is_done_once(store):
    """The one that was thought dead stops; each chunk is appended by one of them."""
    job = enqueue(store)
    async with working(store) as slow:

        def overtake(told):
            if told.progress["done"] == 1 and not taken:
                taken.append(claim(store, now=NOW + 2 * LEASE))

        taken = []
        slow.tell = overtake
        await slow.drain()
        assert job_of(store, job).lease == taken[0].lease
        clock = build.FixedClock(NOW + 4 * LEASE)
        async with working(store, clock=clock) as heir:
            await heir.drain()
    assert job_of(store, job).state is JobState.DONE
    assert forms_in_log(store) == [f"{job.job_id}-{n}" for n in range(3)]


@pytest.mark.parametrize("error", [sqlite3.OperationalError, psycopg.OperationalError])
async def test_a_database_that_is_away_puts_the_job_off(store, error):
    """It is tried again later, and fails only when that never helps."""
    job = enqueue(store)

    async def unlucky(_context):
        raise error

    clock = build.FixedClock()
    async with working(store, {KIND: unlucky}, clock=clock) as worker:
        for attempt in range(1, jobs.MOST_ATTEMPTS + 1):
            await worker.drain()
            found = job_of(store, job)
            assert (found.state, found.attempts) == (JobState.QUEUED, attempt)
            clock.now = found.ready_on
        await worker.drain()
    assert job_of(store, job).state is JobState.FAILED


async def test_whoever_waits_for_a_job_runs_it_or_sees_another_do_it(store):
    """The command line ends with the job, whoever did the work."""
    job = enqueue(store)
    async with working(store) as worker:
        assert (await worker.see_through(job.key)).state is JobState.DONE
        other = enqueue(store)
        theirs = claim(store)
        waiting = asyncio.create_task(worker.see_through(other.key))
        await asyncio.sleep(0)
        administer(store, jobs.finish, theirs, result={"by": "them"}, now=NOW)
        assert (await waiting).result == {"by": "them"}


def test_a_job_is_behind_older_open_ones_of_its_domain_and_kinds(store):
    """Ended jobs, other kinds, younger jobs and other domains hold nobody up."""
    build.a_domain(store, "other")
    enqueue(store, now=build.NOW - 1, kind="undo")
    enqueue(store, now=build.NOW - 1, domain="other")
    first = enqueue(store, now=build.NOW)
    second = enqueue(store, now=build.NOW + 1)
    conn = store.connection
    assert not jobs.is_behind(conn, first, {KIND})
    assert jobs.is_behind(conn, first, {KIND, "undo"})
    assert jobs.is_behind(conn, second, {KIND})
    with store.administering() as writing:
        jobs.cancel(writing, first.key, now=build.NOW + 2)
    assert not jobs.is_behind(conn, second, {KIND})
