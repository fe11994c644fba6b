"""Forms withdrawn and brought back: rules/case-xml.md 14 and 15.

Whatever a test did, its log is then folded anew and must give the same rows.
"""

from __future__ import annotations

import pytest

from ledger.entry import Kind
from ledger.errors import Conflict, NotFound
from projections.rule.fold import (
    FORM,
)
from tests.kit import build
from tests.kit.states import actions_of, form, state_of

pytestmark = pytest.mark.usefixtures("proved_domain")

MINUTE = 60_000_000
LATER = "2024-03-05T09:01:00.000000Z"
WITHDRAWALS = [
    (Kind.ARCHIVE, Kind.UNARCHIVE, "archived"),
    (Kind.FORM_DELETE, Kind.FORM_RESTORE, "deleted"),
]
withdrawn = pytest.mark.parametrize(("kind", "undo", "state"), WITHDRAWALS)


def in_every_state(store):
    """Make a form in every state; return the ids by state."""
    bad = build.a_block("c8", index={"parent": "gone"})
    build.submit(store, form(build.an_update(p="normal"), form_id="normal"))
    build.submit(store, form(build.an_update(p="archived"), form_id="archived"))
    build.act(store, Kind.ARCHIVE, "archived")
    build.submit(store, form(build.an_update(p="deleted"), form_id="deleted"))
    build.act(store, Kind.FORM_DELETE, "deleted")
    build.submit(store, form(bad, form_id="error"))
    again = build.submit(store, form(build.an_update(p="normal"), form_id="normal"))
    broken = build.submit(store, b"<a")
    build.submit(store, form(build.an_update(q="old"), form_id="edited"))
    build.submit(store, form(build.an_update(q="new"), form_id="edited"))
    forms = build.forms_of(store).items()
    (deprecated,) = (i for i, row in forms if row.state == "deprecated")
    named = {name: name for name in ("normal", "archived", "deleted", "error")}
    return named | {
        "duplicate": again.form_id,
        "submission_error": broken.form_id,
        "deprecated": deprecated,
    }


# Rule 14: the states, and what can be done in each


def test_only_what_is_normal_is_effective_in_the_fold(store):
    """Rule 14.1: archived, deleted, deprecated, duplicate, error forms do not count."""
    forms = in_every_state(store)
    found = {state: state_of(store, form_id) for state, form_id in forms.items()}
    assert found == {state: state for state in forms}
    assert build.case_of(store).properties == {"p": "normal", "q": "new"}
    assert "c8" not in build.cases_of(store)


POSSIBLE = {
    Kind.ARCHIVE: ({"normal"}, {"archived"}),
    Kind.UNARCHIVE: ({"archived"}, {"normal"}),
    Kind.FORM_DELETE: (
        {"normal", "archived", "error", "duplicate", "submission_error"},
        {"deleted"},
    ),
    Kind.FORM_RESTORE: (
        {"deleted"},
        {
            "normal",
            "archived",
            "error",
            "duplicate",
            "submission_error",
            "deprecated",
        },
    ),
    Kind.REPROCESS: ({"error"}, {"normal"}),
}


@pytest.mark.parametrize("kind", POSSIBLE)
def test_an_act_is_done_or_done_already_or_refused(store, kind):
    """Rules 15.1 and 15.2: a repeated act is a no-op, an impossible one is named."""
    able, already = POSSIBLE[kind]
    forms = in_every_state(store)
    # So that the error form can be run again.
    build.submit(store, form(build.a_create("gone"), form_id="g"))
    for state, form_id in forms.items():
        before = build.dump(store)
        found = build.act(store, kind, form_id)
        if state in able:
            assert [outcome.changed for outcome in found] == [True], state
            assert found[0].state == state_of(store, form_id) != state
            assert found[0].position == build.entries_of(store)[-1].position
        elif state in already:
            (outcome,) = found
            told = (outcome.changed, outcome.position, outcome.problem)
            assert told == (False, None, None), state
            assert build.dump(store) == before
        else:
            assert isinstance(found, Conflict), state
            assert form_id in str(found)
            assert build.dump(store) == before


def test_an_unknown_form_cannot_be_changed(store):
    """Rule 15.2: named in the refusal; when nobody is strict, in its outcome."""
    build.submit(store, form(build.a_create()))
    refused = build.act(store, Kind.ARCHIVE, "f", "nobody")
    assert isinstance(refused, NotFound)
    assert str(refused) == "Form 'nobody' not found"
    assert state_of(store) == "normal"
    found = build.act(store, Kind.ARCHIVE, "nobody", "f", strict=False)
    assert [(outcome.form_id, outcome.changed) for outcome in found] == [
        ("nobody", False),
        ("f", True),
    ]
    assert found[0].problem == "Form 'nobody' not found"


def test_when_strict_one_impossible_form_spares_all(store):
    """Rule 15: all are looked at before any is changed."""
    forms = in_every_state(store)
    before = build.dump(store)
    assert isinstance(build.act(store, Kind.ARCHIVE, "normal", "error"), Conflict)
    assert build.dump(store) == before
    found = build.act(store, Kind.ARCHIVE, "error", "normal", strict=False)
    assert [outcome.changed for outcome in found] == [False, True]
    assert "error" in found[0].problem
    assert state_of(store, forms["normal"]) == "archived"


