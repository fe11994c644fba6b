"""What the program imports before it is known what is to be done."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from pathlib import Path

from api.cli import caseledger, main
from api.cli.declared import Command
from tests.kit import build
from tests.kit.cli_page import commands

ROOT = Path(__file__).parents[2]
HEAVY = (
    *("aiohttp", "alembic", "argon2", "asyncio", "charset_normalizer", "cryptography"),
    *("jinja2", "limits", "lxml", "multipart", "openpyxl", "prometheus_client"),
    *("psycopg", "python_calamine", "sqlalchemy", "standardwebhooks", "structlog"),
    *("tabulate", "xlsxwriter", "xmlschema", "yarl"),
)
"""Packages that do work; ``asyncio`` is the largest of the standard library."""
LOADED = """\
import contextlib, io, json, sys
from api.cli import main

lines, heavy = json.load(sys.stdin)
told = {}
for words in lines:
    with contextlib.redirect_stdout(io.StringIO()):
        with contextlib.redirect_stderr(io.StringIO()):
            code = main(words)
    told[" ".join(words)] = [code, [name for name in heavy if name in sys.modules]]
print(json.dumps(told))
"""


def loaded(lines, heavy=HEAVY):
    """Return the exit codes of lines, and what a fresh interpreter had imported then.

    One runs all lines, so a line is told of the packages of those before it too.
    """
    done = subprocess.run(
        [sys.executable, "-c", LOADED],
        input=json.dumps([lines, heavy]),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_help_and_wrong_usage_import_nothing_that_does_work():
    """rules/libraries.md 7.4: all that is known of a command is told at once."""
    helps = [[*name.split(), "--help"] for name in commands()]
    groups = [[name, "--help"] for name in caseledger.list_commands(None)]
    wrong = [[*name.split(), "--nonsense"] for name in commands()]
    right = [["--version"], ["--help"], *groups, *helps]
    told = loaded([*right, *wrong, ["nonsense"]])
    assert {line: names for line, (_, names) in told.items() if names} == {}
    assert {told[" ".join(words)][0] for words in right} == {0}
    assert {told[" ".join(words)][0] for words in wrong} == {2}


def test_commands_of_a_file_import_no_server_and_no_spreadsheet(sqlite_url):
    """A command that asks SQLite pays for SQLAlchemy, which is there for that."""
    start = ["--database", sqlite_url]
    assert main([*start, "domain", "create", "demo"]) == 0
    lines = [["domain", "list"], ["case", "list"], ["job", "list"], ["webhook", "list"]]
    trial = ["undo", "--form", "nonsense", "--dry-run"]
    told = loaded([[*start, *line] for line in (*lines, trial)])
    assert [code for code, _ in told.values()] == [0, 0, 0, 0, 1]
    served = {"aiohttp", "openpyxl", "psycopg", "python_calamine", "xlsxwriter"}
    assert {line: served & set(names) for line, (_, names) in told.items()} == {
        line: set() for line in told
    }


def test_a_form_is_checked_by_itself_without_the_code_of_a_database(tmp_path):
    """What only an option needs, or an explanation, is imported when it is needed."""
    form = tmp_path / "form.xml"
    form.write_bytes(build.a_form(build.a_create()))
    [(code, names)] = loaded([["form", "check", str(form)]]).values()
    assert code == 0
    assert names == ["lxml"]


def test_what_is_declared_of_a_command_is_what_its_work_takes():
    """The two halves of a command fit; click finds nothing of that by itself."""
    for name, ctx in commands().items():
        command = ctx.command
        assert isinstance(command, Command), name
        given = {param.name: None for param in command.params if param.expose_value}
        inspect.signature(command.work()).bind(object(), **given)
