"""``caseledger import`` as an operator and a script use it."""

from __future__ import annotations

import openpyxl
import pytest

from api.cli import main
from ledger.migrations import migrate
from ledger.store import open_store
from tests.kit.build import a_domain
from tests.kit.spreadsheets import a_csv


@pytest.fixture
def ledger(url):
    """Name a database with an empty domain."""
    store = open_store(url)
    migrate(store)
    a_domain(store)
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
        return dict(line.split("\t") for line in out.splitlines())

    return run


ROWS = (["external_id", "name"], ["a", "Ada"], ["b", "n" * 300], ["c", "Cy"])
WANTED = ("--case-type", "patient", "--search-field", "external_id")


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
