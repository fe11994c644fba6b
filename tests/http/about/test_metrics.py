"""What Prometheus is told (rules/operator.md 4.4)."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.http.state import FRESH_FOR, DatabaseState
from ledger.entry import Author
from ledger.errors import StoreUnavailable
from ledger.jobs import queue as jobs
from ledger.store import open_store
from ledger.tables import checkpoints, generations, webhook_deliveries
from ledger.webhooks import subscriptions as webhooks
from ledger.webhooks.values import DELIVERED, PENDING, Webhook
from tests.kit import build
from tests.kit.jobs import enqueue
from tests.kit.metrics import DOCUMENTED, USED, samples

SECONDS = 1_000_000
NO_FORM = b"no form at all"
FORM = (
    b"<data xmlns='http://example.org/f'><meta><instanceID>i</instanceID></meta></data>"
)


async def told(api):
    """Return every sample by its name and labels."""
    answer = await api.get("/metrics", anonymous=True)
    assert answer.status == 200
    return samples(answer.body.decode())


async def test_every_metric_is_explained_and_every_one_that_is_used_exists(api):
    """The page, the alert rules and the dashboard speak of what there is."""
    await api.get("/healthz")
    text = (await api.get("/metrics")).body.decode()
    families = [
        f for f in text_string_to_metric_families(text) if f.name.startswith("case")
    ]
    names = {f.name + "_total" * (f.type == "counter") for f in families}
    # When a counter began, which the library tells beside it.
    names = {name for name in names if not name.endswith("_created")}
    assert names == set(DOCUMENTED)
    found = {name for name, _ in samples(text)} | names
    for file, used in USED.items():
        assert used, file
        assert used - found == set(), file


async def test_labels_are_those_of_the_page(api):
    """None is a domain, a user or a case."""
    await api.create()
    for name, labels in await told(api):
        if name.startswith("caseledger_"):
            base = name.removesuffix("_count").removesuffix("_sum")
            base = base.removesuffix("_bucket").removesuffix("_created")
            known = DOCUMENTED.get(base) or DOCUMENTED.get(f"{base}_total")
            if known is not None:
                assert {key for key, _ in labels} - {"le"} == known, name
            assert not {"domain", "user", "case_id"} & {key for key, _ in labels}


async def test_entries_are_counted_by_kind(api):
    """Those in error too, with the commits that brought them."""
    before = await told(api)
    await api.post("/a/demo/receiver", data=FORM)
    await api.post("/a/demo/receiver", data=FORM)
    await api.post("/a/demo/receiver", data=NO_FORM)
    after = await told(api)

    def more(name, **labels):
        key = (name, frozenset(labels.items()))
        return after[key] - before[key]

    for kind in ("normal", "duplicate", "submission_error"):
        assert more("caseledger_entries_total", kind=kind) == 1
    assert more("caseledger_entries_total", kind="error") == 0
    assert more("caseledger_commit_commands_sum") >= 3
    assert more("caseledger_commit_seconds_count") >= 3


def test_a_database_that_does_not_answer_is_a_value():
    """Nothing else is told of it, and nothing is raised."""

    def refuse():
        raise StoreUnavailable("gone")

    store = open_store("sqlite:////nowhere/at/all.db")
    store.connect = refuse
    [family] = DatabaseState(store).collect()
    [sample] = family.samples
    assert (sample.name, sample.value) == ("caseledger_database_up", 0)


@pytest.fixture
def clock():
    return build.FixedClock()


def state_of(store, clock):
    """Return what is told of the database, by name and labels."""
    found = {}
    for family in DatabaseState(store, clock=clock).collect():
        for sample in family.samples:
            found[sample.name, frozenset(sample.labels.items())] = sample.value
    return found


def plain(found, name):
    """Return a value without labels."""
    return found[f"caseledger_{name}", frozenset()]


def test_jobs_are_told_by_kind_and_state_over_all_domains(store, clock):
    """The oldest that nobody has taken up waits; one at work does not."""
    for domain in (build.DOMAIN, "other"):
        build.a_domain(store, domain)
    assert plain(state_of(store, clock), "oldest_waiting_job_seconds") == 0
    enqueue(store)
    clock.now += 60 * SECONDS
    enqueue(store, domain="other", kind="undo", now=clock.now)
    with store.administering() as conn:
        jobs.claim(conn, now=clock.now, until=clock.now + 60 * SECONDS)
    clock.now += 5 * SECONDS
    found = state_of(store, clock)
    told = {
        tuple(sorted(dict(labels).values())): value
        for (name, labels), value in found.items()
        if name == "caseledger_jobs"
    }
    assert told == {("forms", "running"): 1, ("queued", "undo"): 1}
    assert plain(found, "oldest_waiting_job_seconds") == 5


def test_deliveries_that_wait_are_told(store, clock):
    """Not those that got through, nor those of a webhook that is switched off."""
    build.a_domain(store)
    rows = []
    for active in (True, False):
        wish = Webhook(
            domain="", webhook_id="", url="http://x/", secret="s" * 16, active=active
        )
        with store.writing(build.DOMAIN) as writer:
            hook = webhooks.add_webhook(
                writer, wish, after=0, author=Author(), now=clock.now
            )
        for position, state in ((1, PENDING), (2, PENDING), (3, DELIVERED)):
            due = clock.now if state == PENDING else None
            made = clock.now + position * SECONDS
            key = (build.DOMAIN, hook.webhook_id, position)
            rows.append((*key, state, due, 0, made, None, None, None))
    with store.writing(build.DOMAIN) as writer:
        writer.conn.insert(webhook_deliveries, rows)
    clock.now += 90 * SECONDS
    found = state_of(store, clock)
    assert plain(found, "webhook_deliveries_waiting") == 2
    assert plain(found, "oldest_waiting_delivery_seconds") == 89


def test_a_replay_tells_how_far_it_is(store, clock):
    """What is being built, against the logs that it is built from."""
    build.a_domain(store)
    build.submit(store, build.a_form([build.a_create("c1")]))
    with store.writing(build.DOMAIN) as writer:
        head = writer.head.position
        writer.conn.insert(generations, [(90, "cases", 1, "building", clock.now)])
        writer.conn.insert(checkpoints, [(build.DOMAIN, 90, 1)])
    found = state_of(store, clock)
    assert plain(found, "replay_generations") == 1
    assert plain(found, "replay_entries_folded") == 1
    assert plain(found, "replay_entries") == head
    assert plain(found, "database_up") == 1


def test_whoever_asks_often_makes_the_database_work_no_more(store):
    """What was read is told again for a moment."""
    now = [0.0]
    state = DatabaseState(store, timer=lambda: now[0])
    first = state.collect()
    now[0] += FRESH_FOR - 0.1
    assert state.collect() is first
    now[0] += 0.1
    assert state.collect() is not first
