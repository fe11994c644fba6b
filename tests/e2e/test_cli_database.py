"""Which database and which domain a command means (rules/operator.md 2.6, 2.7)."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from api.cli import main
from tests.e2e.test_cli import Program

READING = [
    ("domain", "list"),
    ("user", "list"),
    ("api-key", "list"),
    ("api-key", "revoke", "k"),
    ("submit", "--domain", "demo", __file__),
    ("job", "list"),
    ("case", "show", "c1"),
    ("export", "cases", "--format", "csv"),
    ("verify", "--all"),
    ("replay", "--all"),
    ("form", "check", "--domain", "demo", __file__),
]


@pytest.fixture
def run(tmp_path, capsys, monkeypatch):
    """Return the program in an empty folder; it gives back code, output, errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CASELEDGER_DATABASE", raising=False)

    def run(*words):
        capsys.readouterr()
        code = main(words)
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def two_domains(run):
    """Return the program on a database with the domains one and two."""
    for name in ("one", "two"):
        assert run("domain", "create", name)[0] == 0
    return run


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_a_command_that_reads_makes_no_database(run, tmp_path, words):
    """Rule 2.6: it says that there is none, and what to do; no file, no folder."""
    code, out, err = run(*words)
    assert (code, out) == (1, "")
    assert err.startswith("Error: there is no database at 'data/caseledger.db'")
    assert "caseledger migrate" in err
    assert list(tmp_path.iterdir()) == []


def test_the_first_domain_brings_its_database(run):
    """Rule 2.6: one command is enough to begin."""
    assert run("domain", "create", "demo") == (0, "demo\n", "")
    assert run("domain", "list")[1].startswith("demo\t")


def test_the_only_domain_need_not_be_named(run):
    """Rule 2.7: for every command, those that write too."""
    run("domain", "create", "demo")
    assert run("user", "create", "ann", "--password", "pw")[0] == 0
    assert run("api-key", "create", "ann")[0] == 0
    assert run("verify")[1].startswith("ok demo: ")
    assert run("replay")[1].startswith("demo: ")


def test_a_choice_of_domains_is_told(two_domains):
    """Rule 2.7: which there are; nothing is guessed."""
    for words in (("user", "list"), ("verify",), ("api-key", "create", "ann")):
        code, out, err = two_domains(*words)
        assert (code, out) == (2, "")
        assert "--domain is needed: there are 2 domains (one, two)" in err


def test_a_variable_names_the_domain(two_domains, monkeypatch):
    """Rule 2.7: the option wins over it, and --all is not disturbed by it."""
    monkeypatch.setenv("CASELEDGER_DOMAIN", "two")
    two_domains("group", "create", "nurses")
    assert "nurses" in two_domains("group", "list")[1]
    assert two_domains("group", "list", "--domain", "one")[1] == ""
    assert two_domains("verify")[1].startswith("ok two: ")
    assert len(two_domains("verify", "--all")[1].splitlines()) == 2
    assert two_domains("verify", "--all", "--domain", "one")[0] == 2
    monkeypatch.setenv("CASELEDGER_DOMAIN", "three")
    assert "there is no domain 'three'" in two_domains("group", "list")[2]


@pytest.mark.parametrize(
    "damage",
    ["DELETE FROM domains WHERE domain = 'demo'", "UPDATE domains SET settings = '['"],
    ids=["gone", "damaged"],
)
def test_a_head_that_is_lost_hides_no_other_domain(sqlite_url, capsys, damage):
    """Rule 3.9: each domain is proved by itself, and every finding has a line."""
    program = Program(sqlite_url, capsys)
    program("domain", "create", "demo")
    program("domain", "create", "other")
    where = "" if "DELETE" in damage else " WHERE domain = 'demo'"
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as database:
        database.execute("DROP TRIGGER domains_refuses_delete")
        database.execute(damage + where)
        database.commit()
    told = program("verify", "--all", expect=1)
    assert any(line.startswith("demo: position 0: the ") for line in told)
    assert any(line.startswith("ok other: ") for line in told)


@pytest.mark.parametrize(
    "words", [("replay",), ("replay", "--directory"), ("domain", "restate")]
)
def test_a_domain_that_is_damaged_holds_up_no_other(sqlite_url, capsys, words):
    """It is told by its name; alone, it is the error."""
    program = Program(sqlite_url, capsys)
    program("domain", "create", "demo")
    program("domain", "create", "other")
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as database:
        database.execute("UPDATE domains SET settings = '[' WHERE domain = 'demo'")
        database.commit()
    [line] = program(*words, "--all", expect=1)
    assert line.startswith("other: ")
    why = "the settings of the domain cannot be read"
    assert program.err == f"Error: demo: {why}\n"
    program(*words, "--domain", "demo", expect=1)
    assert program.err == f"Error: {why}\n"