@withdrawn
def test_the_same_form_twice_in_one_act_is_changed_once(store, kind, undo, state):
    """Rule 15.1: a no-op, in one command and in two."""
    build.submit(store, form(build.a_create()))
    twice = build.act(store, kind, "f", "f")
    assert [outcome.changed for outcome in twice] == [True, False]
    assert [outcome.state for outcome in twice] == [state, state]
    assert [e.kind for e in build.entries_of(store)].count(kind) == 1
    assert [outcome.changed for outcome in build.act(store, undo, "f", "f")] == [
        True,
        False,
    ]


@withdrawn
def test_a_dry_run_of_an_act_changes_nothing(store, kind, undo, state):
    """What would become of the form is answered."""
    build.submit(store, form(build.a_create()))
    before = build.dump(store)
    (outcome,) = build.act(store, kind, "f", dry_run=True)
    assert (outcome.changed, outcome.state) == (True, state)
    assert build.dump(store) == before


def test_who_did_it_and_why_stands_in_the_log(store):
    """Rule 14.3: the operation with its user; the reason and the job beside."""
    first = build.submit(store, form(build.a_create()))
    build.act(store, Kind.ARCHIVE, "f", reason="a test form", job_id="j1")
    entry = build.entries_of(store)[-1]
    assert (entry.kind, entry.form_id) == (Kind.ARCHIVE, "f")
    assert entry.user_id == build.USER
    assert (entry.form_position, entry.received_on) == (2, build.NOW + 1)
    assert entry.details["version"] == first.position
    assert (entry.details["reason"], entry.details["job"]) == ("a test form", "j1")


# Rule 15: what archiving and deleting a form does to its cases


@withdrawn
def test_each_case_of_a_withdrawn_form_is_rebuilt(store, clock, kind, undo, state):
    """Rule 15.3: cases it names, ascending, each with its own microsecond."""
    build.submit(store, form(build.a_create("c2"), build.a_create("c1")), clock=clock)
    build.submit(store, form(build.a_create("c9"), form_id="g"), clock=clock)
    clock.now += MINUTE
    (outcome,) = build.act(store, kind, "f", clock=clock)
    cases = build.cases_of(store)
    assert {
        i: case.indexed_on - clock.now
        for i, case in cases.items()
        if case.position == outcome.position
    } == {"c1": 0, "c2": 1}
    assert cases["c1"].server_modified_on == LATER
    assert cases["c9"].server_modified_on < LATER


@withdrawn
def test_what_comes_back_is_what_was(store, kind, undo, state):
    """Rule 15.3: transactions are valid again; only times and places are new."""
    first = build.a_create(
        update={"p": "1", "external_id": "x", "location_id": "l"},
        index={"parent": ("c1", "t", "extension")},
        attach={"photo": {"src": "photo.jpg"}},
        close=True,
    )
    build.submit(store, form(first), attachments=[build.a_file()])
    build.submit(store, form(build.an_update(p="2"), form_id="g"))
    before, actions = build.dump(store), actions_of(store)
    build.act(store, kind, "f")
    assert state_of(store) == state
    build.act(store, undo, "f")
    assert state_of(store) == "normal"
    after = build.dump(store)
    for table in ("case_indices", "external_ids", "case_counts"):
        assert [r for r in after[table] if r[-1]] == [r for r in before[table] if r[-1]]
    restored = [bits for bits in actions_of(store) if bits & FORM]
    assert restored == actions
    columns = {"indexed_on", "position", "server_modified_on"}
    (row,), (old,) = after["cases"], before["cases"]
    assert sum(a != b for a, b in zip(row, old, strict=True)) == len(columns)


@withdrawn
def test_without_its_only_form_a_case_is_deleted(store, clock, kind, undo, state):
    """Rule 15.5: the case is void until the form is back."""
    block = build.a_create(update={"external_id": "x", "location_id": "l"}, close=True)
    build.submit(store, form(block), clock=clock)
    before = build.case_of(store)
    clock.now += MINUTE
    build.act(store, kind, "f", clock=clock)
    case = build.case_of(store)
    assert case.deleted_on == case.modified_on == case.server_modified_on == LATER
    assert (case.case_type, case.case_name, case.owner_id) == ("", "", "")
    assert (case.opened_on, case.opened_by, case.modified_by) == ("", "", "")
    assert (case.closed, case.closed_on, case.closed_by) == (False, None, "")
    assert (case.external_id, case.location_id) == (None, None)
    assert [row for row in build.dump(store)["case_counts"] if row[3]] == []
    build.act(store, undo, "f", clock=clock)
    case = build.case_of(store)
    assert (case.deleted_on, case.case_name) == (None, before.case_name)
    assert (case.modified_on, case.opened_on) == (before.modified_on, before.opened_on)


