"""A server and a database that takes no writes (``rules/operator.md`` 4.3)."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from api.cli import main
from api.cli.commands.server import serve
from ledger.store import open_store
from tests.kit.outages import read_only_server

_NOBODY = 65534


@pytest.fixture
def folder():
    """Lend a folder that others may look into."""
    made = Path(tempfile.mkdtemp(prefix="caseledger-read-only-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@contextmanager
def as_somebody():
    """Be somebody who owns nothing: root may write to whatever is read-only."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("of_folder", [0o755, 0o555])
def test_a_server_does_not_start_on_a_file_it_may_only_read(
    folder, prepared_file, capsys, of_folder
):
    """It says why, in one line; nothing is served, and nothing is altered."""
    file = folder / "caseledger.db"
    shutil.copyfile(prepared_file, file)
    before = file.read_bytes()
    file.chmod(0o444)
    folder.chmod(of_folder)
    assert serve.work()  # imported before we are nobody
    with as_somebody():
        code = main(["--database", f"sqlite:///{file}", "serve", "--port", "0"])
    folder.chmod(0o755)
    out, err = capsys.readouterr()
    assert (code, out) == (1, "")
    [line] = err.splitlines()
    assert line.startswith("Error: ")
    assert "read-only" in line or "readonly" in line or "cannot open" in line
    assert file.read_bytes() == before


def test_a_server_does_not_start_on_a_standby(postgresql_url, capsys):
    """A PostgreSQL that refuses to write is told alike."""
    store = open_store(postgresql_url)
    with read_only_server(store):
        code = main(["--database", postgresql_url, "serve", "--port", "0"])
    store.close()
    _, err = capsys.readouterr()
    assert code == 1
    assert err.startswith("Error: the database is read-only: ")
