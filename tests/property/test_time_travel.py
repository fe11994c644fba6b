"""The past is what a replay cut at that time would give, whatever happened since."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from itertools import count, pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger import log
from ledger.entry import Kind
from ledger.errors import NotFound
from projections.lists.filter import CaseFilter, Page
from projections.lists.pages import list_cases
from projections.past.history import diff, history, now, why
from projections.past.lists import cut_at, fold_cut
from projections.past.timeline import as_of, story_of, touches
from projections.rule.case_changes import changes, values_of
from projections.rule.case_row import CaseRow, seen, to_case, to_row
from projections.tables import case_tables
from tests.kit import build, strategies

HOUR = 3_600_000_000
EVERYTHING = CaseFilter(include_deleted=True)
FORM_IDS = ("first", *strategies.FORMS[:4])
ACTS = (
    Kind.ARCHIVE,
    Kind.ARCHIVE,
    Kind.UNARCHIVE,
    Kind.FORM_DELETE,
    Kind.FORM_RESTORE,
    Kind.REPROCESS,
)
_DOMAINS = count(1)
_LATE = st.sampled_from((None, None, -24 * HOUR, -HOUR, -1))
_FORM_ID = st.sampled_from(FORM_IDS)
_FORM = st.tuples(
    st.just("form"), _FORM_ID.flatmap(lambda i: strategies.forms(form_id=i)), _LATE
)
_NAMES = st.lists(st.sampled_from(strategies.CASES), min_size=1, max_size=3)
HAPPENINGS = st.lists(
    st.one_of(
        _FORM,
        _FORM,
        _FORM,
        st.tuples(
            st.just("act"), st.sampled_from(ACTS), st.lists(_FORM_ID, max_size=3)
        ),
        st.tuples(st.just("flag"), _NAMES, st.booleans()),
        st.tuples(st.just("rebuild"), _NAMES),
    ),
    min_size=4,
    max_size=20,
)
QUICK = settings(
    max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def command(domain: str, at: int, what: str, *told: Any) -> Any:
    """Return the command of one happening."""

    def named(names: list[str]) -> list[str]:
        return [strategies.named(name, domain) for name in names]

    def form(described: dict[str, Any], late: int | None) -> Any:
        return build.a_submission(
            strategies.body_of(described, domain),
            submit_time=None if late is None else at + late,
            attachments=[build.a_file(name) for name in described["files"]],
        )

    def act(kind: Kind, form_ids: list[str]) -> Any:
        return build.an_act(kind, *named(form_ids), strict=False)

    def flag(names: list[str], deleted: bool) -> Any:  # noqa: FBT001
        kind = Kind.CASE_DELETE if deleted else Kind.CASE_RESTORE
        return build.a_flag(*named(names), kind=kind)

    def rebuild(names: list[str]) -> Any:
        return build.a_rebuild(*named(names))

    make: dict[str, Callable[..., Any]] = {
        "form": form,
        "act": act,
        "flag": flag,
        "rebuild": rebuild,
    }
    return make[what](*told)


def a_past(store, happenings) -> str:
    """Let everything happen in a domain of its own; return it."""
    domain = f"t{next(_DOMAINS)}"
    clock = build.FixedClock()
    build.a_domain(store, domain, now=clock.now)
    # Every case is there, so that few forms fail for want of one.
    blocks = [build.a_create(strategies.named(n, domain)) for n in strategies.CASES]
    first = build.a_form(blocks, form_id=f"{domain}-first")
    build.submit(store, first, domain=domain, clock=clock)
    for happening in happenings:
        clock.now += 1_000
        build.write(
            store, command(domain, clock.now, *happening), domain=domain, clock=clock
        )
    return domain


@contextmanager
def replayed_to(store, cut):
    """Lend a reader of what a replay cut there makes of the log."""
    folder, scratch = fold_cut(store, cut)
    try:
        with scratch.reading(cut.domain) as reader:
            yield reader
    finally:
        scratch.close()
        shutil.rmtree(folder)


def cases_in(reader) -> dict[str, Any]:
    """Return every case that the tables of a reader hold."""
    table = case_tables(reader.head.live["cases"]).cases
    rows = build.rows_of(reader.conn.raw, table, reader.domain)
    return {row[1]: to_case(CaseRow._make(row)) for row in rows}


def moments(reader) -> list[int]:
    """Return the time of every entry, and the one before the log began."""
    entries = [entry for entry, _ in log.entries_after(reader, 0, limit=1_000)]
    return [0, *(entry.appended_on for entry in entries)]


def check_list(reader, asked, cases):
    """Check that a list is made of these cases, in its order, and counts them."""
    rows = [
        seen(to_row(case))
        for case in cases
        if asked.include_deleted or case.deleted_on is None
    ]
    page = list_cases(reader, asked, Page(limit=100))
    assert list(page.rows) == sorted(rows, key=lambda row: row.indexed_on)
    assert page.total == len(rows)


def state(reader, case_id, when):
    """Return a case as of a time, or nothing."""
    try:
        return as_of(reader, case_id, when)
    except NotFound:
        return None


@QUICK
@given(HAPPENINGS)
def test_the_past_equals_a_replay_cut_at_that_time(store, happenings):
    """For the time of every entry: each case, the table and the list, exactly."""
    domain = a_past(store, happenings)
    with store.snapshot(domain) as reader:
        ids = list(cases_in(reader))
        pasts = []
        for position, when in enumerate(moments(reader)):
            assert log.position_at(reader, when) == position
            assert log.position_at(reader, when - 1) == max(position - 1, 0)
            known = {case_id: state(reader, case_id, when) for case_id in ids}
            past = {i: case for i, case in known.items() if case is not None}
            pasts.append((cut_at(reader, when), past))
        assert cases_in(reader) == past
    for cut, past in pasts:
        with replayed_to(store, cut) as replayed:
            assert replayed.head.position == cut.position
            assert cases_in(replayed) == past
            for asked in (EVERYTHING, CaseFilter()):
                check_list(replayed, asked, past.values())


@QUICK
@given(HAPPENINGS)
def test_a_diff_is_the_difference_of_two_pasts(store, happenings):
    """Also backwards, and to the present."""
    domain = a_past(store, happenings)
    with store.snapshot(domain) as reader:
        times = [*moments(reader), reader.head.appended_on + 1]
        for case_id in cases_in(reader):
            for start, end in [*pairwise(times), (times[-1], times[1])]:
                before, after = (state(reader, case_id, t) for t in (start, end))
                if before is None and after is None:
                    continue
                found = diff(reader, case_id, start=start, end=end)
                assert found == changes(before, after)
                assert [change for change in found if change.old == change.new] == []


@QUICK
@given(HAPPENINGS)
def test_the_changes_of_a_history_make_the_present(store, happenings):
    """Applied one after the other from nothing, each to what the last one left."""
    domain = a_past(store, happenings)
    with store.snapshot(domain) as reader:
        for case_id in cases_in(reader):
            values: dict[str, Any] = {}
            steps = history(reader, case_id)
            for change in (change for step in steps for change in step.changes):
                assert values.get(change.name) == change.old
                values[change.name] = change.new
            left = {name: value for name, value in values.items() if value is not None}
            assert left == values_of(now(reader, case_id))
            positions = [step.position for step in steps]
            assert positions == sorted(set(positions))


@QUICK
@given(HAPPENINGS)
def test_the_forms_in_force_make_the_present(store, happenings):
    """And each value is said to be set by the last of them that changed it."""
    domain = a_past(store, happenings)
    with store.snapshot(domain) as reader:
        for case_id, case in cases_in(reader).items():
            forms = list(story_of(reader, case_id).forms_in_force())
            assert bool(forms) != case.is_void
            made = values_of(forms[-1].after) if forms else {}
            present = values_of(case)
            present.pop("deleted_on", None)
            assert made == present
            for name, value in present.items():
                found = why(reader, case_id, name)
                assert found.value == value
                assert found.set_by is not None
                assert found.set_by.changes[0].new == value
                setters = [found.set_by, *found.earlier]
                for later, sooner in pairwise(setters):
                    assert later.changes[0].old == sooner.changes[0].new


def told_of(touched):
    """Return what entries or forms changed, each change by itself, the latest first."""
    told = [
        (touch.entry.position, change)
        for touch in touched
        for change in changes(touch.before, touch.after)
    ]
    return told[::-1]


@QUICK
@given(HAPPENINGS)
def test_why_tells_what_all_that_touched_a_case_tells(store, happenings):
    """Each value that a case ever had, also those that nobody sets any more."""
    domain = a_past(store, happenings)
    with store.snapshot(domain) as reader:
        for case_id, case in cases_in(reader).items():
            entries = told_of(touches(reader, case_id))
            forms = told_of(story_of(reader, case_id).forms_in_force())
            steps = {step.position: step for step in history(reader, case_id)}
            for name in {change.name for _, change in [*entries, *forms]}:
                found = why(reader, case_id, name)
                assert (found.name, found.value) == (name, values_of(case).get(name))
                assert list(found.entries) == [
                    replace(steps[position], changes=(change,))
                    for position, change in entries
                    if change.name == name
                ]
                setting = [(p, change) for p, change in forms if change.name == name]
                setters = [found.set_by, *found.earlier] if found.set_by else []
                assert [(s.position, s.changes[0]) for s in setters] == setting