@withdrawn
def test_without_its_creating_form_a_case_stays(store, kind, undo, state):
    """Rule 15.4: what only it said vanishes, the rest falls back."""
    build.submit(store, form(build.a_create(update={"p": "1", "q": "1"})))
    other = build.a_block(
        update={"q": "2"}, user_id="u-omar", date_modified="2024-04-01"
    )
    build.submit(store, form(other, form_id="g"))
    build.act(store, kind, "f")
    case = build.case_of(store)
    assert (case.case_type, case.case_name) == ("", "")
    assert case.properties == {"q": "2"}
    assert (case.opened_by, case.owner_id) == ("u-omar", "u-omar")
    assert case.opened_on == "2024-04-01T00:00:00.000000Z"
    assert case.deleted_on is None


@withdrawn
def test_without_its_closing_form_a_case_is_open_again(store, kind, undo, state):
    """Rule 15.4."""
    build.submit(store, form(build.a_create(), form_id="g"))
    build.submit(store, form(build.a_block(close=True)))
    build.act(store, kind, "f")
    case = build.case_of(store)
    assert (case.closed, case.closed_on, case.closed_by) == (False, None, "")


@withdrawn
def test_without_the_form_that_set_it_an_index_disappears(store, kind, undo, state):
    """Rule 15.4: not even a tombstone is left."""
    build.submit(store, form(build.a_create("c1"), build.a_create("c2"), form_id="g"))
    build.submit(store, form(build.a_block(index={"parent": "c2"})))
    build.act(store, kind, "f")
    assert build.case_of(store).indices == {}
    assert build.dump(store)["case_indices"] == []


@withdrawn
def test_a_case_that_was_deleted_by_itself_stays_deleted(store, kind, undo, state):
    """Rule 15.6: through withdrawal and return."""
    build.submit(store, form(build.a_create()))
    build.write(store, build.a_flag("c1"))
    when = build.case_of(store).deleted_on
    build.act(store, kind, "f")
    assert build.case_of(store).deleted_on == when
    build.act(store, undo, "f")
    case = build.case_of(store)
    assert (case.deleted_on, case.case_name) == (when, "Idris")


@withdrawn
def test_modified_on_is_the_maximum_of_what_remains(store, kind, undo, state):
    """Rule 15.4."""
    for form_id, day in (("g", "2024-01-02"), ("f", "2024-01-03"), ("h", "2024-01-01")):
        block = build.a_block(date_modified=day)
        build.submit(store, form(block, form_id=form_id))
    build.act(store, kind, "f")
    assert build.case_of(store).modified_on == "2024-01-02T00:00:00.000000Z"


@withdrawn
def test_a_withdrawn_form_is_no_part_of_a_rebuild(store, kind, undo, state):
    """Rule 16.3: neither when one is asked for, nor when a late form causes one."""
    build.submit(store, form(build.a_create(update={"p": "1"})))
    build.submit(store, form(build.an_update(q="1"), form_id="g"))
    build.act(store, kind, "f")
    build.write(store, build.a_rebuild("c1"))
    late = form(build.an_update(r="1"), form_id="h")
    build.submit(store, late, submit_time=build.NOW - MINUTE)
    assert build.case_of(store).properties == {"q": "1", "r": "1"}


def test_deleting_an_archived_form_touches_no_case(store):
    """Rule 15.1: restored it is archived, as it was."""
    build.submit(store, form(build.a_create()))
    build.act(store, Kind.ARCHIVE, "f")
    before = build.cases_of(store)
    build.act(store, Kind.FORM_DELETE, "f")
    build.act(store, Kind.FORM_RESTORE, "f")
    assert (build.cases_of(store), state_of(store)) == (before, "archived")
    build.act(store, Kind.UNARCHIVE, "f")
    assert build.case_of(store).deleted_on is None


def test_deleting_a_form_that_never_counted_touches_no_case(store):
    """Rule 15.1: an error or a duplicate is flagged, and comes back as what it was."""
    forms = in_every_state(store)
    before = build.cases_of(store)
    for state in ("error", "duplicate", "submission_error"):
        old = build.forms_of(store)[forms[state]]
        build.act(store, Kind.FORM_DELETE, forms[state])
        build.act(store, Kind.FORM_RESTORE, forms[state])
        new = build.forms_of(store)[forms[state]]
        assert new[1:] == old[1:]
    assert build.cases_of(store) == before


def test_a_new_form_wakes_a_void_case(store, clock):
    """Rules 15.5 and 8.1: it begins from nothing, as if the id were new."""
    build.submit(store, form(build.a_create(update={"p": "1"})), clock=clock)
    build.act(store, Kind.ARCHIVE, "f", clock=clock)
    clock.now += MINUTE
    build.submit(store, form(build.an_update(q="2"), form_id="g"), clock=clock)
    case = build.case_of(store)
    assert (case.deleted_on, case.case_name) == (None, "")
    assert case.properties == {"q": "2"}
    assert case.server_modified_on == LATER
    build.act(store, Kind.UNARCHIVE, "f", clock=clock)
    assert build.case_of(store).properties == {"p": "1", "q": "2"}
