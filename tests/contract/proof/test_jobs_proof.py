"""What jobs were asked for, and what became of records, proves itself.

The page is docs/operating/verify.md.
"""

from __future__ import annotations

from functools import partial

import pytest

from ledger.imports import batches
from ledger.imports.values import BatchState, NewFile
from ledger.jobs.notes import annotate
from ledger.jobs.queue import enqueue, get_job
from ledger.jobs.values import JobState
from ledger.proof.directory import directory_differences, fold_of
from ledger.proof.rebuilding import rebuild_directory, restate_directory
from ledger.stated import STATED, Fold
from projections.rebuild.verify import verify
from tests.kit import build
from tests.kit.alterations import KEPT, Table, findings, start_batch
from tests.kit.directory import OPERATOR, People
from tests.kit.intruder import intrude


@pytest.fixture
def people(store):
    """Return a domain in which two batches were started."""
    build.a_domain(store)
    people = People(store)
    for n in range(2):
        start_batch(people, n)
    return people


def test_what_decides_nothing_yet_need_not_be_stated(people):
    """A dry run and a batch that waits; to make more of them by hand is noticed."""
    store = people.store
    before = people.noted()
    with store.writing(build.DOMAIN) as w:
        add = partial(enqueue, w, kind="excel", user_id="u", now=build.NOW)
        tried = add(options={"dry_run": True})
        batch = batches.create_batch(
            w,
            batches.list_controls(w, limit=1)[0],
            comment="waits",
            author=OPERATOR,
            now=build.NOW,
        )
        file = NewFile(name="a", file_name="a.json", content=b"{}")
        batches.add_files(w, batch.identifier, [file], state=BatchState.UPLOADING)
        annotate(w, tried.key, {"comment": "!"}, author=OPERATOR, now=build.NOW)
    assert people.noted() == before
    assert findings(store) == []
    restate_directory(store, build.DOMAIN, author=OPERATOR)
    batches_, tables = Table(store, "batches"), Table(store, "jobs")
    waits = next(row for row in batches_.rows() if row[1] == batch.identifier)
    batches_.set(waits, KEPT["batches"].c.state, "started")
    real = next(row for row in tables.rows() if row[1] == tried.job_id)
    tables.set(real, KEPT["jobs"].c.options, '{"dry_run": false}')
    assert findings(store) == [
        f"batches {batch.identifier}: not in the log's fold",
        f"jobs {tried.job_id}: not in the log's fold",
    ]


def test_a_dry_run_of_a_batch_is_stated_with_it(people):
    """As what began it is in the log anyway."""
    job = start_batch(people, 2, dry_run=True)
    jobs = Table(people.store, "jobs")
    row = next(row for row in jobs.rows() if row[1] == job.job_id)
    jobs.set(row, KEPT["jobs"].c.options, row[5].replace("true", "false"))
    assert findings(people.store) == [f"jobs {job.job_id}: options differs"]


def test_what_is_noted_on_a_job_is_stated(people):
    """Who had its files forgotten excuses that they are gone."""
    job = start_batch(people, 2)
    with people.store.writing(build.DOMAIN) as w:
        note = {"forgotten_by": "ann"}
        annotate(w, job.key, note, author=OPERATOR, now=build.NOW)
    assert findings(people.store) == []
    assert people.noted()[-1] == {
        "action": "job noted",
        "job_id": job.job_id,
        "job_kind": "haplo",
    }
    intrude(
        people.store,
        "jobs",
        "UPDATE jobs SET options = replace(options, '\"ann\"', '\"eve\"')",
    )
    assert findings(people.store) == [f"jobs {job.job_id}: options differs"]


def test_a_job_that_comes_back_has_failed(people):
    """What it was asked for is in the log; how far it was is not."""
    store = people.store
    job = start_batch(people, 2)
    intrude(store, "jobs", "DELETE FROM jobs")
    rebuild_directory(store, build.DOMAIN, author=OPERATOR)
    found = get_job(store.connection, job.key)
    assert (found.options, found.state) == (job.options, JobState.FAILED)
    assert found.problem.startswith("how far it was is lost")
    assert verify(store, build.DOMAIN).ok


def test_a_log_that_says_nothing_of_jobs_is_no_fault(people):
    """It states the directory as ever; restated, it states jobs too."""
    store = people.store
    with store.snapshot(build.DOMAIN) as reader:
        fold = fold_of(reader)
        whole = Fold()
        whole.add(b'{"rows": {"users": []}}', first=True)
        fold.tables = whole.tables
        fold.rows["jobs"].clear()
        unproved = {}
        wrong = list(directory_differences(reader, fold, {}, unproved))
    assert (wrong, unproved) == ([], {"jobs": 2})
    restate_directory(store, build.DOMAIN, author=OPERATOR)
    with store.snapshot(build.DOMAIN) as reader:
        assert fold_of(reader).tables == set(STATED)
