"""``caseledger import`` as an operator and a script use it."""

from __future__ import annotations

import json

import openpyxl
import pytest

from api.cli import main
from ledger.jobs.queue import list_jobs
from ledger.jobs.values import JobFilter
from ledger.migrations import migrate
from ledger.store import open_store
from tests.kit.build import DOMAIN, a_domain, cases_of
from tests.kit.directory import People
from tests.kit.spreadsheets import a_csv


@pytest.fixture
def ledger(url):
    """Name a database with an empty domain."""
    store = open_store(url)
    migrate(store)
    a_domain(store)
    People(store).user("nurse")
    store.close()
    return url


@pytest.fixture
def excel(ledger, capfd, tmp_path):
    """Return the command over these rows, which gives back what it printed."""

    def run(*words, rows, expect=0):
        file = tmp_path / "cases.csv"
        file.write_bytes(a_csv(*rows))
        capfd.readouterr()
        code = main(["--database", ledger, "import", "excel", str(file), *words])
        out, err = capfd.readouterr()
        assert code == expect, err
        run.told = err
        if "--json" in words:
            return out
        return dict(line.split("\t") for line in out.splitlines())

    return run


def cases_in(url):
    """Return the cases of the domain."""
    store = open_store(url)
    try:
        return list(cases_of(store).values())
    finally:
        store.close()


ROWS = (["external_id", "name"], ["a", "Ada"], ["b", "n" * 300], ["c", "Cy"])
WANTED = (
    *("--case-type", "patient", "--search-field", "external_id"),
    *("--owner", "nurse"),
)


def test_rows_become_cases_and_failed_ones_are_written(excel, tmp_path):
    """Exit code 1 when a row failed; the second time all others are known."""
    out = tmp_path / "failed.xlsx"
    words = (*WANTED, "--create-new-cases")
    done = excel(*words, "--failed-rows", str(out), rows=ROWS, expect=1)
    assert (done["created"], done["failed"], done["state"]) == ("2", "1", "done")
    assert "Name Too Long\tname\t1\trows 3\n" in excel.told
    found = list(openpyxl.load_workbook(out).active.values)
    assert found[0] == ("external_id", "name", "import_error")
    assert found[1][0] == "b"
    again = excel(*words, rows=[*ROWS[:2], ROWS[3]])
    assert (again["created"], again["updated"]) == ("0", "2")


def test_nobody_is_made_the_owner_of_a_case_by_chance(excel, ledger):
    """Without --owner and a column, wrong usage; a blank cell fails its row."""
    words = (*WANTED[:-2], "--create-new-cases")
    assert excel(*words, rows=ROWS, expect=2) == {}
    assert "say with --owner whom new cases belong to" in excel.told
    rows = (["external_id", "owner_name"], ["a", "nurse"], ["b", ""])
    done = excel(*words, rows=rows, expect=1)
    assert (done["created"], done["failed"]) == ("1", "1")
    assert "Missing Owner\t-\t1\trows 3\n" in excel.told
    done = excel(*words, "--owner", "nurse", rows=rows)
    assert (done["created"], done["updated"]) == ("1", "1")
    owners = {case.owner_id for case in cases_in(ledger)}
    assert len(owners) == 1
    assert "operator" not in owners
    assert excel(*WANTED[:-2], rows=ROWS[:2])["updated"] == "1"


@pytest.mark.parametrize(
    ("owner", "why"),
    [
        ("nobody", "there is no user, group or place 'nobody'"),
        ("operator", "there is no user, group or place 'operator'"),
        ("readers", "'readers' may not own cases"),
    ],
)
def test_an_owner_must_be_there_and_may_own(excel, ledger, owner, why):
    """A user, a group that shares cases, or a place whose type does."""
    main(["--database", ledger, "group", "create", "readers"])
    words = (*WANTED[:-1], owner, "--create-new-cases")
    excel(*words, rows=ROWS[:2], expect=1)
    assert why in excel.told


def test_warnings_stand_before_the_rows_that_failed(excel):
    """With column, count and rows; JSON has the same and more."""
    rows = (["external_id", "name", "born"], ["a", "A", "01/02/98"], ["b", "n" * 300])
    rows = (*rows, ["c", "C", "13/05/1998"])
    words = (*WANTED, "--create-new-cases", "--dry-run")
    excel(*words, rows=rows, expect=1)
    lines = excel.told.splitlines()
    [warned] = [line for line in lines if line.startswith("Warning: Text looks like")]
    assert warned.split("\t")[1:4] == ["born", "2", "rows 2, 4"]
    [failed] = [line for line in lines if line.startswith("Name Too Long")]
    assert lines.index(warned) < lines.index(failed)
    found = json.loads(excel(*words, "--json", rows=rows, expect=1))
    assert (found["state"], found["created"], found["failed"]) == ("done", 2, 1)
    assert found["warnings"][0]["rows"] == [[2, 2], [4, 4]]
    assert found["errors"][0]["title"] == "Name Too Long"


