"""Ctrl-C while the command line sees a job through (rules/operator.md 3.15)."""

from __future__ import annotations

import os
import re
import signal
import time

import pytest

from ledger.jobs.queue import get_job, list_jobs
from ledger.jobs.values import JobFilter, JobState
from ledger.store import open_store
from tests.e2e.test_cli import Program, forked, serving
from tests.kit import build
from tests.kit.spreadsheets import a_csv

ROWS = 6000
WANTED = (
    *("--case-type", "patient", "--search-field", "external_id"),
    *("--owner", "nurses"),
)


@pytest.fixture
def program(sqlite_url, capsys):
    """Return the program on a database with a domain."""
    program = Program(sqlite_url, capsys)
    program("domain", "create", build.DOMAIN)
    program("group", "create", "nurses", "--case-sharing")
    return program


@pytest.fixture
def store(program):
    """Open the database of the program."""
    store = open_store(program.url)
    yield store
    store.close()


@pytest.fixture
def importing(program, store, tmp_path):
    """Return an import that is under way, the file of its errors, and its job."""
    file, told = tmp_path / "many.csv", tmp_path / "told.txt"
    rows = ([str(n), f"name {n}", "u"] for n in range(ROWS))
    file.write_bytes(a_csv(["external_id", "name", "note"], *rows))
    words = ["import", "excel", str(file), *WANTED, "--create-new-cases"]
    environ = os.environ | {"CASELEDGER_DATABASE": program.url}
    with told.open("wb") as errors:
        process = forked(words, environ, stderr=errors.fileno())
        while not (job := the_job(store)) or not job.progress:
            assert process.poll() is None, told.read_text()
            time.sleep(0.02)
        yield process, told, job
        process.kill()
        process.wait()


def the_job(store):
    """Return the one job there is, if it is there already."""
    with store.reading(build.DOMAIN) as reader:
        return next(iter(list_jobs(reader, JobFilter(), limit=1)), None)


def test_ctrl_c_leaves_a_job_that_somebody_may_go_on_with(importing, store, program):
    """One line, exit code 130; no server takes it up, a retry ends it well."""
    process, told, job = importing
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    found = get_job(store.connection, job.key)
    assert (found.state, found.lease) == (JobState.INTERRUPTED, None)
    done = found.progress["done"]
    assert 0 < done < ROWS
    [line] = told.read_text().splitlines()
    assert re.fullmatch(rf"Error: job {job.job_id} is interrupted, {done} of .*", line)
    assert f"caseledger job retry {job.job_id} --domain {build.DOMAIN}" in line
    assert f"caseledger undo --job {job.job_id} --domain {build.DOMAIN}" in line
    with serving(program.url):
        time.sleep(1.5)
    assert get_job(store.connection, job.key) == found
    program("job", "retry", job.job_id)
    report = get_job(store.connection, job.key).progress["report"]
    assert (report["created"], report["updated"], report["failed"]) == (ROWS, 0, 0)


def test_a_second_ctrl_c_ends_the_command_at_once(importing, store):
    """The job ends all the same, when whoever has its lease has lost it."""
    process, told, job = importing
    process.send_signal(signal.SIGINT)
    while not get_job(store.connection, job.key).cancel_asked:
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    assert "Traceback" not in told.read_text()
    found = get_job(store.connection, job.key)
    assert found.has_ended or found.cancel_asked
