"""Lists of jobs and of forms in error come from their indexes, in order."""

from __future__ import annotations

import pytest

from ledger.jobs import queue as jobs
from projections.forms import errors as error_forms
from projections.tables import FORMS
from tests.kit import build
from tests.kit.jobs import enqueue

QUERIES = {
    "what is ready": ("ix_jobs_ready", lambda _: (jobs._READY, {"now": build.NOW})),
    "what is ready, locked": (
        "ix_jobs_ready",
        lambda _: (jobs._LOCK_READY, {"now": build.NOW}),
    ),
    "what has not ended": ("ix_jobs_ready", lambda _: (jobs._OPEN, {})),
    "the newest jobs": (
        "ix_jobs_created",
        lambda _: (jobs._page((), behind=False), {"limit": 9}),
    ),
    "older jobs of a kind": (
        "ix_jobs_created",
        lambda _: (
            jobs._page(("kind",), behind=True),
            {"limit": 9, "kind": "k", "created_on": build.NOW, "job_id": "j"},
        ),
    ),
    "errors of a kind": (
        "_state",
        lambda r: (
            error_forms._paging(r.head.live[FORMS], ("problem",), rising=False),
            {
                "state": "error",
                "above": 0,
                "below": 99,
                "problem": "I",
                "problem_length": 1,
                "limit": 9,
            },
        ),
    ),
    "the oldest errors": (
        "_state",
        lambda r: (
            error_forms._paging(r.head.live[FORMS], (), rising=True),
            {"state": "error", "above": 0, "below": 99, "limit": 9},
        ),
    ),
}


@pytest.mark.parametrize("title", QUERIES)
def test_the_query_walks_its_index(store, title):
    """Nothing is read whole, and nothing is sorted."""
    build.a_domain(store)
    for n in range(50):
        enqueue(store, now=build.NOW + n)
        build.submit(store, build.a_form([build.a_block(index={"p": "none"})]))
    index, make = QUERIES[title]
    with store.reading(build.DOMAIN) as reader:
        statement, params = make(reader)
        lines = plan(reader, statement, {"domain": build.DOMAIN, **params})
    assert any(index in line for line in lines), lines
    assert not any("Seq Scan" in line or "Sort " in line for line in lines), lines
    assert not any("TEMP B-TREE" in line or line == "SCAN jobs" for line in lines)


def plan(reader, statement, params):
    """Return the plan of a statement, a line for each step."""
    sql, constants = statement.compiled(reader.conn.dialect)
    verb = "EXPLAIN QUERY PLAN" if reader.conn.dialect.begin_read else "EXPLAIN"
    found = reader.conn.raw.execute(f"{verb} {sql}", {**params, **constants})
    return [str(row[-1]) for row in found.fetchall()]
