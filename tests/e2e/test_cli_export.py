"""``caseledger export`` as an operator and a script use it."""

from __future__ import annotations

import io
import json
import os
import stat
import sys

import pytest
from openpyxl import load_workbook

from api.cli import main
from ledger.migrations import migrate
from ledger.store import open_store
from tests.kit import nursery
from tests.kit.build import a_create, a_domain, a_form, cases_of, submit

OTHER = "http://example.org/forms/other"


@pytest.fixture
def ledger(url):
    """Name a database with a domain of two cases and two forms."""
    store = open_store(url)
    migrate(store)
    a_domain(store)
    submit(store, a_form([a_create("c1", update={"p": "é"})], form_id="f1"))
    household = a_create("h1", create={"case_type": "household"}, close=True)
    submit(store, a_form([household], form_id="f2", xmlns=OTHER))
    store.close()
    return url


@pytest.fixture
def export(ledger, capfdbinary):
    """Return the command, which compares its exit code and returns its output."""

    def run(*words, expect=0):
        capfdbinary.readouterr()
        code = main(["--database", ledger, "export", *words])
        out, err = capfdbinary.readouterr()
        assert code == expect, err
        run.told = err.decode()
        return out

    return run


def test_lines_go_to_standard_output(export):
    """Nothing but the cases; the count is told on standard error."""
    out = export("cases", "--domain", "demo", "--format", "jsonl")
    cases = [json.loads(line) for line in out.splitlines()]
    assert [case["case_id"] for case in cases] == ["c1", "h1"]
    assert cases[0]["properties"] == {"p": "é"}
    assert export.told.endswith("2 cases exported\n")


def test_the_filters_reach_the_rows(export):
    """``--case-type`` for cases, ``--xmlns`` for forms."""
    out = export("cases", "--format", "csv", "--case-type", "household")
    assert [row.split(b",")[1] for row in out.splitlines()] == [b"case_id", b"h1"]
    out = export("forms", "--format", "csv", "--xmlns", OTHER)
    assert [row.split(b",")[0] for row in out.splitlines()] == [b"id", b"f2"]


def test_a_workbook_can_be_piped(export):
    """Standard output that is no terminal takes any format."""
    book = load_workbook(io.BytesIO(export("forms", "--format", "xlsx")))
    assert book.sheetnames == ["forms"]
    assert book.active.max_row == 3


