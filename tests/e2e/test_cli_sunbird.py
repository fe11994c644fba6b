"""``caseledger import sunbird`` as an operator and a script use it."""

from __future__ import annotations

import openpyxl
import pytest

from api.cli import main
from ledger.directory.users import find_user
from ledger.migrations import migrate
from ledger.store import open_store
from tests.kit.build import DOMAIN, a_domain, cases_of
from tests.kit.directory import People
from tests.kit.spreadsheets import a_csv
from tests.kit.sunbird.uploads import PLACES, USERS

STATES = (PLACES, ["KA", "Karnataka"], ["", "Nameless"], ["KA", "Karnataka"])


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
def sunbird(ledger, capfd, tmp_path):
    """Return the command over these rows, which gives back what it printed."""

    def run(kind, *words, rows, expect=0):
        file = tmp_path / "rows.csv"
        file.write_bytes(a_csv(*rows))
        capfd.readouterr()
        order = ["--database", ledger, "import", "sunbird", kind, str(file)]
        code = main([*order, "--owner", "nurse", *words])
        out, err = capfd.readouterr()
        assert code == expect, err
        run.told = err
        return dict(line.split("\t") for line in out.splitlines())

    return run


def test_rows_become_cases_and_failed_ones_are_written(sunbird, ledger, tmp_path):
    """Exit code 1 when a row failed; the workbook can be mended and sent again."""
    out = tmp_path / "failed.xlsx"
    words = ("--type", "State", "--failed-rows", str(out))
    done = sunbird("location", *words, rows=STATES, expect=1)
    assert len(done.pop("process")) == 19
    assert done == {
        "state": "done",
        "rows": "3",
        "applied": "1",
        "unchanged": "1",
        "failed": "1",
    }
    assert "row 2\tMandatory parameter code is missing.\n" in sunbird.told
    found = list(openpyxl.load_workbook(out).active.values)
    assert found == [
        (*PLACES, "import_error"),
        (None, "Nameless", None, None, "Mandatory parameter code is missing."),
    ]
    store = open_store(ledger)
    [case] = cases_of(store, DOMAIN).values()
    with store.reading(DOMAIN) as reader:
        nurse = find_user(reader, "nurse")
    store.close()
    assert (case.case_type, case.external_id) == ("location", "KA")
    assert case.owner_id == nurse.user_id


def test_a_dry_run_writes_nothing(sunbird):
    """The same counts each time, and the same process never."""
    words = ("--type", "state", "--dry-run")
    seen = [sunbird("location", *words, rows=STATES, expect=1) for _ in range(2)]
    assert len({done.pop("process") for done in seen}) == 2
    assert seen[0] == seen[1]
    assert seen[0]["dry run"] == "nothing was written"
    assert seen[0]["applied"] == "1"


def test_when_no_row_fails_the_exit_code_is_0(sunbird):
    """Users and organisations are other words of the same command."""
    good = ["Asha", "teacher", "PUBLIC", "9876543210", ""]
    assert sunbird("user", rows=[USERS, good])["applied"] == "1"
    assert sunbird("user", rows=[USERS, good], expect=1)["failed"] == "1"


def test_what_cannot_be_imported_is_said(sunbird, monkeypatch):
    """Exit code 1 and the text that HTTP has too; wrong usage is a 2."""
    sunbird("location", rows=STATES, expect=1)
    assert "Mandatory parameter type is missing." in sunbird.told
    sunbird("organisation", rows=[["SCHOOL NAME"]], expect=1)
    assert "Mandatory parameter locationCode is missing." in sunbird.told
    sunbird("place", rows=STATES, expect=2)
    monkeypatch.setenv("CASELEDGER_SUNBIRD_FILE_LIMIT_MB", "1")
    sunbird("user", rows=[USERS, ["x" * 1_000_001]], expect=1)
    assert "Max allowed size is 1MB" in sunbird.told
    monkeypatch.setenv("CASELEDGER_SUNBIRD_PHONE_PATTERN", "(")
    sunbird("user", rows=[USERS], expect=2)
    assert "CASELEDGER_SUNBIRD_PHONE_PATTERN must be a regular expression" in (
        sunbird.told
    )


def test_a_workbook_that_is_there_stays_as_it_is(sunbird, tmp_path):
    """Nothing is imported then."""
    out = tmp_path / "failed.xlsx"
    out.write_bytes(b"mine")
    words = ("--type", "state", "--failed-rows", str(out))
    sunbird("location", *words, rows=STATES, expect=1)
    assert out.read_bytes() == b"mine"
    done = sunbird("location", "--type", "state", rows=STATES, expect=1)
    assert done["applied"] == "1"


def test_an_upload_needs_an_owner(ledger, capfd, tmp_path):
    """Nobody owns cases by chance; nothing is begun."""
    file = tmp_path / "rows.csv"
    file.write_bytes(a_csv(*STATES))
    order = ["--database", ledger, "import", "sunbird", "location", str(file)]
    assert main([*order, "--type", "state"]) == 2
    assert "say with --owner" in capfd.readouterr().err
