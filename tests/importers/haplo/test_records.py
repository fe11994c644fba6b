"""What a record of a batch becomes: rules/batch-imports.md 1.8.4, on both databases."""

from __future__ import annotations

import orjson
import pytest

from importers.haplo.command import DEVICE_ID, XMLNS
from importers.jobs.turns import HAPLO
from importers.rows.rules.form import case_id_of, form_id_of
from ledger.directory.users import create_user
from ledger.entry import Author, Kind
from ledger.imports.values import Outcome
from ledger.jobs.values import JobState
from tests.kit import build
from tests.kit.haplo.batches import (
    NAME,
    NEW,
    a_control,
    cases_by_name,
    constant,
    field,
    forms_of,
    imported,
    log_of,
    made,
    outcomes,
    ran,
    rows,
    upsert,
    with_cards,
)

pytestmark = pytest.mark.usefixtures("domain")


async def test_one_record_is_one_form(store):
    """Rules R0.3, R0.4 and R0.7: ids that follow from the batch, and a marked form."""
    control = a_control(NEW, NAME, field("age"))
    job, found = await imported(store, control, {"name": "Ann", "age": 3})
    assert job.state is JobState.DONE, job.problem
    about = (HAPLO, build.DOMAIN, job.job_id, 0)
    case_id, form_id = case_id_of(*about, 0), form_id_of(*about)
    [row] = found
    assert (row.outcome, row.form_id, row.case_ids) == (
        Outcome.APPLIED,
        form_id,
        (case_id,),
    )
    [(entry, body)] = forms_of(store, job)
    assert (entry.form_id, entry.xmlns, entry.kind) == (form_id, XMLNS, Kind.NORMAL)
    text = body.decode()
    for told in (
        f"<batch>{job.job_id}</batch>",
        "<file>people</file>",
        "<record>0</record>",
        f"<control>{job.options['control']}</control>",
        f"deviceID>{DEVICE_ID}</",
        "username>amina</",
    ):
        assert told in text
    case = build.case_of(store, case_id)
    assert (case.case_name, case.owner_id, case.opened_by) == (
        "Ann",
        build.USER,
        build.USER,
    )


async def test_each_outcome(store):
    """applied, unchanged and aborted, each with what was said; errors are counted."""
    made(store, "c1", case_name="Ann", external_id="a")
    control = a_control(*upsert(), NAME, field("age", type="integer"))
    job, found = await imported(
        store,
        control,
        {"id": "a", "name": "Ann"},
        {"id": "b", "name": "Bo", "age": "x"},
        {"id": "c"},
        5,
    )
    assert outcomes(found) == ["unchanged", "applied", "aborted", "aborted"]
    assert job.result == {
        "applied": 1,
        "unchanged": 1,
        "aborted": 2,
        "failed": 0,
        "dry_run": False,
    }
    assert log_of(store, job) == [
        "Invalid integer for input field age: x (record 1)",
        "case_name is not set in object object (record 2)",
        "Record is not an object (record 3)",
    ]
    assert job.progress["errors"] == 3
    assert [row.form_id is None for row in found] == [True, False, True, True]
    assert len(forms_of(store, job)) == 1


async def test_records_see_those_before_them(store):
    """Rule 1.8.4: across files too, whatever commit they were in."""
    parents = orjson.dumps([{"id": f"p{n}", "name": f"P{n}"} for n in range(40)])
    children = orjson.dumps(
        [{"id": f"k{n}", "name": f"K{n}", "of": f"p{n}"} for n in range(40)]
    )
    control = a_control(
        *upsert(),
        NAME,
        field("of", "index:parent", filters=["ledger:external-id-to-ref"]),
    )
    job = await ran(store, control, [("parents", parents), ("children", children)])
    assert job.result["applied"] == 80, log_of(store, job)
    found = cases_by_name(store)
    assert all(
        found[f"K{n}"].indices["parent"].case_id == found[f"P{n}"].case_id
        for n in range(40)
    )
    assert [row.file for row in rows(store, job)] == ["parents"] * 40 + [
        "children"
    ] * 40


async def test_children_before_their_parents_are_aborted(store):
    control = a_control(
        *upsert(),
        NAME,
        field("of", "index:parent", filters=["ledger:external-id-to-ref"]),
    )
    job, found = await imported(
        store,
        control,
        {"id": "k", "name": "K", "of": "p"},
        {"id": "p", "name": "P"},
    )
    assert outcomes(found) == ["aborted", "applied"]
    assert log_of(store, job) == [
        "No case with external_id p for input field of (record 0)"
    ]


