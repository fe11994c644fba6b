"""A dry run of a batch tells what the real one does (rules/batch-imports.md 1.7f)."""

from __future__ import annotations

import pytest

from ledger.directory.domains import DomainSettings, save_settings
from ledger.entry import Author
from tests.kit import build
from tests.kit.haplo.batches import (
    NAME,
    a_control,
    cases_by_name,
    field,
    forms_of,
    imported,
    log_of,
    made,
    outcomes,
    upsert,
)

pytestmark = pytest.mark.usefixtures("domain")


async def test_a_dry_run_leaves_nothing_but_its_account(store):
    """Rule 1.7f: no form, no case, no XFormError; rows are kept, without a form."""
    made(store, "c1", case_name="Ann", external_id="a")
    before = build.derived(store)
    control = a_control(*upsert(), NAME, field("age", type="integer"))
    records = [
        {"id": "a", "name": "Ann", "age": 3},
        {"id": "b", "name": "Bo"},
        {"id": "b", "name": "Bo", "age": 4},
        {"id": "b", "name": "Bo", "age": "x"},
        {},
    ]
    job, found = await imported(store, control, *records, dry_run=True)
    assert build.derived(store) == before
    assert not forms_of(store, job)
    assert {row.form_id for row in found} == {None}
    assert [row.case_ids for row in found] == [("c1",), (), (), (), ()]
    real, again = await imported(store, control, *records)
    assert (
        outcomes(found)
        == outcomes(again)
        == [
            "applied",
            "applied",
            "applied",
            "unchanged",
            "aborted",
        ]
    )
    assert {**job.result, "dry_run": False} == real.result
    assert log_of(store, job) == log_of(store, real)


async def test_a_dry_run_knows_what_it_would_have_left(store):
    """Rule 1.7f: later records load it and refer to it, also in later commits."""
    parents = [{"id": f"p{n}", "name": f"P{n}"} for n in range(60)]
    children = [
        {"id": f"k{n}", "name": f"K{n}", "of": f"p{n}", "title": "x"} for n in range(60)
    ]
    mapping = {"m": {"using": "title", "types": ["patient"], "values": {"x": "P7"}}}
    control = a_control(
        *upsert(),
        NAME,
        field("of", "index:parent", filters=["ledger:external-id-to-ref"]),
        field("title", "index:title", refMapping="m"),
        mapping=mapping,
    )
    dry, found = await imported(store, control, *parents, *children, dry_run=True)
    assert set(outcomes(found)) == {"applied"}, log_of(store, dry)
    assert not build.cases_of(store)
    _, again = await imported(store, control, *parents, *children)
    assert outcomes(again) == outcomes(found)


async def test_a_dry_run_closes_what_extends_a_closed_case(store):
    """Where the domain wants that, the real run does; later records see it."""
    with store.writing(build.DOMAIN) as writer:
        save_settings(
            writer,
            DomainSettings(close_extensions=True),
            author=Author(user_id="root"),
            now=build.NOW,
        )
    control = a_control(
        *upsert(),
        NAME,
        field(
            "of",
            "index:host",
            filters=["ledger:external-id-to-ref"],
            relationship="extension",
        ),
        field("close", "close"),
        field("same", "external_id"),
    )
    records = [
        {"id": "a", "name": "A"},
        {"id": "b", "name": "B", "of": "a", "same": "x"},
        {"id": "c", "name": "C", "same": "x"},
        {"id": "a", "name": "A", "close": True},
        {"id": "x", "name": "X"},
    ]
    dry, found = await imported(store, control, *records, dry_run=True)
    real, again = await imported(store, control, *records)
    [warning] = log_of(store, dry)
    assert warning.startswith("WARNING: Same case in several rows")
    assert log_of(store, real) == [warning]
    assert outcomes(found) == outcomes(again) == ["applied"] * 5
    assert sorted(cases_by_name(store)) == ["A", "B", "X"]
