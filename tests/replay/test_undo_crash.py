"""A worker that is killed in the middle of an undo: nothing lost, nothing doubled."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from importers.job_kinds import HANDLERS
from importers.jobs.undo import enqueue_undo
from importers.jobs.values import UndoRequest
from ledger import log
from ledger.clock import now_micros
from ledger.entry import Author, Kind
from ledger.jobs.values import JobState
from ledger.store import open_store
from projections.rebuild.verify import verify
from tests.kit import build
from tests.kit.jobs import job_of, working

FORMS = 1000
HOUR = 3_600_000_000
_ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def domain(store):
    return build.a_domain(store)


async def test_kill_9_in_the_middle_of_an_undo(store, url):
    """Whoever finds the job later finishes it; each form is archived once."""
    for n in range(0, FORMS, 100):
        commands = [
            build.a_submission(
                build.a_form(
                    [
                        build.a_create(f"c{m // 2}"),
                        build.an_update(f"s{m % 20}", p=str(m)),
                    ],
                    form_id=f"f{m}",
                )
            )
            for m in range(n, n + 100)
        ]
        build.write(store, *commands)
    wish = UndoRequest(user=build.USER, since=build.NOW, until=build.NOW + HOUR)
    with store.writing(build.DOMAIN) as writer:
        job = enqueue_undo(
            writer, wish, author=Author(user_id="u-admin"), clock=now_micros
        )
    for kill in range(2):
        work_until_killed(url, hours=kill, seen=lambda: job_of(store, job))
    assert job_of(store, job).state is JobState.RUNNING
    async with working(
        store, HANDLERS, clock=build.FixedClock(now_micros() + 9 * HOUR)
    ) as worker:
        await worker.drain()
    ended = job_of(store, job)
    assert (ended.state, ended.result["changed"]) == (
        JobState.DONE,
        {"archived": FORMS},
    )
    with store.snapshot(build.DOMAIN) as reader:
        entries = [e for e, _ in log.entries_after(reader, 0, limit=99_999)]
    archived = Counter(e.form_id for e in entries if e.kind is Kind.ARCHIVE)
    assert archived == {f"f{n}": 1 for n in range(FORMS)}
    assert {case.is_void for case in build.cases_of(store).values()} == {True}
    assert verify(store, build.DOMAIN).ok


def work_until_killed(url, *, hours, seen):
    """Run a worker in a process of its own and kill it when it got further."""
    before = seen().progress.get("done", 0)
    order = [sys.executable, "-m", "tests.replay.test_undo_crash", url, str(hours)]
    child = subprocess.Popen(order, cwd=_ROOT)
    while seen().progress.get("done", 0) == before:
        assert child.poll() is None
        time.sleep(0.005)
    time.sleep(random.random() / 20)
    child.kill()
    child.wait()


async def _work(url: str, hours: str) -> None:
    """Be a worker, on a clock that is ahead so that no lease need be waited for."""
    store = open_store(url)
    ahead = int(hours) * HOUR
    async with working(store, HANDLERS, clock=lambda: now_micros() + ahead) as worker:
        await worker.drain()


if __name__ == "__main__":
    asyncio.run(_work(*sys.argv[1:]))
