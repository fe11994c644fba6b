"""The job of a batch: batch-imports.md 1.3, 1.7 and 1.8.4, on both databases."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import replace

import orjson
import pytest

from importers.batch_form import case_id_of, form_id_of
from importers.haplo import command as haplo_command
from importers.haplo import job as haplo_job
from importers.haplo.command import DEVICE_ID, XMLNS
from importers.haplo.log import MOST_LOGGED, error_count, log_lines
from importers.turns import HAPLO
from importers.undo import UNDO, UndoRequest, enqueue_undo
from importers.worker import Interrupted
from ledger import log
from ledger.directory.domains import DomainSettings, save_settings
from ledger.directory.users import create_user
from ledger.entry import Author, Kind
from ledger.errors import Malformed
from ledger.import_rows import ImportRow, Outcome
from ledger.jobs import JobState
from projections.replay import replay
from projections.verify import verify
from tests import build
from tests.importers.haplo.batches import (
    HANDLERS,
    NAME,
    NEW,
    a_control,
    cases_by_name,
    constant,
    enqueue,
    field,
    imported,
    log_of,
    outcomes,
    properties,
    ran,
    rows,
    upsert,
    with_cards,
)
from tests.jobs import job_of, working


@pytest.fixture(autouse=True)
def domain(store):
    return build.a_domain(store)


def made(store, case_id, **create):
    """Make a case by hand."""
    external_id = create.pop("external_id", None)
    update = {"external_id": external_id} if external_id else None
    block = build.a_create(case_id, create=create, update=update)
    build.submit(store, build.a_form([block]))


def forms_of(store, job):
    """Return the entries of the forms that a job appended, with their bytes."""
    with store.snapshot(build.DOMAIN) as reader:
        found = log.entries_after(reader, 0, limit=10_000)
        return [(e, b) for e, b in found if e.details.get("job") == job.job_id]


# -- what a record becomes ------------------------------------------------------


async def test_one_record_is_one_form(store):
    """R0.3, R0.4 and R0.7: ids that follow from the batch, and a marked form."""
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
    assert error_count(job) == job.progress["errors"] == 3
    assert [row.form_id is None for row in found] == [True, False, True, True]
    assert len(forms_of(store, job)) == 1


async def test_records_see_those_before_them(store):
    """1.8.4: across files too, whatever commit they were in."""
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
    """1.8.3: also those of the same commit."""
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
    """1.8.4: an XFormError, a message with its id, and the run goes on.

    No record gets so far by itself, so the length that the processor takes is made
    shorter.
    """
    monkeypatch.setattr("projections.fold.LONGEST", 20)
    job, found = await imported(
        store,
        a_control(NEW, NAME),
        {"name": "x" * 21},
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


# -- the run ----------------------------------------------------------------------


async def test_a_batch_without_files(store):
    """1.3: it ends well, with no records and no errors."""
    job = await ran(store, a_control(NEW, NAME), [])
    assert (job.state, error_count(job)) == (JobState.DONE, 0)
    assert log_of(store, job) == []


async def test_of_a_name_the_last_upload_wins_at_the_place_of_the_first(store):
    files = [
        ("a", b'[{"name": "old"}]'),
        ("b", b'[{"name": "B"}]'),
        ("a", b'[{"name": "new"}]'),
    ]
    job = await ran(store, a_control(NEW, NAME), files)
    assert [row.file for row in rows(store, job)] == ["a", "b"]
    assert sorted(cases_by_name(store)) == ["B", "new"]


async def test_record_numbers_go_on_over_files(store):
    files = [("a", b'[{"name": "A"}, {"name": "B"}]'), ("b", b'[{"name": "C"}]')]
    job = await ran(store, a_control(NEW, NAME), files)
    assert [row.record for row in rows(store, job)] == [0, 1, 2]


async def test_files_may_be_read_in_their_own_ways(store):
    control = a_control(
        NEW,
        NAME,
        files={
            "t": {"read": "tsv-with-name-row"},
            "x": {"read": "xml-attributes"},
            "unused": {"read": "json"},
        },
    )
    files = [("t", b"name\nAnn\n\nBo\n"), ("x", b'<r><p name="Cy"/></r>')]
    job = await ran(store, control, files)
    assert sorted(cases_by_name(store)) == ["Ann", "Bo", "Cy"]
    assert [row.row_number for row in rows(store, job)] == [2, 4, 1]


async def test_a_name_that_the_control_file_does_not_have(store):
    """1.3: the run ends in error; what was applied before stays applied."""
    control = a_control(NEW, NAME, files={"a": {"read": "json"}})
    files = [("a", b'[{"name": "A"}]'), ("b", b"[]")]
    job = await ran(store, control, files)
    assert job.state is JobState.FAILED
    assert log_of(store, job) == [
        (
            "EXCEPTION: Error during import: Could not find file specification in "
            "control file for file b (and DEFAULT file entry does not exist)"
        )
    ]
    assert list(cases_by_name(store)) == ["A"]


async def test_a_file_that_cannot_be_read(store):
    """Nothing of it is taken; the files before stay applied, and errors counted."""
    files = [("a", b'[{"name": "A"}, {}]'), ("b", b'[{"name": "B"}, ')]
    job = await ran(store, a_control(NEW, NAME), files)
    assert job.state is JobState.FAILED
    assert log_of(store, job) == [
        "case_name is not set in object object (record 1)",
        (
            "EXCEPTION: Error during import: Could not read file b: "
            "the array is not closed"
        ),
    ]
    assert list(cases_by_name(store)) == ["A"]
    assert error_count(job) == 1


@pytest.mark.parametrize(
    ("control", "said"),
    [
        (b"{", "Uploaded file is not JSON"),
        (
            {**a_control(NEW), "model": "x", "files": 5},
            (
                "Errors in control file:\n  Model not implemented: x\n"
                "  Control file does not have files property"
            ),
        ),
        (
            a_control({"action": "new", "destination": "x"}),
            "Unknown destination: x",
        ),
    ],
)
async def test_a_control_file_that_cannot_be_used(store, control, said):
    """1.7: it is validated again at the start."""
    job = await ran(store, control, [("a", b'[{"name": "A"}]')])
    assert job.state is JobState.FAILED
    assert log_of(store, job) == [f"EXCEPTION: Error during import: {said}"]
    assert (error_count(job), rows(store, job)) == (0, [])


async def test_preparation_errors_come_first_and_once(store):
    """1.7: without a record, and they are counted."""
    control = a_control(NEW, NAME, field("v", "1"), field("v", type="integer"))
    job, _ = await imported(
        store, control, {"name": "A", "v": "x"}, {"name": "B", "v": "y"}
    )
    assert log_of(store, job) == [
        "Unknown name in field 1 for destination object",
        "Invalid integer for input field v: x (record 0)",
        "Invalid integer for input field v: y (record 1)",
    ]
    assert error_count(job) == 3


async def test_too_many_cases_for_a_mapping_by_title(store, monkeypatch):
    """1.6.3: at most 4096 of them; here fewer are too many."""
    monkeypatch.setattr("importers.haplo.mappings.MOST_TITLED", 1)
    for case_id in ("c1", "c2"):
        made(store, case_id)
    mapping = {"m": {"using": "title", "types": ["patient"], "values": {"a": "Idris"}}}
    control = a_control(
        NEW, NAME, field("v", "index:p", refMapping="m"), mapping=mapping
    )
    job, found = await imported(store, control, {"name": "A", "v": "a"})
    assert log_of(store, job) == [
        (
            "Mapping m uses title mapping, but too many objects in store to use this "
            "method."
        )
    ]
    assert outcomes(found) == ["applied"]


async def test_the_log_ends_after_499_errors(store):
    """1.7: the 500th says that there are more; all are counted and kept."""
    control = a_control(NEW, NAME)
    job, found = await imported(store, control, *[{}] * (MOST_LOGGED + 5))
    lines = log_of(store, job)
    assert len(lines) == MOST_LOGGED + 1
    assert lines[-2] == "case_name is not set in object object (record 498)"
    assert lines[-1] == (
        "Too many errors in import batch, no further errors will be reported"
    )
    assert error_count(job) == MOST_LOGGED + 5
    assert sum(len(row.messages) for row in found) == MOST_LOGGED + 5


async def test_499_errors_are_all_logged(store):
    job, _ = await imported(store, a_control(NEW, NAME), *[{}] * MOST_LOGGED)
    assert len(log_of(store, job)) == MOST_LOGGED


async def test_times_of_the_log(store):
    """ISO 8601 UTC; while a batch runs there is no end, and no count."""
    job, found = await imported(store, a_control(NEW, NAME), {"name": "A"})
    assert list(log_lines(job, found)) == [
        "START: 2024-03-05T09:00:00.000000Z",
        "END: 2024-03-05T09:00:00.000000Z",
    ]
    running = replace(job, state=JobState.RUNNING, finished_on=None)
    assert len(list(log_lines(running, found))) == 1
    assert error_count(running) is None


def test_the_log_of_a_batch_that_was_stopped(store):
    job = enqueue(store, a_control(NEW), [])
    stopped = replace(job, state=JobState.CANCELLED)
    assert list(log_lines(stopped, ())) == ["EXCEPTION: Error during import: Cancelled"]


async def test_the_run_is_noted_in_the_audit(store):
    """1.7: its beginning and its end, with batch and control digest."""
    for control in (a_control(NEW, NAME), b"{"):
        job = await ran(store, control, [("a", b'[{"name": "A"}]')])
        notes = [
            (e.details["action"], e.details["control"], e.user_id)
            for e in build.entries_of(store)
            if e.details.get("batch") == job.job_id
        ]
        about = job.options["control"], build.USER
        assert notes == [
            ("haplo_data_import_batch:start", *about),
            ("haplo_data_import_batch:end", *about),
        ]


def test_a_thousand_messages_of_a_record_are_kept(store):
    """And all of them are counted."""
    each = {
        "action": "for-each",
        "source": "all",
        "wrapValues": True,
        "instructions": [
            field("value", "v", type="integer", multivalue=True),
        ],
    }
    record = {"name": "A", "all": ["x"] * 1500}
    job, found = asyncio.run(imported(store, a_control(NEW, NAME, each), record))
    assert len(found[0].messages) == 1000
    assert error_count(job) == 1500


# -- dry runs ---------------------------------------------------------------------


async def test_a_dry_run_leaves_nothing_but_its_account(store):
    """1.7: no form, no case, no XFormError; rows are kept, without a form."""
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
    """1.7: later records load it and refer to it, also in later commits."""
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
    assert log_of(store, dry) == log_of(store, real) == []
    assert outcomes(found) == outcomes(again) == ["applied"] * 5
    assert sorted(cases_by_name(store)) == ["A", "B", "X"]


# -- crashes, undo, replay ----------------------------------------------------------


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
        with suppress(Interrupted):
            await worker.see_through(job.key)


@pytest.mark.parametrize("dry_run", [False, True], ids=["real", "dry"])
async def test_a_batch_that_is_taken_up_again(store, dry_run, monkeypatch):
    """No record twice, none left out; what is said once is said once."""
    monkeypatch.setattr(haplo_job, "_MOST_RECORDS", 7)
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
    assert log_of(store, ended) == [
        "Invalid integer for set value object/bad: x (record 0)",
        "Invalid integer for input field n: q (record 90)",
    ]
    assert error_count(ended) == 2
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
    """Law 2; and rows of imports are left alone by a rebuild (R0.5)."""
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
    with store.administering() as conn:
        conn.raw.execute("DELETE FROM blobs")
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


# -- what nobody foresaw ----------------------------------------------------------


async def test_an_unforeseen_error_fails_the_record_alone(store, monkeypatch):
    """1.7: as far as possible the run goes on."""
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
    assert error_count(job) == 1


@pytest.mark.parametrize("dry_run", [False, True], ids=["real", "dry"])
async def test_a_form_that_cannot_be_built_fails_the_record_alone(
    store, monkeypatch, dry_run
):
    """There is nothing to keep, and so no XFormError."""
    real = haplo_command.parse_form

    def parse_form(body):
        if b">bad<" in body:
            raise Malformed("Invalid XML: too long")
        return real(body)

    monkeypatch.setattr(haplo_command, "parse_form", parse_form)
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
