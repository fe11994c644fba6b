"""``caseledger import haplo`` as an operator and a script use it."""

from __future__ import annotations

import json

import openpyxl
import pytest

from api.cli import main
from ledger.directory.domains import list_domains
from ledger.migrations import migrate
from ledger.store import open_store
from tests.kit.build import a_domain
from tests.kit.directory import People
from tests.kit.haplo.client import PEOPLE, a_control

PASSWORD = ("--password", "correct horse")
TWO = {"people": {"read": "tsv-with-name-row"}, "b.tsv": {"read": "tsv-with-name-row"}}


@pytest.fixture
def haplo(url, capfd, tmp_path, monkeypatch):
    """Return the command in a folder of its own, which gives back what it printed."""
    store = open_store(url)
    migrate(store)
    a_domain(store)
    assert len(list_domains(store.connection)) == 1
    People(store).user("nurse")
    store.close()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "control.json").write_bytes(a_control(files=TWO))
    (tmp_path / "people.tsv").write_bytes(PEOPLE)
    (tmp_path / "b.tsv").write_bytes(b"ref\tname\nb1\tBea\nb2\t\n")

    def run(*words, expect=0):
        capfd.readouterr()
        wanted = ["--database", url, "import", "haplo", "--control", "control.json"]
        code = main([*wanted, "--owner", "nurse", *words])
        out, err = capfd.readouterr()
        assert code == expect, err
        run.told = err
        return dict(line.split("\t") for line in out.splitlines())

    return run


def test_records_become_cases(haplo):
    """The name of a file is that of the control file, or what is before its ending."""
    done = haplo("people.tsv")
    assert (done["state"], done["records"], done["applied"]) == ("complete", "2", "2")
    assert done["errors"] == "0"


def test_records_that_fail_are_told_and_written(haplo, tmp_path):
    """Exit code 1, the log on standard error, and a workbook of what was said."""
    out = tmp_path / "out.xlsx"
    done = haplo("people.tsv", "b.tsv", "--failed-rows", str(out), expect=1)
    assert (done["applied"], done["aborted"]) == ("3", "1")
    assert " (record 3)\n" in haplo.told
    head, *rows = openpyxl.load_workbook(out).active.values
    assert head == ("record", "file", "row", "outcome", "messages")
    assert [row[:2] for row in rows] == [(3, "b.tsv")]
    assert rows[0][3] == "aborted"
    assert rows[0][4]


def test_a_dry_run_writes_nothing(haplo):
    """The same counts each time."""
    for _ in range(2):
        done = haplo("people.tsv", "--dry-run")
        assert (done["state"], done["applied"]) == ("dry-run", "2")
        assert done["dry run"] == "nothing was written"


def test_a_file_can_be_named(haplo, tmp_path):
    """``NAME=FILE``; a file whose own name has the sign is found as well."""
    (tmp_path / "people=1").write_bytes(PEOPLE)
    assert haplo("people=people=1")["applied"] == "2"
    haplo("people=1", expect=1)
    assert "Could not find file specification" in haplo.told


def test_what_cannot_be_imported_is_said(haplo, tmp_path):
    """Exit code 1 for what the files say; wrong usage is a 2."""
    haplo("people.tsv", "people=b.tsv", expect=1)
    assert "Duplicate file names: people" in haplo.told
    haplo("nothing.tsv", expect=2)
    haplo("people=nothing.tsv", expect=2)
    haplo(expect=2)
    (tmp_path / "control.json").write_text("{}")
    haplo("people.tsv", expect=1)
    assert "Invalid control file: Not a control file" in haplo.told
    (tmp_path / "control.json").write_text("{")
    haplo("people.tsv", expect=1)
    assert "Uploaded file is not JSON" in haplo.told


def test_a_key_can_be_made_for_some_paths(haplo, url, capfd):
    """operator: ``api-key create --scope``; the list shows for what a key is."""

    def run(*words, expect=0):
        capfd.readouterr()
        assert main(["--database", url, *words]) == expect
        return "".join(capfd.readouterr())

    run("user", "create", "ann", "--domain", "demo", "--role", "editor", *PASSWORD)
    create = ("api-key", "create", "ann", "--domain", "demo", "--scope")
    run(*create, "/api/haplo-data-import-batch/")
    listed = run("api-key", "list", "--domain", "demo")
    assert "\tfull for /api/haplo-data-import-batch/\t" in listed
    for scope in ("api/case", "", "=x", "/a b", "/é"):
        told = run(*create, scope, expect=1)
        assert "The scope of a key is a path that begins with a slash" in told


def test_a_batch_needs_an_owner_unless_its_records_name_one(haplo, url, tmp_path):
    """Nobody owns cases by chance; an instruction for owners is enough."""
    wanted = ["--database", url, "import", "haplo", "--control", "control.json"]
    assert main([*wanted, "people.tsv", "--dry-run"]) == 2
    step = {"source": "owner", "destination": "object", "name": "owner_id"}
    control = json.loads((tmp_path / "control.json").read_text())
    control["instructions"].append(step)
    (tmp_path / "control.json").write_text(json.dumps(control))
    assert main([*wanted, "people.tsv", "--dry-run"]) == 0
