"""``caseledger import`` as an operator and a script use it."""

from __future__ import annotations

import openpyxl
import pytest

from api.cli import main
from ledger.migrations import migrate
from ledger.store import open_store
from tests.build import a_domain
from tests.importers.spreadsheets import a_csv


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
