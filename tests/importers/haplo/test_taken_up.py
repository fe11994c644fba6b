"""A batch that is taken up again, folded again or taken back."""

from __future__ import annotations

import orjson
import pytest

from importers.haplo import job as haplo_job
from importers.haplo.log import log_lines
from importers.jobs.pace import Pace
from importers.jobs.turns import HAPLO
from importers.jobs.undo import UNDO, enqueue_undo
from importers.jobs.values import UndoRequest
from ledger.entry import Author
from ledger.erasure.traces import drop_files
from ledger.imports.values import ImportRow, Outcome
from ledger.jobs.values import JobState
from projections.rebuild.replay import replay
from projections.rebuild.verify import verify
from tests.kit import build
from tests.kit.haplo.batches import (
    HANDLERS,
    NAME,
    NEW,
    a_control,
    constant,
    enqueue,
    field,
    forms_of,
    imported,
    log_of,
    made,
    properties,
    rows,
    upsert,
)
from tests.kit.jobs import job_of, working

pytestmark = pytest.mark.usefixtures("domain")


CRASHING = a_control(
    *upsert(),
    NAME,
    field("n", type="integer", multivalue=True),
    constant("x", "bad", type="integer"),
)
MANY = [{"id": f"i{n % 70}", "name": f"N{n % 70}", "n": n} for n in range(90)]


async def stopped_after(store, job, steps):
    """Work on a job until so many steps are done, then drop the worker."""
    async with working(store, HANDLERS) as worker:
        count = 0

        def told(_job):
            nonlocal count
            count += 1
            if count == steps:
                worker.leave()

        worker.tell = told
        await worker.drain()


@pytest.mark.parametrize("dry_run", [False, True], ids=["real", "dry"])
async def test_a_batch_that_is_taken_up_again(store, dry_run, monkeypatch):
    """No record twice, none left out; what is said once is said once."""
    monkeypatch.setattr(haplo_job, "Pace", lambda _most: Pace(7))
    content = orjson.dumps(MANY)
    files = [("a", content), ("b", b'[{"id": "z", "name": "Z", "n": "q"}]')]
    job = enqueue(store, CRASHING, files, dry_run=dry_run)
    for steps in (1, 2, 3, 5):
        await stopped_after(store, job, steps)
        assert job_of(store, job).state is JobState.QUEUED
    async with working(store, HANDLERS) as worker:
        await worker.see_through(job.key)
    ended = job_of(store, job)
    assert ended.state is JobState.DONE, ended.problem
    assert ended.progress["done"] == ended.progress["total"] == 91
    assert [row.record for row in rows(store, job)] == list(range(91))
    alike, *messages = log_of(store, ended)
    assert "Same case in several rows (file a, rows 0-19, 70-89)" in alike
    assert messages == [
        "Invalid integer for set value object/bad: x (record 0)",
        "Invalid integer for input field n: q (record 90)",
    ]
    assert ended.progress["errors"] == 2
    numbers = [entry.details["record"] for entry, _ in forms_of(store, job)]
    assert numbers == ([] if dry_run else list(range(91)))
    assert verify(store, build.DOMAIN).ok


async def test_a_job_that_lost_its_worker_repeats_nothing(store):
    """The progress is in the commit of the records, so a worker that died is one."""
    job = enqueue(store, CRASHING, [("a", orjson.dumps(MANY))])
    await stopped_after(store, job, 3)
    before = job_of(store, job).progress["done"]
    assert 0 < before < len(MANY)
    assert len(rows(store, job)) == len(forms_of(store, job)) == before


async def test_read_tables_made_anew_are_the_same(store):
    """Law 2; a rebuild leaves rows of imports alone (rules/batch-imports.md R0.5)."""
    job, found = await imported(store, CRASHING, *MANY)
    before = build.derived(store)
    replay(store, build.DOMAIN)
    assert build.derived(store) == before
    assert rows(store, job) == found
    assert verify(store, build.DOMAIN).ok


async def test_undo_takes_a_batch_back(store):
    """By the id of its job, which is the identifier of the batch."""
    made(store, "c1", case_name="Ann", external_id="a")
    control = a_control(*upsert(), NAME, field("age"))
    job, _ = await imported(
        store, control, {"id": "a", "name": "Anna"}, {"id": "b", "name": "Bo"}
    )
    with store.writing(build.DOMAIN) as writer:
        wish = UndoRequest(job_id=job.job_id)
        author = Author(user_id="u-admin")
        undoing = enqueue_undo(writer, wish, author=author, clock=build.FixedClock())
    async with working(store, HANDLERS) as worker:
        await worker.see_through(undoing.key)
    ended = job_of(store, undoing)
    assert (ended.kind, ended.state) == (UNDO, JobState.DONE), ended.problem
    assert ended.result["changed"] == {"archived": 2}
    live = [c.case_name for c in build.cases_of(store).values() if not c.deleted_on]
    assert live == ["Ann"]


async def test_a_file_that_was_erased_breaks_the_run(store):
    job = enqueue(store, a_control(NEW, NAME), [("a", b"[]")])
    with store.writing(build.DOMAIN) as writer:
        drop_files(writer, [job.options["control"]])
    async with working(store, HANDLERS) as worker:
        await worker.see_through(job.key)
    assert log_of(store, job_of(store, job)) == [
        "EXCEPTION: Error during import: The control file is not kept any more"
    ]


def test_rows_without_messages_are_not_needed_for_the_log(store):
    """What the log is made of may be those rows alone that have something to say."""
    row = ImportRow(
        api=HAPLO,
        job_id="b",
        record=7,
        file="a",
        outcome=Outcome.ABORTED,
        messages=("Stop.",),
    )
    job = enqueue(store, a_control(NEW), [])
    assert list(log_lines(job, [row])) == ["Stop. (record 7)"]


async def test_properties_of_loaded_cases_stay(store):
    made(store, "c1", case_name="Ann", external_id="a")
    build.submit(store, build.a_form([build.an_update("c1", village="Kano")]))
    control = a_control(*upsert(), field("age"))
    await imported(store, control, {"id": "a", "age": 3})
    assert properties(store, "Ann") == {"age": "3", "village": "Kano"}
