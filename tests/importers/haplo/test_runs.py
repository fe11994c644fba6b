"""The job of a batch, and its log, on both databases.

The rules are those of rules/batch-imports.md 1.3, 1.6 and 1.7.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from importers.haplo.log import MOST_LOGGED, log_lines
from ledger.jobs.values import JobState
from projections.rebuild.verify import verify
from tests.kit import build
from tests.kit.haplo.batches import (
    NAME,
    NEW,
    a_control,
    cases_by_name,
    enqueue,
    field,
    imported,
    log_of,
    made,
    outcomes,
    ran,
    rows,
)

pytestmark = pytest.mark.usefixtures("domain")


async def test_a_batch_without_files(store):
    """Rule 1.3: it ends well, with no records and no errors."""
    job = await ran(store, a_control(NEW, NAME), [])
    assert (job.state, job.progress["errors"]) == (JobState.DONE, 0)
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
    """Rule 1.3: the run ends in error; what was applied before stays applied."""
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
    assert job.progress["errors"] == 1


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
    """Rule 1.7: it is validated again at the start."""
    job = await ran(store, control, [("a", b'[{"name": "A"}]')])
    assert job.state is JobState.FAILED
    assert log_of(store, job) == [f"EXCEPTION: Error during import: {said}"]
    assert (job.progress["errors"], rows(store, job)) == (0, [])


async def test_preparation_errors_come_first_and_once(store):
    """Rule 1.7: without a record, and they are counted."""
    control = a_control(NEW, NAME, field("v", "1"), field("v", type="integer"))
    job, _ = await imported(
        store, control, {"name": "A", "v": "x"}, {"name": "B", "v": "y"}
    )
    assert log_of(store, job) == [
        "Unknown name in field 1 for destination object",
        "Invalid integer for input field v: x (record 0)",
        "Invalid integer for input field v: y (record 1)",
    ]
    assert job.progress["errors"] == 3


async def test_too_many_cases_for_a_mapping_by_title(store, monkeypatch):
    """Rule 1.6.3: at most 4096 of them; here fewer are too many."""
    monkeypatch.setattr("importers.haplo.rules.mappings.MOST_TITLED", 1)
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
    """Rule 1.7: the 500th says that there are more; all are counted and kept."""
    control = a_control(NEW, NAME)
    job, found = await imported(store, control, *[{}] * (MOST_LOGGED + 5))
    lines = log_of(store, job)
    assert len(lines) == MOST_LOGGED + 1
    assert lines[-2] == "case_name is not set in object object (record 498)"
    assert lines[-1] == (
        "Too many errors in import batch, no further errors will be reported"
    )
    assert job.progress["errors"] == MOST_LOGGED + 5
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


def test_the_log_of_a_batch_that_was_stopped(store):
    job = enqueue(store, a_control(NEW), [])
    stopped = replace(job, state=JobState.CANCELLED)
    assert list(log_lines(stopped, ())) == ["EXCEPTION: Error during import: Cancelled"]


async def test_the_run_is_noted_in_the_audit(store):
    """Rule 1.7e: its beginning and its end, with batch and control digest."""
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
    proof = verify(store, build.DOMAIN)
    assert proof.ok
    assert proof.unproved == {}


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
    assert job.progress["errors"] == 1500


async def test_what_a_table_does_not_say_outright_is_told_in_the_log(store):
    """As warnings that count as no errors; a shifted record is aborted (rule 1.4.2)."""
    control = a_control(NEW, NAME, files={"DEFAULT": {"read": "csv-with-name-row"}})
    content = "name\xa0;note\nZoë;x\nA;b;c\n".encode("cp1252")
    job = await ran(store, control, [("a", content)])
    told = [line.partition(": ")[2] for line in log_of(store, job)]
    assert told[0].startswith("Encoding assumed (file a, row 1): The file is not UTF-8")
    assert told[1] == "Delimiter detected (file a): Cells are parted by semicolons"
    assert told[2].endswith('The header "name\\u00a0" was read as "name"')
    (shifted,) = log_of(store, job)[3:]
    assert shifted.endswith("3 cells, 2 headers: A | b | c (record 1)")
    assert sorted(cases_by_name(store)) == ["Zoë"]


async def test_a_separator_of_several_characters_hides_nothing(store):
    """Rule 1.4.2: values without a header and headers that were trimmed are told."""
    about = {"read": "tsv-with-name-row", "separator": "::"}
    control = a_control(NEW, NAME, files={"DEFAULT": about})
    content = "name\xa0::::note\nZoe::lost::x\n".encode()
    job = await ran(store, control, [("a", content)])
    told = [line.partition(": ")[2] for line in log_of(store, job)]
    assert told[0].endswith('The header "name\\u00a0" was read as "name"')
    assert told[1].startswith("Value without a header (file a, column B, row 2)")
    assert sorted(cases_by_name(store)) == ["Zoe"]
