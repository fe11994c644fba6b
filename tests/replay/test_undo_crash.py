"""A worker that is killed in the middle of an undo: nothing lost, nothing doubled."""

from __future__ import annotations

import random
import time
from collections import Counter

import pytest

from importers.job_kinds import HANDLERS
from importers.jobs.undo import enqueue_undo
from importers.jobs.values import UndoRequest
from ledger import log
from ledger.clock import now_micros
from ledger.entry import Author, Kind
from ledger.jobs.values import JobState
from projections.rebuild.verify import verify
from tests.kit import build, children
from tests.kit.jobs import job_of, working

FORMS = 1000
HOUR = 3_600_000_000


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
    child = children.work("undo", url, str(hours))
    while seen().progress.get("done", 0) == before:
        assert child.poll() is None
        time.sleep(0.005)
    time.sleep(random.random() / 20)
    child.kill()
    child.wait()
