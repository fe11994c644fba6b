"""Imports of one domain wait for those before them that they may meet, and no others.

Nothing is timed: turns and chunks are counted (siege: S10).
"""

from __future__ import annotations

import asyncio

import pytest

from importers.jobs.turns import EXCEL, HAPLO, TOUCHES, may_meet, waits
from importers.jobs.waiting import wait_for_turn
from ledger.jobs import queue as jobs
from ledger.jobs.values import JobState
from tests.kit import build
from tests.kit.jobs import enqueue, job_of, working


async def test_imports_of_a_domain_run_in_the_order_they_were_asked_for(store):
    """Several lanes work at once, and still no import overtakes another."""
    build.a_domain(store)
    order = []

    async def run(context):
        await wait_for_turn(context)
        order.append(("begin", context.job.job_id))
        await context.step([], lambda _: {"done": 1, "total": 1})
        order.append(("end", context.job.job_id))
        return {}

    made = [enqueue(store, now=build.NOW + n, kind=EXCEL) for n in (-3, -2, -1)]
    async with working(store, {EXCEL: run}, at_once=3) as worker:
        worker.start()
        for job in made:
            await worker.see_through(job.key)
    assert {job_of(store, job).state for job in made} == {JobState.DONE}
    ids = [job.job_id for job in made]
    assert order == [(what, i) for i in ids for what in ("begin", "end")]


async def test_an_import_that_waits_leaves_its_lane_to_other_domains(store):
    """The only lane does not stay with an import whose turn has not come."""
    build.a_domain(store)
    build.a_domain(store, "other")
    now = build.FixedClock()()
    held = enqueue(store, now=now - 3, kind=EXCEL)
    behind = enqueue(store, now=now - 2, kind=EXCEL)
    other = enqueue(store, now=now - 1, kind=EXCEL, domain="other")

    async def run(context):
        await wait_for_turn(context)
        return {}

    with store.administering() as conn:
        jobs.claim_one(conn, held.key, now=now, until=now + 60_000_000)
    async with working(store, {EXCEL: run}, at_once=1) as worker:
        await worker.drain()
    assert job_of(store, behind).state is JobState.QUEUED
    assert job_of(store, other).state is JobState.DONE


def test_an_import_waits_for_older_open_ones_of_its_domain(store):
    """Ended jobs, other kinds, younger jobs and other domains hold nobody up."""
    build.a_domain(store)
    build.a_domain(store, "other")
    enqueue(store, now=build.NOW - 1, kind="undo")
    enqueue(store, now=build.NOW - 1, kind=EXCEL, domain="other")
    first = enqueue(store, now=build.NOW, kind=EXCEL)
    second = enqueue(store, now=build.NOW + 1, kind=HAPLO)
    undo = enqueue(store, now=build.NOW + 2, kind="undo")
    found = jobs.open_jobs(store.connection)
    assert [waits(job, found) for job in (first, second, undo)] == [False, True, False]
    with store.administering() as conn:
        jobs.cancel(conn, first.key, now=build.NOW + 2)
    assert not waits(second, jobs.open_jobs(store.connection))


async def test_many_that_wait_hold_up_no_other_domain(store):
    """They are not even taken up, however many there are and however long they wait."""
    build.a_domain(store)
    build.a_domain(store, "other")
    now = build.FixedClock()()
    held = enqueue(store, now=now - 100, kind=EXCEL)
    behind = [enqueue(store, now=now - 90 + n, kind=EXCEL) for n in range(40)]
    other = enqueue(store, now=now - 1, kind=EXCEL, domain="other")
    begun = []

    async def run(context):
        begun.append(context.job.job_id)
        await wait_for_turn(context)
        return {}

    with store.administering() as conn:
        jobs.claim_one(conn, held.key, now=now, until=now + 60_000_000)
    async with working(store, {EXCEL: run}, at_once=1) as worker:
        await worker.drain()
    assert begun == [other.job_id]
    found = [job_of(store, job) for job in behind]
    assert {(job.state, job.attempts) for job in found} == {(JobState.QUEUED, 0)}
    assert {job.started_on for job in found} == {None}


async def test_one_domain_never_takes_every_place(store):
    """Whatever its jobs are, one place is left to the others."""
    build.a_domain(store)
    build.a_domain(store, "other")
    now = build.FixedClock()()
    large = [enqueue(store, now=now - 9 + n, kind="large") for n in range(5)]
    other = enqueue(store, now=now - 1, kind="small", domain="other")
    done = asyncio.Event()
    begun = []

    async def run_large(context):
        begun.append(context.job.job_id)
        await done.wait()
        return {}

    async def run_small(_context):
        done.set()
        return {}

    handlers = {"large": run_large, "small": run_small}
    async with working(store, handlers, at_once=3) as worker, asyncio.timeout(60):
        worker.start()
        await done.wait()
        assert set(begun) <= {job.job_id for job in large[:2]}
        for job in (*large, other):
            assert (await worker.see_through(job.key)).state is JobState.DONE


async def test_a_small_import_gets_its_turns_beside_a_large_one(store):
    """Chunk by chunk, though it was asked for later and is of the same domain."""
    build.a_domain(store)
    few, enough = 5, 2000
    now = build.FixedClock()()
    order, made = [], {}

    async def run(context):
        name = next(n for n, job in made.items() if job.key == context.job.key)
        await wait_for_turn(context)
        for n in range(few if name == "small" else enough):
            await context.step([], lambda _, n=n: {"done": n, "total": enough})
            order.append(name)
            if name == "large" and n == 0:
                made["small"] = enqueue(
                    store, now=now - 1, kind=EXCEL, options={TOUCHES: ["b", "c"]}
                )
                worker.wake()
            if name == "large" and order.count("small") == few:
                break
        return {}

    options = {TOUCHES: ["a"]}
    made["large"] = enqueue(store, now=now - 9, kind=EXCEL, options=options)
    async with working(store, {EXCEL: run}) as worker:
        worker.start()
        await worker.see_through(made["large"].key)
        await worker.see_through(made["small"].key)
    assert order.count("small") == few
    assert order.count("large") < enough
    first, last = order.index("small"), len(order) - order[::-1].index("small")
    assert order[first:last].count("large") <= 3 * few


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["a"], ["a"]),
        (["a", "b"], ["b", "c"]),
        (["a"], None),
        (None, ["a"]),
        (None, None),
    ],
)
async def test_imports_that_may_meet_keep_their_order(store, one, other):
    """Parents that are asked for first are there when their children come."""
    build.a_domain(store)
    order = []

    async def run(context):
        await wait_for_turn(context)
        for n in range(3):
            await context.step([], lambda _, n=n: {"done": n, "total": 3})
            order.append(context.job.job_id)
        return {}

    now = build.FixedClock()()
    asked = [
        enqueue(store, now=now - 9 + n, kind=kind, options={TOUCHES: touches})
        for n, (kind, touches) in enumerate([(EXCEL, one), (HAPLO, other)])
    ]
    async with working(store, {EXCEL: run, HAPLO: run}) as worker:
        worker.start()
        for job in asked:
            await worker.see_through(job.key)
    assert order == [job.job_id for job in asked for _ in range(3)]


def test_what_may_meet():
    """Who does not say what it keeps to may look at anything."""
    assert not may_meet({TOUCHES: ["a"]}, {TOUCHES: ["b"]})
    assert may_meet({TOUCHES: ["a"]}, {})
    assert may_meet({}, {})
    assert may_meet({TOUCHES: ["a", "b"]}, {TOUCHES: ["b"]})
