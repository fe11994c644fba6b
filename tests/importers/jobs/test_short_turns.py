"""Requests are not kept waiting longer than they must beside a job."""

from __future__ import annotations

import sys

import pytest

from importers.jobs.short_turns import TURN_SECONDS, ShortTurns
from tests.kit import build
from tests.kit.jobs import KIND, enqueue, working

LONG = 0.004


@pytest.fixture(autouse=True)
def long_turns():
    before = sys.getswitchinterval()
    sys.setswitchinterval(LONG)
    yield
    sys.setswitchinterval(before)


def is_long():
    return sys.getswitchinterval() == pytest.approx(LONG)


def test_turns_are_short_until_the_last_of_several_ends():
    """Blocks overlap in any order."""
    turns = ShortTurns()
    turns.__enter__()
    turns.__enter__()
    turns.__exit__()
    assert sys.getswitchinterval() == pytest.approx(TURN_SECONDS)
    turns.__exit__()
    assert is_long()


async def test_turns_are_short_while_a_job_runs(store):
    """Also when it fails, they are as before in the end."""
    build.a_domain(store)
    seen = []

    async def run(_context):
        seen.append(sys.getswitchinterval())
        raise ValueError

    enqueue(store)
    async with working(store, {KIND: run}) as worker:
        await worker.drain()
    assert seen == [pytest.approx(TURN_SECONDS)]
    assert is_long()
