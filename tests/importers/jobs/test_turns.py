"""Imports of one domain wait for those that were asked for before them."""

from __future__ import annotations

from importers.jobs.turns import EXCEL, wait_for_turn
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
