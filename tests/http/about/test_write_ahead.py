"""A server makes the write-ahead log small again by itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from api.http.keys import STORE
from ledger.store import open_store
from tests.kit import build


@pytest.fixture
def url(sqlite_url):
    """Use a file: PostgreSQL looks after its own log."""
    return sqlite_url


@pytest.fixture
def often(monkeypatch):
    """Look at the log every few moments."""
    monkeypatch.setattr("api.app.IDLE_SECONDS", 0.05)


async def test_after_a_long_reader_and_a_burst_of_writes(often, api, url):
    """Once nobody writes and the reader has gone, the log has no byte."""

    def size():
        return Path(url.removeprefix("sqlite:///") + "-wal").stat().st_size

    reading = open_store(url)
    with reading.snapshot(api.domain):
        for number in range(6):
            photo = build.a_file(content=bytes([number]) * 1024 * 1024)
            body = build.a_form([build.a_create()])
            build.submit(api.app[STORE], body, attachments=[photo])
        assert size() > 6 * 1024 * 1024
        await asyncio.sleep(0.3)
        assert (await api.create())["case_id"]
        assert size() > 6 * 1024 * 1024
    reading.close()
    while size():  # noqa: ASYNC110 - it is another process's file as well
        await asyncio.sleep(0.05)
    assert (await api.create())["case_id"]
