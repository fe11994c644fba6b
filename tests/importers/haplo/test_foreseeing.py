"""What records will ask for is found out before the lock is held.

The rules are those of rules/batch-imports.md 1.8.
"""

from __future__ import annotations

import pytest

from importers.haplo.command import (
    Batch,
    ImportRecords,
    Numbered,
    foreseen,
)
from importers.haplo.rules.lookup import Asked
from importers.rows.job import outcome_of
from ledger.entry import Author
from ledger.errors import StoreUnavailable
from ledger.submit import WantsOwnCommit
from tests.kit import build
from tests.kit.haplo.batches import (
    NAME,
    NEW,
    a_control,
    field,
    upsert,
    with_cards,
)
from tests.kit.haplo.transforms import prepared


def asked_by(control, *records):
    """Return the case ids and external ids that records will ask for."""
    batch = Batch(
        domain=build.DOMAIN,
        job_id="batch",
        control="digest",
        author=Author(user_id=build.USER),
        program=prepared(control),
    )
    found = foreseen(batch, [Numbered(n, r, 0) for n, r in enumerate(records)])
    return set(found.case_ids), set(found.external_ids)


def test_the_ids_that_records_name():
    control = a_control(
        *upsert(),
        NAME,
        field("of", "index:p", filters=["haplo:string-to-ref"]),
        field("code", "index:q", filters=["haplo:code-to-ref"]),
    )
    records = (
        {"id": "a", "name": "A", "of": "c1", "code": "x"},
        {"id": "b", "name": "B", "of": "c2"},
        {"id": "c" * 256},
        {"id": "\0", "name": "C", "of": "c" * 256},
        5,
    )
    assert asked_by(control, *records) == ({"c1", "c2"}, {"a", "b", "x"})


def test_what_goes_wrong_is_left_for_when_it_counts(monkeypatch):
    def run_all(_steps, _record, _context):
        raise KeyError

    monkeypatch.setattr("importers.haplo.command.run_all", run_all)
    assert asked_by(a_control(NEW, NAME), {"name": "A"}) == (set(), set())


def test_who_knows_nothing_finds_nothing():
    asked = Asked()
    assert asked.case("c1") is None
    assert asked.case("") is None
    assert not asked.by_external("x")
    assert not asked.dependents("c1", "parent")
    assert not asked.titled({"patient"}, "Ann")
    assert asked.user_id("amina") is None
    assert (asked.case_ids, asked.external_ids) == ({"c1"}, {"x"})


def test_a_step_that_was_refused_is_an_error():
    """So that the job is put off, and no progress is saved."""
    refused = StoreUnavailable("no database")
    with pytest.raises(StoreUnavailable):
        outcome_of([refused])


def test_a_look_up_by_index_wants_a_commit_of_its_own(store):
    """Rule 1.8.3: one that a form before it in the commit made is in no table."""
    build.a_domain(store)
    control = with_cards()
    mother = build.a_create(
        "m", create={"case_type": "mother"}, update={"external_id": "m"}
    )
    build.submit(store, build.a_form([mother]))
    batch = Batch(
        domain=build.DOMAIN,
        job_id="batch",
        control="digest",
        author=Author(user_id=build.USER),
        program=prepared(control),
    )
    records = (Numbered(0, {"id": "m", "name": "Mia", "card": "one"}, 0),)
    command = ImportRecords(
        batch=batch,
        file="people",
        records=records,
        said=frozenset(),
        after=0,
        wanted=foreseen(batch, records),
    )
    card = build.a_create("c", create={"case_type": "card"}, index={"parent": "m"})
    with pytest.raises(WantsOwnCommit):
        build.write(store, build.a_submission(build.a_form([card])), command)
