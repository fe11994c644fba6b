"""A server that is killed in the middle of an import, again and again.

``CASELEDGER_TEST_ROWS`` says how many rows; the usual number keeps the test short.
"""

from __future__ import annotations

import os
import random
import time
import urllib.request
from collections import Counter
from urllib.error import HTTPError

import orjson
import pytest
from sqlalchemy import update

from api.cli import main
from api.cli.database import OPERATOR
from ledger import log
from ledger.directory.api_keys import create_key
from ledger.directory.users import create_user
from ledger.entry import Kind
from ledger.forms.form_xml import parse_form
from ledger.jobs import queue as jobs
from ledger.jobs.values import JobFilter, JobState
from ledger.storage.connection import Statement
from ledger.tables import jobs as job_table
from tests.e2e.test_cli import serving
from tests.kit import build
from tests.kit.spreadsheets import an_xlsx

ROWS = int(os.environ.get("CASELEDGER_TEST_ROWS", "2500"))
KILLS = 5
_LEASE_RUN_OUT = Statement(
    update(job_table).where(job_table.c.ready_on.is_not(None)).values(ready_on=0)
)


@pytest.fixture(autouse=True)
def _its_own_folder(tmp_path, monkeypatch):
    """Have files of a killed server stand where they are removed."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))


@pytest.fixture
def credentials(store):
    """Make a domain and somebody who may import."""
    build.a_domain(store)
    with store.writing(build.DOMAIN) as writer:
        user = create_user(
            writer, "ed@example.org", role="editor", password=None, author=OPERATOR
        )
        _, secret = create_key(writer, user, name="", read_only=False, author=OPERATOR)
    return {"Authorization": f"ApiKey ed@example.org:{secret}"}


def test_kill_9_of_the_server_in_the_middle_of_an_import(
    store, url, credentials, record_property
):
    """Five times at a random moment; then it completes, each row applied once."""
    with serving(url) as (server, base):
        status_url = uploaded(base, credentials, a_book())
        stands = [kill(store, server, when=moved(store))]
    assert the_job(store).state is JobState.RUNNING
    for attempt in range(1, KILLS):
        with serving(url) as (server, _):
            # Jobs that get nowhere five times are given up, and that is right.
            when = moved(store) if attempt % 2 else at_once
            stands.append(kill(store, server, when=when))
    record_property("rows done at each kill", stands)
    assert stands == sorted(stands)
    assert 0 < stands[0] < ROWS
    with serving(url) as (_, base):
        path = status_url.partition("/a/")[2]
        status = completed(f"{base}/a/{path}", credentials)
    assert (status["state"], the_job(store).problem) == (2, None)
    result = status["result"]
    assert (result["created_count"], result["row_count"]) == (ROWS, ROWS)
    assert len(result["form_ids"]) == result["num_chunks"]
    assert_each_row_was_applied_once(store, result["form_ids"])
    store.close()
    assert main(["--database", url, "verify", "--all"]) == 0


def assert_each_row_was_applied_once(store, form_ids):
    """Every form of the import is in the log once, and every case in one form."""
    with store.snapshot(build.DOMAIN) as reader:
        found = [
            (entry, parse_form(body))
            for entry, body in log.entries_after(reader, 0, limit=999_999)
            if entry.kind is not Kind.DIRECTORY
        ]
    assert [entry.form_id for entry, _ in found] == form_ids
    assert {entry.kind for entry, _ in found} == {Kind.NORMAL}
    touched = Counter(block.case_id for _, form in found for block in form.blocks)
    cases = build.cases_of(store)
    assert (len(cases), set(touched.values())) == (ROWS, {1})
    assert touched.keys() == cases.keys()
    numbers = sorted(int(case.properties["n"]) for case in cases.values())
    assert numbers == list(range(ROWS))


def a_book():
    """Return a workbook, which a process of its own reads for the server."""
    rows = [["", f"Name {n}", n] for n in range(ROWS)]
    return an_xlsx(Sheet1=[["case_id", "name", "n"], *rows])


def uploaded(base, credentials, content):
    """Send a workbook and return the address of its status."""
    edge = b"frontier"
    fields = {b"case_type": b"patient", b"create_new_cases": b"on"}
    parts = [
        b'--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
        % (edge, *one)
        for one in fields.items()
    ]
    parts.append(
        b'--%s\r\nContent-Disposition: form-data; name="file"; filename="a.xlsx"'
        b"\r\n\r\n%s\r\n--%s--\r\n" % (edge, content, edge)
    )
    headers = {**credentials, "Content-Type": "multipart/form-data; boundary=frontier"}
    address = f"{base}/a/{build.DOMAIN}/importer/excel/bulk_upload_api/"
    request = urllib.request.Request(address, b"".join(parts), headers)  # noqa: S310
    return asked(request)["status_url"]


def asked(request):
    """Return the JSON that a request is answered with."""
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - loopback
            return orjson.loads(answer.read())
    except HTTPError as error:
        raise AssertionError(error.read()) from None


def completed(address, credentials):
    """Return the status of an import when it has ended."""
    deadline = time.monotonic() + 300
    while True:
        request = urllib.request.Request(address, headers=credentials)  # noqa: S310
        status = asked(request)
        if status["state"] in {2, 3}:
            return status
        assert time.monotonic() < deadline, status
        time.sleep(0.1)


def the_job(store):
    """Return the job of the import."""
    with store.reading(build.DOMAIN) as reader:
        [job] = jobs.list_jobs(reader, JobFilter(), limit=2)
    return job


def moved(store):
    """Return what tells whether the import has got further, or is through."""
    before = jobs_done(store)

    def is_further():
        return jobs_done(store) > before or the_job(store).state is JobState.DONE

    return is_further


def jobs_done(store):
    with store.reading(build.DOMAIN) as reader:
        found = jobs.list_jobs(reader, JobFilter(), limit=1)
    return found[0].progress.get("done", 0) if found else 0


def at_once():
    return True


def kill(store, server, *, when):
    """Kill a server a random while after something; return how many rows are done.

    Its lease runs out then: nobody waits for that here.
    """
    while not when():
        assert server.poll() is None
        time.sleep(0.002)
    time.sleep(random.random() * ROWS / 25_000)
    server.kill()
    server.wait()
    with store.administering() as conn:
        conn.run(_LEASE_RUN_OUT)
    return jobs_done(store)
