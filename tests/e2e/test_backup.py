"""Backup and restore as an operator uses them (rules/operator.md 3.13)."""

from __future__ import annotations

import io
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from api.cli import main
from tests.kit import nursery
from tests.kit.build import a_create, a_form

ROOT = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-m", "api.cli"]
MANY = 3 * 1024 * 1024


class Program:
    """``caseledger``, run inside the test's process on the database that is named."""

    def __init__(self, capsys) -> None:
        """Keep what the test lends."""
        self._capsys = capsys

    def __call__(self, url: str, *words: str, expect: int = 0) -> list[str]:
        """Run a command, compare its exit code, return the lines of its output."""
        self._capsys.readouterr()
        code = main(["--database", url, *words])
        self.out, self.err = self._capsys.readouterr()
        assert code == expect, self.err
        return self.out.splitlines()


@pytest.fixture
def program(capsys) -> Program:
    """Return the program."""
    return Program(capsys)


@pytest.fixture
def full(program, url, tmp_path) -> str:
    """Return a database with two domains, one of which has a form and a user."""
    program(url, "migrate")
    for domain in ("demo", "other"):
        program(url, "domain", "create", domain)
    form = tmp_path / "form.xml"
    form.write_bytes(a_form([a_create("c1")], form_id="f1"))
    program(url, "submit", str(form), "--domain", "demo")
    program(url, "user", "create", "ann", "--domain", "demo", "--password", "pw")
    return url


@pytest.fixture
def target(tmp_path) -> str:
    """Name a database in a folder that does not exist yet."""
    return f"sqlite:///{tmp_path}/new/copy.db"


def test_a_backup_is_restored_into_a_database_that_was_not_there(
    program, full, target, tmp_path
):
    """Both print a line for each domain; what was restored is proved and served."""
    file = tmp_path / "ledger.backup"
    told = program(full, "backup", str(file))
    proved = program(full, "verify", "--all")
    heads = [re.search(r"[0-9a-f]{64}", line)[0][:16] for line in proved]
    assert told == [
        f"ok demo: 3 entries; head {heads[0]}",
        f"ok other: 1 entries; head {heads[1]}",
    ]
    assert program(target, "restore", str(file)) == told
    assert program(target, "verify", "--all") == proved
    assert '"Idris"' in "\n".join(
        program(target, "case", "show", "c1", "--domain", "demo")
    )


def test_a_backup_is_for_its_owner_alone_and_replaces_nothing(program, full, tmp_path):
    """The file is as secret as the database, and an older one is never lost."""
    file = tmp_path / "ledger.backup"
    program(full, "backup", str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    program(full, "backup", str(file), expect=1)
    assert program.err == f"Error: the file '{file}' is there already\n"
    assert file.read_bytes() == before
    (tmp_path / "second.partial").touch()
    program(full, "backup", str(tmp_path / "second"), expect=1)
    assert "another command is writing it" in program.err
    assert not (tmp_path / "second").exists()


def test_a_backup_that_failed_leaves_no_file(program, empty_url, tmp_path):
    """What has its name is whole."""
    program(empty_url, "backup", str(tmp_path / "none"), expect=1)
    assert "caseledger migrate" in program.err
    program(empty_url, "migrate")
    program(empty_url, "backup", str(tmp_path / "no" / "folder"), expect=1)
    assert program.err.count("\n") == 1
    assert [
        path for path in tmp_path.rglob("*") if "caseledger.db" not in path.name
    ] == []


def test_a_ledger_goes_through_a_pipe(program, full, target, tmp_path, monkeypatch):
    """``-`` is standard output, and standard input."""
    done = subprocess.run(
        [*PROGRAM, "--database", full, "backup", "-"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    assert done.stderr.startswith(b"ok demo: 3 entries")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(done.stdout)))
    told = program(target, "restore", "-")
    assert told == done.stderr.decode().splitlines()


@pytest.mark.parametrize("damage", ["flip", "cut", "foreign", "newer", "missing"])
def test_a_bad_file_is_one_clear_line_and_changes_nothing(
    program, full, target, tmp_path, damage
):
    """Exit code 1; not even the database is made."""
    file = tmp_path / "ledger.backup"
    program(full, "backup", str(file))
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 255
    spoilt = {
        "flip": bytes(data),
        "cut": file.read_bytes()[:-1],
        "foreign": b"%PDF-1.7",
        "newer": file.read_bytes().replace(b"backup 1\n", b"backup 77\n", 1),
        "missing": b"",
    }
    file.write_bytes(spoilt[damage])
    if damage == "missing":
        file.unlink()
    program(target, "restore", str(file), expect=1)
    assert program.err.startswith("Error: ")
    assert str(file) in program.err
    assert program.err.count("\n") == 1
    assert not (tmp_path / "new").exists()


def test_a_database_in_use_is_refused(program, full, tmp_path):
    """A restore never mixes two ledgers."""
    file = tmp_path / "ledger.backup"
    program(full, "backup", str(file))
    before = program(full, "verify", "--all")
    program(full, "restore", str(file), expect=1)
    assert "already has domains (demo, other)" in program.err
    assert program(full, "verify", "--all") == before


def test_a_restore_that_was_killed_can_be_run_again(program, url, tmp_path):
    """A kill -9 in the middle: nothing is half there, and the next one takes it all."""
    source = f"sqlite:///{tmp_path}/source.db"
    program(source, "migrate")
    program(source, "domain", "create", "demo")
    forms = tmp_path / "forms"
    forms.mkdir()
    for number in range(6):
        inside = f"<noise>{os.urandom(MANY // 6).hex()}</noise>"
        form = a_form([a_create(f"c{number}")], form_id=f"f{number}", inside=inside)
        (forms / f"{number}.xml").write_bytes(form)
    program(source, "submit", str(forms), "--domain", "demo")
    file = tmp_path / "ledger.backup"
    told = program(source, "backup", str(file))
    data = file.read_bytes()
    assert len(data) > MANY
    taken, given = os.pipe()
    words = ("--database", url, "restore", "-")
    process = nursery.start(nursery.CASELEDGER, *words, stdin=taken)
    os.close(taken)
    with os.fdopen(given, "wb", buffering=0) as pipe:
        # The pipe holds little: when this returns, most of it has been taken in.
        pipe.write(data[: len(data) * 9 // 10])
        process.kill()
        assert process.wait() == -9
    assert program(url, "domain", "list") == []
    assert program(url, "restore", str(file)) == told
    assert program(url, "verify", "--all")
