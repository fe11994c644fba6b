"""The access log: what a line says, and how lines go out (rules/operator.md 5.6)."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest
from prometheus_client import REGISTRY, Histogram

from api.http.access_log import (
    JsonLines,
    NoLines,
    RecordLines,
    Served,
    access_log,
)
from api.http.account import SETTLE_SECONDS, Account
from api.http.logs import REQUEST_ID
from api.http.metrics import BUCKETS
from api.wire.permissions import Principal, granted

_PIPE = 4096


def _principal(user_id: str = "u-1") -> Principal:
    return Principal(
        domain="clinic",
        user_id=user_id,
        username="ann",
        key_id=None,
        permissions=granted("admin", reading_only=False),
    )


def _request(**given: Any) -> Served:
    line: dict[str, Any] = {
        "method": "GET",
        "route": "/a/{domain}/x",
        "status": 200,
        "seconds": 0.0123456,
        "principal": None,
        "request_id": "ab-1",
        "moment": 0,
    }
    return Served(**{**line, **given})


@pytest.fixture
def requests_at_info():
    logger = logging.getLogger("api.requests")
    before = logger.level
    logger.setLevel(logging.INFO)
    yield
    logger.setLevel(before)


async def test_a_line_names_the_route_the_user_and_the_request():
    """Rule 5.6: ids and numbers, under the names that every other line uses."""
    pieces: list[str] = []
    log = Account(JsonLines(pieces.append))
    log.note(_request(principal=_principal()))
    log.settle()
    [line] = map(json.loads, pieces)
    assert line.pop("timestamp") == "1970-01-01T00:00:00.000000Z"
    assert line == {
        "event": "request",
        "level": "info",
        "logger": "api.requests",
        "method": "GET",
        "route": "/a/{domain}/x",
        "status": 200,
        "ms": 12.35,
        "domain": "clinic",
        "user_id": "u-1",
        "request_id": "ab-1",
    }


async def test_a_line_without_a_user_names_none():
    """Rule 5.6: what is not known is left out."""
    pieces: list[str] = []
    log = Account(JsonLines(pieces.append))
    log.note(_request())
    log.settle()
    assert {"domain", "user_id"}.isdisjoint(json.loads(pieces[0]))


async def test_an_id_with_quotes_keeps_its_line_whole():
    """Rule 5.6: whatever an id holds, a line is one JSON object."""
    pieces: list[str] = []
    log = Account(JsonLines(pieces.append))
    log.note(_request(principal=_principal('a"b\nü')))
    log.settle()
    assert json.loads(pieces[0])["user_id"] == 'a"b\nü'
    assert pieces[0].count("\n") == 1


async def test_lines_go_out_in_pieces_that_a_pipe_takes_whole():
    """Workers that share a pipe do not cut each other's lines."""
    pieces: list[str] = []
    log = Account(JsonLines(pieces.append))
    for number in range(100):
        log.note(_request(request_id=f"ab-{number}"))
    log.settle()
    assert 1 < len(pieces) < 100
    assert all(len(piece.encode()) <= _PIPE for piece in pieces)
    lines = [json.loads(line) for piece in pieces for line in piece.splitlines()]
    assert [line["request_id"] for line in lines] == [f"ab-{n}" for n in range(100)]


async def test_a_lone_line_does_not_wait_for_others():
    """It is written a moment later, without a further request or a flush."""
    pieces: list[str] = []
    log = Account(JsonLines(pieces.append))
    for number in range(2):
        log.note(_request())
        assert len(pieces) == number
        await asyncio.sleep(SETTLE_SECONDS * 2)
        assert len(pieces) == number + 1


async def test_no_request_fails_because_nobody_reads_the_log():
    """A closed pipe costs lines, not answers."""

    def refuse(_piece: str) -> None:
        raise BrokenPipeError

    log = Account(JsonLines(refuse))
    log.note(_request())
    log.settle()
    log.note(_request())
    log.settle()


@pytest.mark.usefixtures("requests_at_info")
def test_lines_for_a_terminal_are_records(caplog):
    """Coloured lines are made where all others are."""
    log = access_log(wanted=True, console=True)
    assert isinstance(log, RecordLines)
    before = REQUEST_ID.get()
    log.write([_request(principal=_principal())])
    assert REQUEST_ID.get() == before
    [record] = caplog.records
    assert (record.message, record.status, record.ms) == ("request", 200, 12.35)
    assert (record.domain, record.user_id) == ("clinic", "u-1")


@pytest.mark.usefixtures("requests_at_info")
def test_settings_decide_whether_there_are_lines():
    """``CASELEDGER_ACCESS_LOG`` and ``CASELEDGER_LOG_LEVEL`` both count."""
    assert isinstance(access_log(wanted=True, console=False), JsonLines)
    assert isinstance(access_log(wanted=False, console=False), NoLines)
    logging.getLogger("api.requests").setLevel(logging.WARNING)
    assert isinstance(access_log(wanted=True, console=False), NoLines)


async def test_every_request_is_counted_once():
    """In the bucket of its time, as if it had been told of alone."""
    kind = ("GET", "/counted/once", 200)
    seconds = [0.0005, 0.001, 0.0011, 0.3, 0.3, 99.0]
    log = Account(NoLines())
    for taken in seconds:
        log.note(_request(route=kind[1], seconds=taken))
    log.settle()
    log.settle()
    alone = Histogram("alone", "Told one by one.", buckets=BUCKETS, registry=None)
    for taken in seconds:
        alone.observe(taken)
    name = "caseledger_http_request_seconds"
    labels = {"method": "GET", "route": kind[1], "status": "200"}
    [wanted] = alone.collect()
    for sample in wanted.samples:
        if not sample.name.endswith("_created"):
            found = REGISTRY.get_sample_value(
                name + sample.name.removeprefix("alone"), {**labels, **sample.labels}
            )
            assert found == sample.value, sample
