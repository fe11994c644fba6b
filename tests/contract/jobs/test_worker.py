"""The worker: it runs jobs to their end, gives them back, and never does one twice."""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager

import pytest

from ledger.errors import LedgerError, StoreUnavailable
from ledger.jobs import queue as jobs
from ledger.jobs.values import JobState
from projections.rebuild.verify import verify
from tests.kit import build
from tests.kit.build import DOMAIN, NOW
from tests.kit.jobs import (
    KIND,
    LEASE,
    administer,
    append_forms,
    claim,
    enqueue,
    forms_in_log,
    job_of,
    working,
)

pytestmark = pytest.mark.usefixtures("domain")


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


async def test_a_store_that_is_away_is_no_attempt(store):
    """However often it is, the job waits and goes on; it never fails over it."""
    job = enqueue(store)

    async def unlucky(_context):
        raise StoreUnavailable("away")

    clock = build.FixedClock()
    async with working(store, {KIND: unlucky}, clock=clock) as worker:
        for _ in range(jobs.MOST_ATTEMPTS + 1):
            await worker.drain()
            found = job_of(store, job)
            assert (found.state, found.attempts) == (JobState.QUEUED, 0)
            clock.now = found.ready_on
    async with working(store, clock=clock) as worker:
        await worker.drain()
    assert job_of(store, job).state is JobState.DONE


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


async def test_no_chunk_begins_while_the_word_to_stop_is_written(store, monkeypatch):
    """However long the database keeps that waiting, the job is where it was."""
    begun = asyncio.Event()
    asked = store.administering

    @contextmanager
    def late():
        time.sleep(0.3)
        with asked() as conn:
            yield conn

    job = enqueue(store, options={"chunks": 2000})
    async with working(store, tell=lambda _job: begun.set()) as worker:
        seeing = asyncio.create_task(worker.see_through(job.key))
        await begun.wait()
        monkeypatch.setattr(store, "administering", late)
        before = job_of(store, job).progress["done"]
        await worker.interrupt(job.key)
        found = await seeing
    assert found.state is JobState.INTERRUPTED
    # One may have been on its way.
    assert found.progress["done"] - before <= 1
