"""Ledger blocks touch cases that are there: live, in a replay and in time travel.

Whether a case was there when a form came is a fact of that moment, so the naive model
does not know it; the three ways to fold a log must agree on it all the same.
"""

from __future__ import annotations

from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.entry import Kind
from projections.past.timeline import as_of
from projections.rebuild.verify import verify
from tests.kit import build

HOUR = 3_600_000_000
CASES = ("a", "b")
_DOMAINS = count(1)
_NAMES = st.lists(st.sampled_from(CASES), max_size=2, unique=True)
_FORM = st.tuples(
    st.sampled_from(("f1", "f2", "f3")),
    _NAMES,
    _NAMES,
    st.sampled_from((None, None, -HOUR, HOUR)),
)
_ACT = st.tuples(
    st.sampled_from(
        (Kind.ARCHIVE, Kind.UNARCHIVE, Kind.FORM_DELETE, Kind.FORM_RESTORE)
    ),
    st.sampled_from(("f1", "f2", "f3")),
)
_FLAG = st.tuples(
    st.sampled_from((Kind.CASE_DELETE, Kind.CASE_RESTORE, Kind.CASE_REBUILD)), _NAMES
)
_BALANCE = (
    '<balance xmlns="http://commcarehq.org/ledger/v1" entity-id="{}" date="2024"/>'
)


def command_of(act, number):
    """Return the command for what was drawn; every form has bytes of its own."""
    if len(act) == 4:
        form_id, named, counted, late = act
        body = build.a_form(
            [build.a_block(i, update={"p": str(number)}) for i in named],
            inside="".join(map(_BALANCE.format, counted)),
            form_id=form_id,
            user_id=f"u-{number}",
        )
        when = None if late is None else build.NOW + late
        return build.a_submission(body, submit_time=when)
    kind, what = act
    if isinstance(what, str):
        return build.an_act(kind, what, strict=False)
    if kind is Kind.CASE_REBUILD:
        return build.a_rebuild(*what)
    return build.a_flag(*what, kind=kind)


def test_ledger_blocks_touch_the_same_cases_live_replayed_and_in_the_past(store):
    """rules/case-xml.md 18: the case must be there; every fold sees that alike."""

    @settings(max_examples=60, suppress_health_check=list(HealthCheck))
    @given(st.lists(_FORM | _FORM | _ACT | _FLAG, min_size=2, max_size=10))
    def check(acts):
        domain = build.a_domain(store, f"d{next(_DOMAINS)}")
        acts = [act for act in acts if act[1]]
        past = []
        for number, act in enumerate(acts):
            build.write(store, command_of(act, number), domain=domain)
            with store.snapshot(domain) as reader:
                head = reader.head
            past.append((head, build.cases_of(store, domain)))
        found = verify(store, domain)
        assert found.ok, [*found.breaks, *map(str, found.differences)]
        with store.snapshot(domain) as reader:
            for head, cases in past:
                seen = {i: as_of(reader, i, head.appended_on) for i in cases}
                assert seen == cases

    check()
