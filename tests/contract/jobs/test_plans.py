"""Lists of jobs and of forms in error come from their indexes, in order."""

from __future__ import annotations

import pytest

from ledger.jobs import queue as jobs
from ledger.jobs.values import JobFilter
from projections.forms.errors import errors_after, latest_errors
from projections.forms.values import ErrorFilter
from tests.kit import build
from tests.kit.jobs import KIND, enqueue
from tests.kit.plans import plans, sorts, walks

LATER = build.NOW + 1000
QUESTIONS = {
    "what is ready, locked": (
        "ix_jobs_ready",
        lambda w, _: jobs.claim(w.conn, now=build.NOW, until=LATER),
    ),
    "what has not ended": (
        "ix_jobs_ready",
        lambda w, _: jobs.open_jobs(w.conn),
    ),
    "the newest jobs": (
        "ix_jobs_created",
        lambda w, _: jobs.list_jobs(w, JobFilter(), limit=9),
    ),
    "older jobs of a kind": (
        "ix_jobs_created",
        lambda w, _: jobs.list_jobs(
            w, JobFilter(kind=KIND), limit=9, before=(LATER, "j")
        ),
    ),
    "errors of a kind": (
        "_state",
        lambda w, _: latest_errors(w, ErrorFilter(problem="I"), limit=9),
    ),
    "the oldest errors": (
        "_state",
        lambda w, _: errors_after(w, ErrorFilter(), position=0, last=99, limit=9),
    ),
}


@pytest.mark.parametrize("title", QUESTIONS)
def test_the_question_walks_its_index(store, title):
    """Nothing is read whole, and nothing is sorted."""
    build.a_domain(store)
    for n in range(50):
        job = enqueue(store, now=build.NOW + n)
        build.submit(store, build.a_form([build.a_block(index={"p": "none"})]))
    index, ask = QUESTIONS[title]
    with store.writing(build.DOMAIN) as writer:
        found = plans(writer.conn, lambda: ask(writer, job))
    assert any(index in plan for plan in found), found
    assert not any(walks(plan) or sorts(plan) for plan in found), found
