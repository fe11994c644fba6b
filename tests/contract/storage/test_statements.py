"""Every statement on a domain's table says which domain (rules/design.md 1.2)."""

from __future__ import annotations

import re

import pytest

from ledger.entry import Kind
from ledger.jobs import queue as jobs
from ledger.jobs.counts import count_jobs
from ledger.jobs.values import JobFilter
from ledger.tables import metadata as kept
from ledger.webhooks.backlog import waiting_deliveries
from projections.forms.errors import count_errors, latest_errors
from projections.forms.values import ErrorFilter
from projections.past.history import history
from projections.rebuild.generations import replays_at_work
from projections.rebuild.replay import replay
from projections.rebuild.verify import verify
from projections.tables import case_tables, form_tables
from tests.kit import build
from tests.kit.jobs import enqueue
from tests.kit.plans import Recorder

WITHOUT_DOMAIN = {"generations", "clocks", "domain_list", "failed_tries"}
NAMES = [
    *(table.name for table in kept.sorted_tables if table.name not in WITHOUT_DOMAIN),
    *(
        table.name.removesuffix("_1") + "_[0-9]+"
        for tables in (case_tables(1), form_tables(1))
        for table in tables.metadata.sorted_tables
    ),
]
ON_A_DOMAIN_TABLE = re.compile(rf"\b(?:FROM|INTO|UPDATE|JOIN) ({'|'.join(NAMES)})\b")
BOUND = re.compile(
    r"domain = (?::|%\(|\$|\?)"  # compared with a parameter
    r"|INSERT INTO \w+ \(domain,"  # given with the row
    r"|\.domain = (?:gone|given|asked)\.domain"  # given with the key
)
FAN_OUTS = {
    "every domain's generations": r"SELECT domains\.live_cases, domains\.live_forms",
    "a dropped generation": r"DELETE FROM checkpoints WHERE checkpoints\.generation",
    "an unfinished generation": r"FROM generations JOIN checkpoints",
    "how all jobs stand": r"SELECT jobs\.kind, jobs\.state, count",
    "deliveries that wait": r"FROM webhook_deliveries JOIN webhooks",
    "replays at work": r"FROM generations JOIN checkpoints .* JOIN domains",
    "the heads of a commit": r"FROM domains WHERE domains\.domain .* ORDER BY",
    "which of some domains there are": r"^SELECT domains\.domain FROM domains WHERE",
    "jobs of any domain": r"SELECT jobs\.domain, jobs\.job_id FROM jobs WHERE jobs\.re",
}
"""The marked ones: what is done to the whole installation."""


@pytest.fixture
def seen(store):
    statements: set[str] = set()
    connect = store.connect
    store.close()

    def note(sql, _values):
        statements.add(" ".join(sql.split()))

    store.connect = lambda: Recorder(connect(), note)
    return statements


def test_every_statement_on_a_domain_table_names_the_domain(store, seen):
    """But for the marked fan-outs, each of which is really met here."""
    build.a_domain(store)
    build.a_domain(store, "other")
    _everything(store)
    unbound = {
        sql for sql in seen if ON_A_DOMAIN_TABLE.search(sql) and not BOUND.search(sql)
    }
    strays = [
        sql
        for sql in unbound
        if not any(re.search(marked, sql) for marked in FAN_OUTS.values())
    ]
    assert strays == []
    unmet = {
        name
        for name, marked in FAN_OUTS.items()
        if not any(re.search(marked, sql) for sql in seen)
    }
    assert unmet <= {"a dropped generation"}
    assert sum(bool(ON_A_DOMAIN_TABLE.search(sql)) for sql in seen) > 25


def _everything(store):
    with store.writing_together() as heads:
        heads.take([build.DOMAIN, "other", "unknown"])
        assert [*heads.refused] == ["unknown"]
    body = build.a_form([build.a_block(index={"p": "c2"})], form_id="f")
    late = build.a_form([build.an_update(p="0")])
    for command in (
        build.a_submission(body),
        build.a_submission(
            build.a_form([build.a_create("c2", update={"external_id": "x"})]),
            attachments=[build.a_file()],
        ),
        build.a_submission(body),
        build.a_submission(late, submit_time=1),
        build.changes(build.a_change(external_id="x", properties={"p": "1"})),
        build.a_flag("c1"),
        build.a_flag("c1", kind=Kind.CASE_RESTORE),
    ):
        build.write(store, command)
    _jobs(store)
    with store.snapshot_of_all() as conn:
        assert count_jobs(conn)
        assert waiting_deliveries(conn) == (0, None)
        assert replays_at_work(conn) == (0, 0, 0)
    replay(store, build.DOMAIN)
    assert verify(store, build.DOMAIN).ok
    with store.reading(build.DOMAIN) as reader:
        assert history(reader, "c1")


def _jobs(store):
    made = [enqueue(store) for _ in range(2)]
    with store.administering() as conn:
        first = jobs.claim(conn, now=build.NOW, until=build.NOW + 1)
        second = jobs.claim(conn, now=build.NOW, until=build.NOW + 1)
        jobs.renew(conn, first, until=build.NOW + 9)
        jobs.finish(conn, first, result={}, now=build.NOW)
        jobs.give_back(conn, second, again_on=build.NOW)
        jobs.cancel(conn, second.key, now=build.NOW)
        jobs.retry(conn, second.key, now=build.NOW)
    with store.reading(build.DOMAIN) as reader:
        found = jobs.list_jobs(reader, JobFilter(kind=first.kind), limit=9)
        assert len(found) == len(made)
        assert latest_errors(reader, ErrorFilter(problem="I"), limit=9) == []
        assert count_errors(reader, ErrorFilter()) == 0
