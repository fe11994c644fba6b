"""``caseledger job``, ``undo`` and ``error``; a server that stops gives jobs back."""

from __future__ import annotations

import json
import signal
import time

import pytest

from importers.jobs.undo import enqueue_undo
from importers.jobs.values import UndoRequest
from ledger.clock import now_micros
from ledger.entry import Author
from ledger.jobs.queue import get_job
from ledger.jobs.values import JobState
from ledger.store import open_store
from tests.e2e.test_cli import Program, serving
from tests.kit import build

FORMS = 1000


@pytest.fixture
def program(url, capsys):
    """Return the program on a database with a domain and two forms, one in error."""
    program = Program(url, capsys)
    program("migrate")
    program("domain", "create", build.DOMAIN)
    store = open_store(url)
    build.submit(store, build.a_form([build.a_create("c1")], form_id="f1"))
    child = build.a_create("c2", index={"parent": "later"})
    build.submit(store, build.a_form([child], form_id="f2"))
    store.close()
    return program


def values(lines):
    """Return the table that an undo prints."""
    return dict(line.split("\t") for line in lines)


def test_undo_is_done_without_a_server(program):
    """The command works the job off itself; another undo brings everything back."""
    told = program("undo", "--form", "f1", "--dry-run")
    assert "cases deleted\t1" in told
    assert "c1 deleted" in told
    done = values(program("undo", "--form", "f1", "--reason", "typo"))
    assert (done["state"], done["archived"]) == ("done", "1")
    assert json.loads("\n".join(program("case", "show", "c1")))["deleted"]
    again = values(program("undo", "--job", done["job"]))
    assert again["unarchived"] == "1"
    assert "deleted" not in json.loads("\n".join(program("case", "show", "c1")))
    assert program("verify", "--all")[0].startswith("ok")


def test_a_user_is_undone_in_a_time_span(program):
    """What the undo skips is told with its reason."""
    span = ("--from", "2020-01-01", "--to", "2999-01-01")
    program("form", "archive", "f1")
    done = values(program("undo", "--user", build.USER, *span))
    assert done["skipped"] == "1"
    assert done["skipped f1"] == "its state is archived already"


def test_jobs_are_listed_shown_run_cancelled_and_retried(program, url):
    """Each command prints what a script can use."""
    store = open_store(url)
    with store.writing(build.DOMAIN) as writer:
        wish = UndoRequest(form_id="f1")
        job = enqueue_undo(writer, wish, author=Author(), clock=now_micros)
    store.close()
    [line] = program("job", "list", "--kind", "undo", "--state", "queued")
    assert line.split("\t")[:4] == [job.job_id, "undo", "queued", "0/?"]
    assert program("job", "cancel", job.job_id) == [f"{job.job_id} cancelled"]
    shown = json.loads("\n".join(program("job", "show", job.job_id)))
    assert shown["state"] == "cancelled"
    program("job", "run", job.job_id, expect=1)
    assert "the job cancelled" in program.err
    retried = json.loads("\n".join(program("job", "retry", job.job_id)))
    assert (retried["state"], retried["result"]["changed"]) == ("done", {"archived": 1})
    program("job", "run", job.job_id)
    program("job", "retry", job.job_id, expect=1)
    assert "is done; nothing to retry" in program.err
    program("job", "show", "nope", expect=1)
    assert program.err == "Error: Job 'nope' not found\n"


def test_forms_in_error_are_listed_shown_and_tried_again(program, url):
    """One by one, or all of a kind."""
    [line] = program("error", "list", "--problem", "InvalidCaseIndex")
    assert line.startswith("f2\terror\t")
    assert program("error", "list", "--state", "submission_error") == []
    assert json.loads("\n".join(program("error", "show", "f2")))["state"] == "error"
    assert "<data" in "\n".join(program("error", "xml", "f2"))
    program("error", "show", "f1", expect=1)
    assert "is not in error: its state is normal" in program.err
    assert program("error", "reprocess", "f2", expect=1) == ["f2\terror"]
    store = open_store(url)
    build.submit(store, build.a_form([build.a_create("later")]))
    store.close()
    done = json.loads("\n".join(program("error", "reprocess", "--all")))
    assert done["result"]["changed"] == {"reprocessed": 1}
    assert program("error", "list") == []
    program("error", "reprocess", "f2")
    program("error", "reprocess", "nope", expect=1)


@pytest.mark.parametrize(
    "words",
    [
        ["undo"],
        ["undo", "--form", "f", "--job", "j"],
        ["undo", "--user", "u"],
        ["undo", "--user", "u", "--from", "2020-01-01"],
        ["undo", "--form", "f", "--from", "2020-01-01", "--to", "2021-01-01"],
        ["undo", "--user", "u", "--from", "2021-01-01", "--to", "2020-01-01"],
        ["error", "reprocess"],
        ["error", "reprocess", "f", "--all"],
        ["error", "list", "--state", "normal"],
        ["job", "list", "--state", "asleep"],
    ],
)
def test_wrong_usage_is_exit_code_2(program, words):
    """Nothing is guessed."""
    program(*words, expect=2)


def test_a_server_that_stops_gives_its_job_back(sqlite_url, capsys):
    """SIGTERM stops between chunks with exit 0; the next server goes on at once."""
    program = Program(sqlite_url, capsys)
    program("migrate")
    program("domain", "create", build.DOMAIN)
    store = open_store(sqlite_url)
    bodies = [
        build.a_form([build.an_update(f"c{n % 10}", p=str(n))], form_id=f"f{n}")
        for n in range(FORMS)
    ]
    for n in range(0, FORMS, 500):
        build.write(store, *map(build.a_submission, bodies[n : n + 500]))
    wish = UndoRequest(user=build.USER, since=0, until=2 * now_micros())
    with store.writing(build.DOMAIN) as writer:
        job = enqueue_undo(writer, wish, author=Author(), clock=now_micros)

    def now():
        return get_job(store.connection, job.key)

    with serving(sqlite_url) as (process, _):
        while not now().progress:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    left = now()
    assert (left.state, left.lease, left.attempts) == (JobState.QUEUED, None, 0)
    assert 0 < left.progress["done"] < FORMS
    with serving(sqlite_url):
        while not now().has_ended:
            time.sleep(0.05)
    assert now().result["changed"] == {"archived": FORMS}
    store.close()
    assert program("verify", "--all")[0].startswith("ok")
