"""What commands print: lines, tables and JSON (rules/operator.md 2.9)."""

from __future__ import annotations

import json
import sys

import click
import pytest

from api.cli.output import Column, Json, Lines, Table
from ledger.store import open_store
from tests.e2e.test_cli import Program
from tests.kit import build
from tests.kit.cli_page import commands

RECORDS = [{"id": "1", "open": True, "n": None}, {"id": "22", "open": False, "n": 3}]
COLUMNS = (Column("id", "id"), Column("open", "open", label="open: "), Column("n", "n"))
SILENT = {
    *("migrate", "serve", "demo", "checkpoint", "form xml", "error xml"),
    *("export cases", "export forms", "webhook retry", "job forget"),
    *("signing-key create", "signing-key show", "api-key revoke"),
}
"""Commands that print no data, or data that is a file."""
ACTS = {"create", "update", "delete", "add-user", "remove-user", "archive", "unarchive"}
"""Words of commands that change something, and print no more than its id."""


@pytest.fixture
def program(sqlite_url, capsys):
    """Return the program on a database with a domain, two cases and three forms."""
    program = Program(sqlite_url, capsys)
    program("domain", "create", build.DOMAIN)
    store = open_store(sqlite_url)
    for number in (1, 2):
        name = f"c{number}"
        about = {"case_name": name, "owner_id": f"u{number}"}
        block = build.a_create(name, create=about)
        build.submit(store, build.a_form([block], form_id=f"f{number}"))
    child = build.a_create("c3", index={"parent": "nobody"})
    build.submit(store, build.a_form([child], form_id="f3"))
    store.close()
    return program


def test_lines_have_tabs_and_labels_but_no_header(capsys):
    """Scripts split them; what is not there is a dash."""
    Lines().rows(RECORDS, COLUMNS)
    assert capsys.readouterr().out == "1\topen: yes\t-\n22\topen: no\t3\n"


def test_a_table_has_a_header_and_even_columns(capsys):
    """People read it; of nothing there is no table."""
    Table().rows(RECORDS, COLUMNS)
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["id", "open", "n"],
        ["----", "------", "---"],
        ["1", "yes", "-"],
        ["22", "no", "3"],
    ]
    Table().rows([], COLUMNS)
    assert capsys.readouterr().out == ""


def test_json_has_every_key(capsys):
    """A list is an object a line, one thing a document."""
    Json().rows(RECORDS, COLUMNS[:1])
    assert list(map(json.loads, capsys.readouterr().out.splitlines())) == RECORDS
    Json().document({"a": 1}, ["unseen"])
    assert json.loads(capsys.readouterr().out) == {"a": 1}


def test_a_terminal_gets_a_table(program, monkeypatch):
    """And everybody else the lines that scripts know."""
    assert program("domain", "list")[0].startswith(f"{build.DOMAIN}\t")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert program("domain", "list")[0].split() == ["domain", "entries", "created"]


def test_every_command_that_prints_data_can_print_json():
    """Whatever is listed, shown or summed up."""
    told = {name for name in commands() if name not in SILENT}
    told = {name for name in told if name.split()[-1] not in ACTS}
    lacking = {
        name
        for name in told
        if not any("--json" in p.opts for p in commands()[name].command.params)
    }
    assert lacking == set()


def test_cases_are_listed_by_the_filters_of_the_api(program):
    """Options for the common ones, --filter for all, and a limit."""
    assert [line.split("\t")[0] for line in program("case", "list")] == ["c1", "c2"]
    assert len(program("case", "list", "--limit", "1")) == 1
    [line] = program("case", "list", "--owner", "u2", "--json")
    assert json.loads(line)["case_id"] == "c2"
    [line] = program("case", "list", "--filter", "case_name=c1")
    assert line.startswith("c1\t")
    assert program("case", "list", "--query", "owner_id = 'u9'") == []
    program("case", "list", "--filter", "colour=red", expect=1)
    assert "colour" in program.err
    program("case", "list", "--filter", "limit=3", expect=2)
    program("case", "list", "--filter", "closed", expect=2)


def test_forms_are_listed_newest_first(program):
    """By state, kind, user and time."""
    told = [line.split("\t")[:2] for line in program("form", "list")]
    assert told == [["f3", "error"], ["f2", "normal"], ["f1", "normal"]]
    [line] = program("form", "list", "--state", "error", "--json")
    assert json.loads(line)["problem"].startswith("InvalidCaseIndex")
    assert len(program("form", "list", "--limit", "2")) == 2
    assert program("form", "list", "--from", "2999-01-01") == []
    assert program("form", "list", "--xmlns", "urn:none") == []


@pytest.mark.parametrize(
    "words",
    [
        ("case", "history", "c1"),
        ("case", "why", "c1", "case_name"),
        ("case", "diff", "c1", "--from", "2020-01-01"),
        ("undo", "--form", "f1", "--dry-run"),
        ("domain", "settings", build.DOMAIN),
        ("error", "show", "f3"),
        ("verify", "--all"),
        ("form", "archive", "f1"),
        ("case", "delete", "c2"),
    ],
    ids=" ".join,
)
def test_what_is_told_of_one_thing_is_json_too(program, words):
    """One document, or an object a line."""
    told = program(*words, "--json")
    assert isinstance(json.loads("\n".join(told)), dict)


def test_a_group_of_commands_has_no_output_of_its_own():
    """``commands`` names what can be typed."""
    assert all(not isinstance(c.command, click.Group) for c in commands().values())
