"""Histories at hand are a matter of speed: nothing that is read depends on them."""

from __future__ import annotations

from contextlib import nullcontext
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.entry import Kind
from ledger.submit import Ledger
from projections.commit.projector import LiveProjector
from projections.commit.rolls import Key, Rolls
from projections.past.timeline import story_of
from projections.rebuild.verify import verify
from projections.rule.case_changes import values_of
from projections.rule.case_row import CaseRow, to_case
from projections.tables import case_tables
from tests.kit import build, strategies

HOUR = 3_600_000_000
FORM_IDS = ("first", *strategies.FORMS[:4])
ACTS = (Kind.ARCHIVE, Kind.UNARCHIVE, Kind.FORM_DELETE, Kind.FORM_RESTORE)
_DOMAINS = count(1)
_FORM_ID = st.sampled_from(FORM_IDS)
_NAMES = st.lists(st.sampled_from(strategies.CASES), min_size=1, max_size=3)
_FORM = st.tuples(
    st.just("form"),
    _FORM_ID.flatmap(lambda form_id: strategies.forms(form_id=form_id)),
    st.sampled_from((0, 0, -HOUR)),
)
_ACT = st.tuples(
    st.just("act"), st.sampled_from(ACTS), st.lists(_FORM_ID, min_size=1, max_size=3)
)
_FLAG = st.tuples(st.just("flag"), _NAMES, st.sampled_from(("delete", "restore")))
_COMMIT = st.tuples(
    st.sampled_from(("one", "one", "other", "small", "cold")),
    st.lists(st.one_of(_FORM, _ACT, _ACT, _FLAG), min_size=1, max_size=2),
    st.sampled_from((True, True, True, False)),
)


class Failed(Exception):
    """What keeps a commit from happening."""


def command(domain: str, now: int, what: str, told: Any, more: Any) -> Any:
    """Return the command of one happening."""
    if what == "act":
        names = [strategies.named(name, domain) for name in more]
        return build.an_act(told, *names, strict=False)
    if what == "flag":
        names = [strategies.named(name, domain) for name in told]
        return build.a_flag(*names, kind=Kind(f"case_{more}"))
    return build.a_submission(
        strategies.body_of(told, domain),
        submit_time=now + more if more else None,
        attachments=[build.a_file(name) for name in told["files"]],
    )


def servers(clock) -> dict[str, Ledger]:
    """Return two that keep every history, one with no room for any, and one without."""
    rolls = {
        "one": Rolls(long=1),
        "other": Rolls(long=1),
        "small": Rolls(long=1, most_bytes=1),
        "cold": Rolls(),
    }
    return {name: Ledger(LiveProjector(some), clock) for name, some in rolls.items()}


def a_past(store, commits) -> str:
    """Let servers write by turns in a domain of its own, some of them in vain."""
    domain = f"r{next(_DOMAINS)}"
    clock = build.FixedClock()
    build.a_domain(store, domain, now=clock.now)
    blocks = [build.a_create(strategies.named(n, domain)) for n in strategies.CASES]
    first = build.a_form(blocks, form_id=f"{domain}-first")
    build.submit(store, first, domain=domain, clock=clock)
    all_servers = servers(clock)
    for name, happenings, succeeds in commits:
        commands = [command(domain, clock.now, *told) for told in happenings]
        end = nullcontext() if succeeds else pytest.raises(Failed)
        with end:
            process(
                store, all_servers[name], *commands, domain=domain, succeeds=succeeds
            )
        clock.now += 1_000 if succeeds else 0
    return domain


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_COMMIT, min_size=5, max_size=25))
def test_read_tables_are_what_a_fold_from_nothing_gives(store, commits):
    """Whoever wrote, whatever was at hand, and whatever commit came to nothing."""
    domain = a_past(store, commits)
    found = verify(store, domain)
    assert found.ok, [*found.breaks, *map(str, found.differences)]
    with store.snapshot(domain) as reader:
        table = case_tables(reader.head.live["cases"]).cases
        for row in build.rows_of(reader.conn.raw, table, domain):
            case = to_case(CaseRow._make(row))
            forms = list(story_of(reader, case.case_id).forms_in_force())
            present = values_of(case)
            present.pop("deleted_on", None)
            assert present == (values_of(forms[-1].after) if forms else {})


