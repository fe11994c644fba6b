"""Several processes write one domain at the same time (rules/design.md 2.3)."""

from __future__ import annotations

import time
from collections import Counter

import orjson
import pytest

from ledger import log
from ledger.errors import Conflict
from ledger.store import open_store
from projections.rebuild.verify import verify
from tests.kit import build, children

EACH = 160


@pytest.fixture(autouse=True)
def domain(store):
    return build.a_domain(store)


def test_a_reader_that_follows_sees_every_entry_once_and_in_order(store, url):
    """Two processes write; who polls behind its last position misses nothing."""
    writers = [children.start("submit", url, name, str(EACH)) for name in ("a", "b")]
    seen = []
    deadline = time.monotonic() + 60
    while len(seen) < 2 * EACH + 1 and time.monotonic() < deadline:
        with store.reading(build.DOMAIN) as reader:
            after = seen[-1].position if seen else 0
            seen += [entry for entry, _ in log.entries_after(reader, after, limit=50)]
    answered = [line.strip() for child in writers for line in child.stdout]
    for child in writers:
        assert child.wait() == 0
        child.stdout.close()
    assert [entry.position for entry in seen] == list(range(1, 2 * EACH + 2))
    assert Counter(entry.form_id for entry in seen[1:]) == Counter(answered)
    times = [entry.appended_on for entry in seen]
    assert times == sorted(set(times))
    found = build.cases_of(store)
    assert len({case.indexed_on for case in found.values()}) == len(found) == 17
    assert len(found["shared"].properties) == 16
    assert verify(store, build.DOMAIN).ok


def test_a_refusal_that_is_still_held_keeps_no_read_open(store, url):
    """Its traceback holds all that looked things up; the next write must not fail."""
    twins = [build.a_create(i, update={"external_id": "x"}) for i in ("c1", "c2")]
    build.submit(store, build.a_form(twins))
    build.a_domain(store, "another")
    (refused,) = build.write(store, build.changes(build.a_change(external_id="x")))
    assert isinstance(refused, Conflict)
    assert refused.__traceback__ is not None
    somebody_else = open_store(url)
    build.submit(somebody_else, build.a_form([build.a_create("c3")]))
    somebody_else.close()
    build.submit(store, build.a_form([build.a_create("c4")]))
    assert len(build.cases_of(store)) == 4


def test_upserts_never_race(store, url):
    """rules/case-api-v2.md 5.3.8: as many cases as external ids, and no lost update."""
    callers = [children.start("upsert", url, name, "3") for name in ("a", "b")]
    counted = [orjson.loads(child.stdout.read()) for child in callers]
    for child in callers:
        assert child.wait() == 0
        child.stdout.close()
    found = {case.external_id: case for case in build.cases_of(store).values()}
    assert len(build.cases_of(store)) == len(found) == 5
    for told in counted:
        assert told
        for name, turns in told.items():
            assert found[name[-2:]].properties[name] == str(turns)
    assert verify(store, build.DOMAIN).ok
