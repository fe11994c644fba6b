"""Webhooks while the database is away (rules/operator.md 4.3a)."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter

import pytest

from tests.kit.outages import POSTGRESQL, SQLITE
from tests.kit.receiver import until
from tests.kit.webhooks import add, listed, submit

pytestmark = pytest.mark.usefixtures("domain")


@pytest.fixture
def outage(store):
    """Return a block in which nobody can write to the database."""
    if store.dialect.write_needs_lock:
        return POSTGRESQL["read-only server"](store)
    return SQLITE["read-only"](store)


async def test_what_could_not_be_noted_is_told_again(
    store, start, receiver, outage, caplog
):
    """An outage behind an answer loses nothing, and a repeat has the same id."""
    caplog.set_level(logging.ERROR)
    hook = add(store, receiver.url)
    positions = [submit(store, f"c{n}") for n in range(3)]
    receiver.hang = asyncio.Event()
    deliverer = start(store)
    deliverer.start()
    await until(lambda: receiver.requests)
    with outage:
        receiver.hang.set()
        receiver.hang = None
        await until(lambda: len(receiver.requests) == len(positions))
        await until(lambda: store.away is not None)
        assert listed(store, hook, "delivered") == []
    deliverer.wake()
    await until(lambda: len(listed(store, hook, "delivered")) == len(positions))
    ids = Counter(headers["webhook-id"] for headers, _ in receiver.requests)
    assert (len(ids), max(ids.values())) == (len(positions), 2)
    assert sorted(set(receiver.positions)) == positions
    assert caplog.records == []
