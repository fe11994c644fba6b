"""Which imports of spreadsheets may meet (``rules/excel-import.md`` 17.2a)."""

from __future__ import annotations

import openpyxl
import pytest

from importers.excel.rules import options as excel_options
from importers.excel.start import digest_of
from importers.excel.upload import looked_into
from importers.jobs.turns import TOUCHES, may_meet
from importers.tables.unreadable import DEFAULT_LIMITS
from ledger.bodies import file_to_store
from tests.kit import build
from tests.kit.spreadsheets import a_csv, enqueue, made, wanted


@pytest.fixture(autouse=True)
def domain(store):
    """Make the domain of the tests."""
    return build.a_domain(store)


@pytest.fixture
def looked(store, tmp_path):
    """Look into a file as an upload does."""

    def run(content, name="a.csv", **fields):
        path = tmp_path / name
        path.write_bytes(content)
        return looked_into(
            path,
            name,
            wanted(**fields),
            store=store,
            domain=build.DOMAIN,
            limits=DEFAULT_LIMITS,
        )

    return run


def test_an_import_without_parents_keeps_to_its_type(store, looked):
    """The job says so, and its options come back as they were."""
    content = a_csv(["case_id", "name", "external_id", "owner_name", "age"])
    options = looked(content, case_type="mother")
    assert options.touches == ("mother",)
    job = enqueue(store, content, options)
    assert job.options[TOUCHES] == ["mother"]
    assert excel_options.from_json(job.options) == options
    other = enqueue(store, content, looked(content, case_type="visit"))
    assert not may_meet(job.options, other.options)


@pytest.mark.parametrize(
    "header",
    [
        "parent_id",
        "parent_external_id",
        "parent_type",
        "parent_relationship_type",
        "parent_identifier",
        "Parent ID",
        "case_type",
    ],
)
def test_an_import_that_names_parents_may_meet_any(store, looked, header):
    """Whoever uploads parents and then children finds the parents."""
    options = looked(a_csv(["case_id", "name", header]))
    assert options.touches is None
    job = enqueue(store, a_csv(["case_id", "name", header]), options)
    assert may_meet(job.options, {TOUCHES: ["other"]})


def test_a_column_that_is_renamed_into_a_parent_counts(looked):
    """What a column is called in the end is what it means."""
    content = a_csv(["case_id", "name", "house"])
    assert looked(content).touches == ("patient",)
    assert looked(content, renamed=(("house", "parent_id"),)).touches is None


def test_an_import_of_many_sheets_touches_all_their_types(store, looked, tmp_path):
    """A parent in any of them is enough."""
    for case_type in ("mother", "visit"):
        made(store, case_type, case_type=case_type)
    for headers, touches in (
        (["caseid", "name"], ("mother", "visit")),
        (["caseid", "parent_id"], None),
    ):
        book = openpyxl.Workbook()
        book.active.title = "mother"
        book.active.append(["caseid", "name"])
        book.create_sheet("visit").append(headers)
        book.save(tmp_path / "b.xlsx")
        options = looked((tmp_path / "b.xlsx").read_bytes(), "b.xlsx")
        assert [sheet.title for sheet in options.sheets] == ["mother", "visit"]
        assert options.touches == touches


def test_a_job_of_before_may_meet_any(store):
    """Its options say nothing of what it touches."""
    job = enqueue(store, a_csv(["case_id", "name"]))
    kept = {name: value for name, value in job.options.items() if name != TOUCHES}
    assert excel_options.from_json(kept).touches is None
    assert may_meet(kept, {TOUCHES: ["other"]})


def test_a_key_stands_for_the_upload_and_not_for_its_turn(looked, tmp_path):
    """The digest under an ``Idempotency-Key`` is the one of before."""
    options = looked(a_csv(["case_id", "name"]))
    file = file_to_store(tmp_path / "a.csv", "a.csv")
    assert digest_of(options, file) == digest_of(wanted(), file)
