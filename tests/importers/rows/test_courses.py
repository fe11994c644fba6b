"""Imports of rows, whatever they import: each row once, and a dry run tells the truth.

Of the two in tests/kit/row_imports.py one makes entries of the directory and one cases.
"""

from __future__ import annotations

import pytest

from importers.rows.job import outcome_of
from ledger.directory.groups import list_groups
from ledger.entry import Kind
from ledger.errors import Conflict
from ledger.imports.values import Outcome
from ledger.jobs import queue as jobs
from ledger.jobs.values import JobState
from projections.rebuild.verify import verify
from tests.kit import build
from tests.kit.jobs import dying, job_of, working
from tests.kit.row_imports import (
    CASES,
    GROUPS,
    MOST,
    enqueue,
    imported,
    importing,
    kept,
)

KINDS = pytest.mark.parametrize("kind", [GROUPS, CASES])
MANY = 5 * MOST + 3
"""More rows than five commits take."""


@pytest.fixture(autouse=True)
def domain(store):
    return build.a_domain(store)


def some(names=MANY, rows=MANY):
    """Return rows of which names come again, in other commits too."""
    return [(f"N{n % names}", f"T{n // names}") for n in range(rows)]


def left(store, kind):
    """Return the names of what an import made."""
    if kind == CASES:
        return sorted(case.case_name for case in build.cases_of(store).values())
    with store.snapshot(build.DOMAIN) as reader:
        return [group.name for group in list_groups(reader)]


def made(store):
    """Return how many entries the log has beside those of the domain and of jobs."""
    told = {"domain created", "job added"}
    found = (entry.details.get("action") for entry in build.entries_of(store))
    return sum(action not in told for action in found)


@KINDS
async def test_rows_commit_in_portions(store, kind):
    """Each row becomes an entry of its own; the next rows are read meanwhile."""
    job = enqueue(store, kind, some())
    done = []
    async with working(store, {kind: importing(kind)}) as worker:
        worker.tell = lambda told: done.append(told.progress.get("done"))
        await worker.see_through(job.key)
    assert done[:-1] == [*range(MOST, MANY, MOST), MANY]
    assert left(store, kind) == sorted(name for name, _ in some())
    assert made(store) == MANY


@KINDS
@pytest.mark.parametrize("after", [(1,), (2, 4), (1, 2, 3, 4)])
async def test_a_worker_that_dies_repeats_nothing_and_loses_nothing(store, kind, after):
    """Whoever takes the job up goes on behind the last commit."""
    job = enqueue(store, kind, some(names=20))
    async with working(store, {kind: dying(importing(kind), *after)}) as worker:
        await worker.drain()
    done = job_of(store, job)
    assert done.state is JobState.DONE, done.problem
    assert done.progress["done"] == MANY
    assert len(left(store, kind)) == 20
    assert made(store) == (MANY if kind == CASES else 20)
    assert verify(store, build.DOMAIN).ok


@KINDS
async def test_a_dry_run_says_what_the_import_will_do(store, kind):
    """Also of rows that meet what rows before, in other commits, would have left."""
    rows = [*some(names=11), ("N3", "unforeseen"), ("N7", "")]
    dry = await imported(store, kind, rows, dry_run=True)
    assert (left(store, kind), made(store)) == ([], 0)
    real = await imported(store, kind, rows)
    assert {**dry.result, "dry_run": False} == real.result
    assert kept(store, dry) == kept(store, real)
    assert len(left(store, kind)) == 11


@KINDS
async def test_a_dry_run_that_is_cut_off_begins_anew(store, kind):
    """It leaves nothing that it could go on from; rows are not counted twice."""
    job = enqueue(store, kind, some(names=7), dry_run=True)
    async with working(store, {kind: dying(importing(kind), 2, 5)}) as worker:
        await worker.drain()
    done, once = job_of(store, job), await imported(store, kind, some(names=7))
    assert done.progress == once.progress
    assert made(store) == (MANY if kind == CASES else 7)


