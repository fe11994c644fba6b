"""Who reads from a pipe as slowly as he likes holds nothing open in the database."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from contextlib import closing

import pytest

from ledger.storage.write_ahead import shorten
from ledger.store import open_store
from tests.kit import build

PIPE = 65_536
"""Bytes that a pipe takes before its writer must wait."""
COMMANDS = {
    "cases": ("export", "cases", "--format", "jsonl"),
    "forms": ("export", "forms", "--format", "jsonl"),
    "csv": ("export", "cases", "--format", "csv"),
    "list": ("case", "list", "--json"),
    "backup": ("backup", "-"),
}


@pytest.fixture
def store(sqlite_url):
    """Open a ledger of which each command says more than a pipe takes."""
    with closing(open_store(sqlite_url)) as opened:
        build.a_domain(opened)
        said = {"text": "many words, " * 500}
        for number in range(30):
            block = build.a_create(f"c{number}", update=said)
            photo = build.a_file(content=random.Random(number).randbytes(8192))
            build.submit(opened, build.a_form([block]), attachments=[photo])
        yield opened


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_a_pipe_that_nobody_reads_holds_up_no_checkpoint(store, words):
    """The command waits for its reader; the write-ahead log is cut off meanwhile."""
    program = [sys.executable, "-m", "api.cli", "--database", store.url, *words]
    with subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as run:
        first = run.stdout.read(1)
        build.submit(store, build.a_form([build.a_create("late")]))
        while not shorten(store.connection):
            assert run.poll() is None
            time.sleep(0.05)
        assert run.poll() is None, "it waits for its reader"
        told = first + run.stdout.read()
    assert run.returncode == 0
    assert len(told) > PIPE