def test_a_workbook_is_not_shown_on_a_terminal(export, monkeypatch):
    """Wrong usage, with what to do instead."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert export("cases", "--format", "xlsx", expect=2) == b""
    assert "-o FILE" in export.told


def test_a_file_appears_when_it_is_whole(export, tmp_path):
    """Readable by its owner alone; nothing else is left in the folder."""
    folder = tmp_path / "out"
    folder.mkdir()
    path = folder / "cases.csv"
    assert export("cases", "--format", "csv", "-o", str(path)) == b""
    assert list(folder.iterdir()) == [path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes() == export("cases", "--format", "csv")


@pytest.mark.parametrize("taken", ["cases.csv", "cases.csv.partial"])
def test_a_file_is_never_overwritten(export, tmp_path, taken):
    """Neither a finished one nor one that another export may be writing."""
    (tmp_path / taken).write_text("mine")
    file = str(tmp_path / "cases.csv")
    export("cases", "--format", "csv", "-o", file, expect=1)
    assert f"{taken}' is there already" in export.told
    assert export.told.count("\n") == 1
    assert (tmp_path / taken).read_text() == "mine"


def test_what_went_wrong_leaves_no_file(export, ledger, tmp_path):
    """One clear line, and a folder as it was."""
    store = open_store(ledger)
    submit(store, a_form([a_create("long", update={"p": "x" * 40_000})]))
    store.close()
    folder = tmp_path / "out"
    folder.mkdir()
    file = str(folder / "cases.xlsx")
    export("cases", "--format", "xlsx", "-o", file, expect=1)
    assert "Error: case long has a text" in export.told
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "words", [("cases",), ("cases", "--format", "pdf"), ("users",)]
)
def test_wrong_usage_is_told(export, words):
    """What and how must be said."""
    export(*words, expect=2)


@pytest.mark.parametrize("file_format", ["csv", "jsonl", "xlsx"])
def test_a_reader_that_has_seen_enough_ends_it_quietly(ledger, file_format, tmp_path):
    """``caseledger export … | head``: exit code 1 and not a word about a pipe."""
    reading, writing = os.pipe()
    os.close(reading)
    words = ("--database", ledger, "export", "cases", "--format", file_format)
    told = tmp_path / "told"
    with told.open("wb") as sink:
        process = nursery.start(
            nursery.CASELEDGER, *words, stdout=writing, stderr=sink.fileno()
        )
    os.close(writing)
    assert (process.wait(), told.read_bytes()) == (1, b"")


def test_the_ending_of_the_name_says_what_is_written(export, tmp_path):
    """rules/operator.md 3.12: a name that says otherwise than --format is refused."""
    for name in ("a.csv", "A.XLSX", "a.jsonl"):
        export("cases", "-o", str(tmp_path / name))
        assert (tmp_path / name).stat().st_size
    export("cases", "-o", str(tmp_path / "b.csv"), "--format", "xlsx", expect=2)
    export("cases", "-o", str(tmp_path / "b"), expect=2)
    export("cases", "-o", str(tmp_path / "b"), "--format", "csv")


def test_a_dash_is_standard_output(export, tmp_path, monkeypatch):
    """rules/operator.md 3.12: and no file of that name."""
    monkeypatch.chdir(tmp_path)
    out = export("cases", "--format", "jsonl", "-o", "-")
    assert len(out.splitlines()) == 2
    assert not (tmp_path / "-").exists()
    export("forms", "-o", "-", expect=2)


def test_a_mark_is_written_where_it_is_asked_for(export):
    """``--bom``: for spreadsheets, before a CSV file alone."""
    plain = export("cases", "--format", "csv")
    assert export("cases", "--format", "csv", "--bom") == "\ufeff".encode() + plain
    export("forms", "--format", "jsonl", "--bom", expect=2)


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_an_export_for_an_import_changes_nothing_when_it_comes_back(
    export, ledger, tmp_path, capfdbinary, ending
):
    """rules/operator.md 3.12a: ids, owners, indices and zeros stay."""
    store = open_store(ledger)
    about = {"case_name": "Bo", "owner_id": "somebody"}
    properties = {"card": "00123", "close": "yes", "external_id": "007", "p": "ü"}
    block = a_create("c2", create=about, update=properties, index={"parent": "h1"})
    assert submit(store, a_form([block])).kind == "normal"
    before = cases_of(store)
    store.close()
    file = tmp_path / f"cases.{ending}"
    words = ("--case-type", "patient", "--for-import")
    export("cases", *words, "-o", str(file))
    assert "no import takes properties of these names: close" in export.told
    order = ["--database", ledger, "import", "excel", str(file)]
    assert main([*order, "--case-type", "patient"]) == 0
    assert b"updated\t2\n" in capfdbinary.readouterr().out
    store = open_store(ledger)
    after = cases_of(store)
    store.close()
    assert {**after["c2"].properties} == {**before["c2"].properties}
    for case_id, case in before.items():
        same = after[case_id]
        assert (same.owner_id, same.external_id) == (case.owner_id, case.external_id)
        assert (same.case_name, same.indices) == (case.case_name, case.indices)


def test_an_import_takes_one_type_and_a_table(export):
    """``--for-import`` says what it needs."""
    export("cases", "--format", "csv", "--for-import", expect=2)
    words = ("--case-type", "patient", "--for-import")
    export("cases", "--format", "jsonl", *words, expect=2)
