"""Cases read in one statement with the head of their domain, on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import bindparam, update

from ledger.errors import NotFound
from ledger.heads import DamagedHead
from ledger.storage.connection import Statement
from ledger.tables import domains
from projections.cases.by_id import find_external, get_cases
from projections.cases.with_head import HeadedReads
from projections.rebuild.replay import prune, replay
from tests.kit.build import (
    DOMAIN,
    a_create,
    a_domain,
    a_flag,
    a_form,
    a_submission,
    an_update,
    write,
)

IDS = ("c1", "c2", "c3", "c4", "unknown")
EXTERNAL_IDS = ("x1", "x2", "x4", "unknown")


@pytest.fixture
def stocked(store):
    """Make two cases of one external id, one of another, one that is deleted."""
    a_domain(store)
    a_domain(store, "empty")
    names = {"c1": "x1", "c2": "x2", "c3": "x1", "c4": "x4"}
    forms = [
        a_form([a_create(case_id, update={"external_id": name})])
        for case_id, name in names.items()
    ]
    write(store, *map(a_submission, forms), a_flag("c4"))
    return store


def looked_up(store, domain=DOMAIN):
    """Return what the reads in two statements find."""
    with store.reading(domain) as reader:
        return get_cases(reader, IDS), find_external(reader, EXTERNAL_IDS)


def test_what_two_statements_find(stocked):
    by_id, by_external_id = looked_up(stocked)
    assert set(by_id) == {"c1", "c2", "c3"}
    assert {k: len(v) for k, v in by_external_id.items()} == {"x1": 2, "x2": 1}
    reads = HeadedReads(stocked)
    assert reads.by_id(DOMAIN, IDS) == by_id
    assert reads.by_external_id(DOMAIN, EXTERNAL_IDS) == by_external_id
    for case_id in (*IDS, "", "\0", "a" * 300):
        wanted = {case_id: by_id[case_id]} if case_id in by_id else {}
        assert reads.by_id(DOMAIN, [case_id]) == wanted
    for name in (*EXTERNAL_IDS, "", "\0"):
        wanted = {name: by_external_id[name]} if name in by_external_id else {}
        assert reads.by_external_id(DOMAIN, [name]) == wanted


def test_of_another_domain_nothing(stocked):
    reads = HeadedReads(stocked)
    assert reads.by_id("empty", IDS) == {}
    assert reads.by_external_id("empty", ["x1"]) == {}


@pytest.mark.parametrize("ids", [["c1"], ["\0"], []])
def test_an_unknown_domain(stocked, ids):
    reads = HeadedReads(stocked)
    with pytest.raises(NotFound):
        reads.by_id("nowhere", ids)
    with pytest.raises(NotFound):
        reads.by_external_id("nowhere", ids)


def test_what_was_written_since(stocked):
    reads = HeadedReads(stocked)
    assert reads.by_id(DOMAIN, ["c1"])["c1"].external_id == "x1"
    write(stocked, a_submission(a_form([an_update("c1", external_id="x9")])))
    assert reads.by_id(DOMAIN, ["c1"])["c1"].external_id == "x9"
    assert set(reads.by_external_id(DOMAIN, ["x9"])) == {"x9"}


@pytest.mark.parametrize("dropped", [False, True])
def test_a_replay_in_between(stocked, dropped):
    reads = HeadedReads(stocked)
    reads.by_id(DOMAIN, ["c1"])
    replay(stocked, DOMAIN)
    replay(stocked, "empty")
    write(stocked, a_submission(a_form([an_update("c1", external_id="x9")])))
    if dropped:
        assert prune(stocked, older_than=0)
    assert reads.by_id(DOMAIN, ["c1"])["c1"].external_id == "x9"
    replay(stocked, DOMAIN)
    if dropped:
        prune(stocked, older_than=0)
    assert set(reads.by_external_id(DOMAIN, ["x9", "x2"])) == {"x9", "x2"}


def test_the_guard_is_shown_every_head(stocked):
    reads = HeadedReads(stocked)
    reads.by_id(DOMAIN, ["c1"])
    shown = []
    stocked.guard = lambda _conn, head: shown.append(head.domain)
    reads.by_id(DOMAIN, ["c1"])
    reads.by_external_id(DOMAIN, ["unknown"])
    assert shown == [DOMAIN, DOMAIN]

    def refuse(_conn, _head):
        raise NotFound("refused")

    stocked.guard = refuse
    with pytest.raises(NotFound, match="refused"):
        reads.by_id(DOMAIN, ["c1"])


def test_a_damaged_head(stocked):
    reads = HeadedReads(stocked)
    reads.by_id(DOMAIN, ["c1"])
    spoil = update(domains).where(domains.c.domain == bindparam("d"))
    with stocked.administering() as conn:
        conn.run(Statement(spoil.values(indexed=bindparam("text"))), d=DOMAIN, text="{")
    for _ in range(2):
        with pytest.raises(DamagedHead):
            reads.by_id(DOMAIN, ["c1"])
        with pytest.raises(DamagedHead):
            reads.by_external_id(DOMAIN, ["x1"])