async def test_refs_to_cases_that_are_there(store):
    """By id, by code, by user name, by mappings, by title."""
    made(store, "c1", case_name="Idris", external_id="x1")
    made(store, "c2", case_name="Other", external_id="x2")
    with store.writing(build.DOMAIN) as writer:
        user = build_user(writer)
    mapping = {
        "by-code": {"using": "behaviour", "values": {"one": "x1"}},
        "by-title": {
            "using": "title",
            "types": ["patient"],
            "values": {"two": "Other", "self": "Ann"},
        },
    }
    control = a_control(
        NEW,
        NAME,
        field("id", "index:a", filters=["haplo:string-to-ref"]),
        field("code", "index:b", filters=["haplo:code-to-ref"]),
        field("user", "owner_id", filters=["haplo:username-to-ref"]),
        field("one", "index:c", refMapping="by-code"),
        field("two", "index:d", refMapping="by-title"),
        mapping=mapping,
    )
    record = {
        "name": "Ann",
        "id": "c1",
        "code": "x2",
        "user": "NiMa",
        "one": "one",
        "two": "two",
    }
    later = {"name": "Bo", "two": "self"}
    job, found = await imported(store, control, record, later)
    assert outcomes(found) == ["applied", "applied"], log_of(store, job)
    case = cases_by_name(store)["Ann"]
    assert {n: i.case_id for n, i in case.indices.items()} == {
        "a": "c1",
        "b": "c2",
        "c": "c1",
        "d": "c2",
    }
    assert case.owner_id == user
    # The first record made the case that the second one names by its title.
    assert cases_by_name(store)["Bo"].indices["d"].case_id == case.case_id


def build_user(writer):
    author = Author(user_id="root")
    made_user = create_user(
        writer, "nima@clinic.example", role="editor", password=None, author=author
    )
    return made_user.user_id


async def test_dependents_of_earlier_records_are_found(store):
    """Rule 1.8.3: also those of the same commit."""
    control = with_cards()
    records = [{"id": "m", "name": "Mia", "card": card} for card in ("one", "two")]
    for expected in (["applied", "applied"], ["applied", "applied"]):
        job, found = await imported(store, control, *records)
        assert outcomes(found) == expected, log_of(store, job)
    assert sorted(cases_by_name(store)) == ["Mia", "two"]


async def test_deleted_cases_are_not_there(store):
    made(store, "c1", external_id="x1")
    build.write(store, build.a_flag("c1"))
    by_ref = [
        field("r", "ref", destination="load:by-ref", filters=["haplo:string-to-ref"]),
        {"action": "load", "destination": "object", "using": "load:by-ref"},
    ]
    job, _ = await imported(store, a_control(*by_ref), {"r": "c1"})
    assert log_of(store, job) == ["Couldn't load destination: object (record 0)"]
    index = field("r", "index:p", filters=["haplo:string-to-ref"])
    job, _ = await imported(
        store, a_control(NEW, NAME, index), {"r": "c1", "name": "A"}
    )
    assert log_of(store, job) == ["No case with id c1 for input field r (record 0)"]
    job, found = await imported(
        store, a_control(*upsert(), NAME), {"id": "x1", "name": "A"}
    )
    assert outcomes(found) == ["applied"]


async def test_cases_of_another_domain_are_not_there(store):
    build.a_domain(store, "other")
    body = build.a_form([build.a_create("c1")])
    build.submit(store, body, domain="other")
    index = field("r", "index:p", filters=["haplo:string-to-ref"])
    job, _ = await imported(
        store, a_control(NEW, NAME, index), {"r": "c1", "name": "A"}
    )
    assert log_of(store, job) == ["No case with id c1 for input field r (record 0)"]


async def test_the_same_batch_twice_changes_nothing(store):
    control = a_control(
        *upsert(),
        NAME,
        field("age", type="integer"),
        field("tag", "tags", multivalue=True),
        field("more", "tags", multivalue=True),
        constant(value=True, name="close"),
        constant("", "owner_id"),
    )
    records = [
        {"id": f"{n}", "name": f"N{n}", "age": n, "tag": "a", "more": "b c"}
        for n in range(1, 6)
    ]
    job, _ = await imported(store, control, *records)
    assert job.result["applied"] == 5
    before = build.derived(store)
    job, found = await imported(store, control, *records)
    assert set(outcomes(found)) == {"unchanged"}
    assert build.derived(store) == before
    assert not forms_of(store, job)


async def test_a_form_that_is_refused_is_kept(store, monkeypatch):
    """Rule 1.8.4: an XFormError, a message with its id, and the run goes on.

    No record gets so far by itself, so the length that the processor takes is made
    shorter.
    """
    monkeypatch.setattr("ledger.forms.case_xml.MAX_LENGTH", 40)
    job, found = await imported(
        store,
        a_control(NEW, NAME),
        {"name": "x" * 41},
        {"name": "Bo"},
    )
    assert outcomes(found) == ["failed", "applied"]
    error_id = found[0].error_id
    [entry] = [e for e, _ in forms_of(store, job) if e.kind is Kind.ERROR]
    assert (entry.form_id, found[0].form_id) == (error_id, None)
    [line] = log_of(store, job)
    assert line == (
        f"Form submission failed: {entry.problem} (XFormError {error_id}) (record 0)"
    )
    assert job.result["failed"] == job.progress["errors"] == 1
