"""What nobody foresaw fails one record and stops nothing."""

from __future__ import annotations

import json

import orjson
import pytest

from importers.haplo import command as haplo_command
from importers.rows import append as row_append
from ledger.errors import Malformed
from tests.kit import build
from tests.kit.haplo.batches import (
    HANDLERS,
    NAME,
    NEW,
    a_control,
    enqueue,
    field,
    imported,
    log_of,
    made,
    outcomes,
    ran,
    rows,
    upsert,
)
from tests.kit.jobs import working

pytestmark = pytest.mark.usefixtures("domain")


async def test_an_unforeseen_error_fails_the_record_alone(store, monkeypatch):
    """rules/batch-imports.md 1.7g: the run goes on."""
    real = haplo_command.run_all

    def run_all(steps, record, context):
        if context.get("name") == "bad":
            raise KeyError("bad")
        real(steps, record, context)

    monkeypatch.setattr(haplo_command, "run_all", run_all)
    control = a_control(NEW, NAME)
    job, found = await imported(store, control, {"name": "bad"}, {"name": "A"})
    assert outcomes(found) == ["failed", "applied"]
    assert log_of(store, job) == ["Unexpected error: KeyError (record 0)"]
    assert job.progress["errors"] == 1


@pytest.mark.parametrize("dry_run", [False, True], ids=["real", "dry"])
async def test_a_form_that_cannot_be_built_fails_the_record_alone(
    store, monkeypatch, dry_run
):
    """There is nothing to keep, and so no XFormError."""
    real = row_append.parse_written

    def parse_written(body):
        if b">bad<" in body:
            raise Malformed("Invalid XML: too long")
        return real(body)

    monkeypatch.setattr(row_append, "parse_written", parse_written)
    control = a_control(NEW, NAME)
    records = {"name": "bad"}, {"name": "A"}
    job, found = await imported(store, control, *records, dry_run=dry_run)
    assert outcomes(found) == ["failed", "applied"]
    assert log_of(store, job) == [
        "Form submission failed: Invalid XML: too long (record 0)"
    ]
    assert found[0].error_id is None


async def test_ids_that_were_not_foreseen_are_looked_up(store):
    """What is asked only because something was found is found as well."""
    made(store, "c1", case_name="Ann", external_id="a")
    made(store, "c2", case_name="Bo", external_id="b")
    control = a_control(
        *upsert(),
        {
            "action": "if-has-value",
            "destination": "object",
            "name": "case_name",
            "then": [
                field("code", "index:p", filters=["ledger:external-id-to-ref"]),
                field("ref", "index:q", filters=["haplo:string-to-ref"]),
            ],
        },
    )
    _, found = await imported(store, control, {"id": "a", "code": "b", "ref": "c2"})
    assert outcomes(found) == ["applied"]
    links = build.case_of(store, "c1").indices
    assert {name: link.case_id for name, link in links.items()} == {
        "p": "c2",
        "q": "c2",
    }


async def test_a_large_record_has_a_commit_of_its_own(store):
    """Commits are bounded by bytes as well as by count."""
    records = [{"name": f"N{n}", "v": "x" * 600_000} for n in range(4)]
    steps = []
    job = enqueue(
        store, a_control(NEW, NAME, field("v")), [("a", orjson.dumps(records))]
    )
    async with working(store, HANDLERS) as worker:
        worker.tell = lambda told: steps.append(told.progress.get("done", 0))
        await worker.see_through(job.key)
    assert {0, 2, 4} == set(steps)


async def test_external_ids_that_no_case_can_have_mean_nothing(store):
    """They are not even asked for: no database takes them."""
    values = ["x" * 256, "a\0b", "\ud800"]
    control = a_control(NEW, NAME, field("v", "index:p", filters=["haplo:code-to-ref"]))
    records = json.dumps([{"name": "A", "v": value} for value in values]).encode()
    job = await ran(store, control, [("a", records)])
    assert outcomes(rows(store, job)) == ["applied"] * 3
    assert log_of(store, job) == []
