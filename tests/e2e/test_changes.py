"""The change feed of real server processes."""

from __future__ import annotations

import json
import signal
import threading
import time
import urllib.request

import pytest

from ledger.directory.api_keys import create_key
from ledger.directory.users import create_user, find_user
from tests.e2e.test_cli import serving
from tests.kit import build
from tests.kit.domains import an_open_domain


@pytest.fixture
def header(store):
    """Make a domain and a user; return the header that lets them in."""
    an_open_domain(store)
    author = build.Author(user_id="root")
    with store.writing("demo") as writer:
        create_user(writer, "ann", role="editor", password=None, author=author)
        user = find_user(writer, "ann")
        _, secret = create_key(writer, user, name="", read_only=False, author=author)
    return {"Authorization": f"ApiKey ann:{secret}"}


def ask(base, query, header, body=None):
    """Send a request and return the answer, decoded."""
    address = f"{base}/a/demo/api/{query}"
    request = urllib.request.Request(address, headers=header, data=body)  # noqa: S310
    with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
        return json.load(response)


def test_processes_wake_each_other(url, header):
    """Whichever worker takes a write, whoever waits at any of them hears of it."""
    with serving(url, "--workers", "2") as (_, base):
        cursor = ask(base, "ledger/v1/changes?after=now", header)["cursor"]
        found = []

        def follow(place):
            told = []
            while len(told) < 10:
                path = f"ledger/v1/changes?after={place}&wait=30"
                page = ask(base, path, header)
                told += [change["position"] for change in page["changes"]]
                place = page["cursor"]
            found.append(told)

        consumers = [threading.Thread(target=follow, args=(cursor,)) for _ in range(4)]
        for consumer in consumers:
            consumer.start()
        for number in range(10):
            case = {"case_type": "t", "case_name": str(number), "owner_id": "o"}
            ask(base, "case/v2/", header, json.dumps(case).encode())
        for consumer in consumers:
            consumer.join(60)
    assert len(found) == 4
    first = found[0][0]
    assert found == [list(range(first, first + 10))] * 4


def test_a_server_that_is_told_to_stop_keeps_nobody_waiting(url, header):
    """SIGTERM: who waits gets an empty page and their cursor, then the server ends."""
    with serving(url) as (process, base):
        cursor = ask(base, "ledger/v1/changes?after=now", header)["cursor"]
        pages = []

        def wait():
            path = f"ledger/v1/changes?after={cursor}&wait=60"
            pages.append(ask(base, path, header))

        consumer = threading.Thread(target=wait)
        consumer.start()
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        consumer.join(30)
        assert process.wait(15) == 0
    assert pages == [{"changes": [], "cursor": cursor, "more": False}]