@pytest.fixture
def rolls():
    """Keep every history, however short."""
    return Rolls(long=1)


@pytest.fixture
def ledger(rolls):
    """Return the write side of a server."""
    return Ledger(LiveProjector(rolls), build.FixedClock())


@pytest.fixture
def case(store):
    """Return where the history of a case with two forms would be at hand."""
    build.a_domain(store)
    build.submit(store, build.a_form([build.a_create()], form_id="f1"))
    build.submit(store, build.a_form([build.an_update(p="x")], form_id="f2"))
    with store.reading(build.DOMAIN) as reader:
        return Key(build.DOMAIN, reader.head.live["cases"], "c1")


def process(store, ledger, *commands, domain=build.DOMAIN, succeeds=True):
    """Run commands in one commit, or in one that comes to nothing."""
    with store.writing(domain) as writer:
        outcomes = ledger.process(writer, commands)
        if not succeeds:
            raise Failed
    return outcomes


def test_an_act_leaves_the_history_at_hand_and_the_next_one_takes_it(
    store, ledger, rolls, case
):
    """It is good as long as the case's last entry is the one that it knows of."""
    process(store, ledger, build.an_act(Kind.ARCHIVE, "f2"))
    first = rolls.take(case)
    assert first is not None
    rolls.leave(case, *first)
    process(store, ledger, build.an_act(Kind.UNARCHIVE, "f2"))
    second = rolls.take(case)
    assert second is not None
    assert second[1] is first[1]
    assert second[0].case_position == first[0].case_position + 1


def test_an_act_of_another_server_makes_a_history_of_no_use(store, ledger, rolls, case):
    """What was at hand is read anew."""
    process(store, ledger, build.an_act(Kind.ARCHIVE, "f2"))
    held = rolls.take(case)
    rolls.leave(case, *held)
    build.act(store, Kind.UNARCHIVE, "f2")
    process(store, ledger, build.an_act(Kind.ARCHIVE, "f2"))
    assert rolls.take(case)[1] is not held[1]
    assert build.case_of(store).properties == {}


def test_what_a_failed_commit_left_is_of_no_use(store, ledger, rolls, case):
    """Also when another entry takes the position of the one that came to nothing."""
    with pytest.raises(Failed):
        process(store, ledger, build.an_act(Kind.ARCHIVE, "f2"), succeeds=False)
    held = rolls.take(case)
    rolls.leave(case, *held)
    build.act(store, Kind.FORM_DELETE, "f1")
    process(store, ledger, build.an_act(Kind.FORM_RESTORE, "f1"))
    assert rolls.take(case)[1] is not held[1]
    assert build.case_of(store).properties == {"p": "x"}


def test_an_erasure_takes_what_is_at_hand_of_its_domain(store, ledger, rolls, case):
    """Not even the names that its forms had stay in memory."""
    process(store, ledger, build.an_act(Kind.ARCHIVE, "f2"))
    assert case in rolls
    last = build.entries_of(store)[-1]
    with store.writing(build.DOMAIN) as writer:
        LiveProjector(rolls).open(writer).erase([], last)
    assert case not in rolls


def test_room_is_made_by_what_was_left_longest_ago(store, ledger, rolls, case):
    """The bytes of all histories together are bounded."""
    process(store, ledger, build.an_act(Kind.ARCHIVE, "f2"))
    mark, roll = rolls.take(case)
    few = Rolls(long=1, most_bytes=2 * roll.size)
    keys = [case._replace(case_id=name) for name in ("c1", "c2", "c3")]
    for key in keys:
        few.leave(key, mark, roll)
    assert [key in few for key in keys] == [False, True, True]