@KINDS
async def test_a_fault_that_nobody_foresaw_is_that_of_its_row(store, kind):
    """The rows behind it go on, in the same commit too."""
    rows = [("A", ""), ("B", "unforeseen"), ("C", "")]
    job = await imported(store, kind, rows)
    assert job.state is JobState.DONE, job.problem
    assert (job.result["applied"], job.result["failed"]) == (2, 1)
    assert left(store, kind) == ["A", "C"]


@KINDS
async def test_an_import_that_is_cancelled_keeps_what_it_did(store, kind):
    """No row of the commit that was refused is applied."""
    job = enqueue(store, kind, some())
    commits = 0

    def cancel_at_the_third():
        nonlocal commits
        commits += 1
        if commits == 3:
            with store.administering() as conn:
                jobs.cancel(conn, job.key, now=build.NOW)

    handler = importing(kind, alive=cancel_at_the_third)
    async with working(store, {kind: handler}) as worker:
        await worker.see_through(job.key)
    ended = job_of(store, job)
    assert (ended.state, ended.progress["done"]) == (JobState.CANCELLED, 2 * MOST)
    assert made(store) == len(left(store, kind)) == 2 * MOST


async def test_a_form_that_is_refused_is_that_of_its_row(store):
    """It is kept as an XFormError, and in a dry run told in the same words."""
    rows = [("A", ""), ("x" * 300, ""), ("\x01", ""), ("C", "")]
    dry = await imported(store, CASES, rows, dry_run=True)
    real = await imported(store, CASES, rows)
    outcomes = [row.outcome for row in kept(store, real)]
    assert outcomes == [
        Outcome.APPLIED,
        Outcome.FAILED,
        Outcome.FAILED,
        Outcome.APPLIED,
    ]
    assert kept(store, dry) == kept(store, real)
    kinds = [entry.kind for entry in build.entries_of(store) if entry.form_id]
    assert kinds == [Kind.NORMAL, Kind.ERROR, Kind.NORMAL]


async def test_rows_hang_on_what_rows_before_have_made(store):
    """Real or dry, in the same commit and in one before."""
    rows = [("top", ""), ("one", "", "top"), *some(rows=MOST), ("two", "", "one")]
    rows.append(("three", "", "nothing"))
    dry = await imported(store, CASES, rows, dry_run=True)
    real = await imported(store, CASES, rows)
    assert kept(store, dry) == kept(store, real)
    assert kept(store, real)[-1].outcome is Outcome.FAILED
    cases = {case.case_name: case for case in build.cases_of(store).values()}
    assert cases["two"].indices["parent"].case_id == cases["one"].case_id
    assert cases["one"].indices["parent"].case_id == cases["top"].case_id


async def test_what_others_write_meanwhile_is_seen(store):
    """Rows are decided under the lock, not when they are read."""
    job = enqueue(store, CASES, some())
    phone = build.a_create("p", create={"case_type": "toy"}, update={"text": "T0"})
    last = build.a_block("p", update={"external_id": f"N{MANY - 1}"})

    def sending():
        if not build.cases_of(store):
            build.submit(store, build.a_form([phone, last]))

    async with working(store, {CASES: importing(CASES, alive=sending)}) as worker:
        await worker.see_through(job.key)
    assert job_of(store, job).result["unchanged"] == 1


async def test_a_server_that_stops_gives_the_import_back(store):
    """Though a thread may read at that moment; another one goes on."""
    job = enqueue(store, CASES, some())
    async with working(store, {CASES: importing(CASES)}) as worker:
        worker.tell = lambda told: worker.leave() if told.progress else None
        await worker.drain()
    assert job_of(store, job).state is JobState.QUEUED
    async with working(store, {CASES: importing(CASES)}) as worker:
        await worker.drain()
    assert job_of(store, job).progress["done"] == MANY


def test_a_step_that_was_refused_is_raised():
    """So that no progress is saved with it."""
    with pytest.raises(Conflict):
        outcome_of([Conflict("no")])
    assert outcome_of([7]) == 7