def test_a_column_is_taken_under_another_name(excel, ledger):
    """``--map``: headers that are no names of properties can be imported."""
    rows = (["Card No.", "Who?"], ["007", "Ada"])
    words = ("--case-type", "patient", "--owner", "nurse", "--create-new-cases")
    maps = ("--map", "Card No.=card", "--map", "Who?=name")
    search = ("--search-field", "external_id", "--search-column", "card")
    assert excel(*words, *maps, *search, rows=rows)["created"] == "1"
    [case] = cases_in(ledger)
    assert (case.case_name, case.external_id) == ("Ada", "007")
    excel(*words, "--map", "Card Nr.=card", *search, rows=rows, expect=1)
    assert 'There is no column "Card Nr." to rename.' in excel.told
    assert 'Did you mean "Card No."?' in excel.told
    excel(*words, "--map", "card", rows=rows, expect=2)
    excel(*words, *maps, "--map", "Who?=card", *search, rows=rows, expect=1)


def test_a_column_to_search_by_that_is_not_there_starts_no_import(excel, ledger):
    """It is said at once, and no job is left behind."""
    words = (*WANTED, "--search-column", "kard", "--create-new-cases")
    excel(*words, rows=(["card", "name"], ["1", "A"]), expect=1)
    assert 'no column named "kard" to search by' in excel.told
    store = open_store(ledger)
    with store.reading(DOMAIN) as reader:
        assert list_jobs(reader, JobFilter(), limit=1) == []
    store.close()


def test_a_dry_run_writes_nothing(excel):
    """The same counts each time."""
    for _ in range(2):
        done = excel(*WANTED, "--create-new-cases", "--dry-run", rows=ROWS, expect=1)
        assert (done["created"], done["dry run"]) == ("2", "nothing was written")


def test_what_cannot_be_imported_is_said(excel):
    """Exit code 1 and the text that HTTP has too; wrong usage is a 2."""
    excel(*WANTED, rows=[["a b"]], expect=1)
    assert "Please update the following: a b." in excel.told
    excel(*WANTED, rows=[["name"], ["x"]], expect=1)
    assert 'has no column named "external_id" to search by' in excel.told
    excel("--case-type", "t", "--search-field", "name", rows=[["name"]], expect=2)


def test_limits_are_those_of_the_server(excel, monkeypatch):
    """The same settings, and the same texts."""
    monkeypatch.setenv("CASELEDGER_IMPORT_ROWS", "2")
    excel(*WANTED, rows=ROWS, expect=1)
    text = "Error: Your spreadsheet has too many rows. A maximum of 2 is supported."
    assert text in excel.told
    monkeypatch.setenv("CASELEDGER_IMPORT_COLUMNS", "1")
    excel(*WANTED, rows=ROWS[:2], expect=1)
    assert "too many columns. A maximum of 1 is supported." in excel.told
    monkeypatch.setenv("CASELEDGER_IMPORT_FILE_SIZE", "1048576")
    rows = [["external_id"], ["x" * 1_048_576]]
    excel(*WANTED, rows=rows, expect=1)
    assert "Error: The file is larger than 1.04858 MB." in excel.told
    monkeypatch.setenv("CASELEDGER_IMPORT_ROWS", "0")
    excel(*WANTED, rows=ROWS, expect=2)
    assert "must be a whole number from 1 to 10000000" in excel.told


def test_the_file_of_an_import_is_dropped(excel, ledger, capfd, tmp_path):
    """``caseledger job forget``: once; what the import did stays."""
    words = (*WANTED, "--create-new-cases", "--failed-rows", str(tmp_path / "a.xlsx"))
    job_id = excel(*words, rows=ROWS, expect=1)["job"]
    for count in (1, 0):
        capfd.readouterr()
        assert main(["--database", ledger, "job", "forget", job_id]) == 0
        assert capfd.readouterr().out == f"{job_id} files dropped\t{count}\n"
    assert main(["--database", ledger, "verify", "--all"]) == 0
    assert main(["--database", ledger, "job", "forget", "nope"]) == 1
    assert "Job 'nope' not found" in capfd.readouterr().err
