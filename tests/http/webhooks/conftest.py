"""What the tests of deliveries share."""

from __future__ import annotations

import pytest

from api.webhooks.delivery import Deliverer, Policy
from ledger.store import open_store
from ledger.writer import LedgerWriter
from tests.kit import build
from tests.kit.receiver import receiving
from tests.kit.webhooks import POLICY


@pytest.fixture
def domain(store):
    """Make the domain that the webhooks are of."""
    return build.a_domain(store)


@pytest.fixture
def clock():
    """Return a clock that stands until it is moved."""
    return build.FixedClock()


@pytest.fixture
async def receiver():
    """Run a receiver of webhooks."""
    async with receiving() as made:
        yield made


@pytest.fixture
async def start(store, url, clock):
    """Return how to start a deliverer, another process's unless it is over a store.

    All end at the end.
    """
    opened = []

    def begin(over=None, **policy):
        own = over or open_store(url)
        writer = LedgerWriter(own, build.a_ledger(clock))
        writer.start()
        settings = {n: getattr(POLICY, n) for n in Policy.__dataclass_fields__}
        made = Deliverer(
            own, writer, private=True, policy=Policy(**settings | policy), clock=clock
        )
        opened.append((made, writer, own))
        return made

    yield begin
    for made, writer, own in opened:
        await made.aclose()
        await writer.stop()
        own.close()
