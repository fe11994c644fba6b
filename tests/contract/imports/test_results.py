"""What became of each record of a batch import is kept, and told in order."""

from __future__ import annotations

from dataclasses import replace

from ledger.imports.results import outcomes_of, put_rows, rows_of
from ledger.imports.values import ImportRow, Outcome
from tests.kit import build

ROW = ImportRow(
    api="haplo",
    job_id="b1",
    record=0,
    file="people",
    outcome=Outcome.APPLIED,
    row_number=2,
    form_id="f1",
    case_ids=("c1", "c2"),
    messages=("first", "second"),
    shown={"name": "Amina"},
)


def keep(store, *rows):
    with store.writing(build.DOMAIN) as writer:
        put_rows(writer, rows)


def kept(store, *, after=-1, most=10, job_id="b1"):
    with store.snapshot(build.DOMAIN) as reader:
        return rows_of(reader, "haplo", job_id, after=after, most=most)


def test_a_row_comes_back_as_it_was_kept(store):
    """Every field, the lists and the shown row included, survives the table."""
    build.a_domain(store)
    bare = ImportRow(
        api="haplo", job_id="b1", record=1, file="", outcome=Outcome.ABORTED
    )
    keep(store, bare, ROW)
    assert kept(store) == [ROW, bare]


def test_pages_of_rows_go_by_the_number_of_the_record(store):
    """A page begins behind the record that it is told."""
    build.a_domain(store)
    rows = [replace(ROW, record=number) for number in range(12)]
    keep(store, *rows)
    assert kept(store, after=3, most=2) == rows[4:6]
    assert kept(store, after=11) == []


def test_a_record_that_is_decided_again_replaces_its_row(store):
    """What counts is how a record ended the last time."""
    build.a_domain(store)
    keep(store, replace(ROW, outcome=Outcome.FAILED, form_id=None))
    keep(store, ROW)
    assert kept(store) == [ROW]


def test_outcomes_are_counted_for_each_job_alone(store):
    """Another job, or another API's job of the same id, counts for itself."""
    build.a_domain(store)
    other = (replace(ROW, job_id="b2"), replace(ROW, api="sunbird"))
    keep(store, ROW, replace(ROW, record=1, outcome=Outcome.UNCHANGED), *other)
    with store.snapshot(build.DOMAIN) as reader:
        counts = outcomes_of(reader, "haplo", "b1")
    assert counts == {
        Outcome.APPLIED: 1,
        Outcome.UNCHANGED: 1,
        Outcome.ABORTED: 0,
        Outcome.FAILED: 0,
    }
