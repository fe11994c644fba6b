"""Cases deleted, rebuilt, and forms run again: rules/case-xml.md 15 and 16.

Whatever a test did, its log is then folded anew and must give the same rows.
"""

from __future__ import annotations

import pytest

from ledger.entry import Kind
from ledger.errors import Conflict
from projections.rule.fold import (
    CLOSE,
    CREATE,
    EDIT,
    FORM,
    FORM_STATE,
    REBUILD,
    REPROCESSED,
    REQUESTED,
    REVOKED,
)
from tests.kit import build
from tests.kit.states import actions_of, form, state_of

pytestmark = pytest.mark.usefixtures("proved_domain")

MINUTE = 60_000_000
LATER = "2024-03-05T09:01:00.000000Z"


# Rule 15.6: deletion of cases


def test_forms_still_apply_to_a_deleted_case(store):
    """Rule 15.6: flag and time; it is in no list."""
    build.submit(store, form(build.a_create(update={"external_id": "x"})))
    build.write(store, build.a_flag("c1"))
    when = build.case_of(store).deleted_on
    build.submit(store, form(build.an_update(p="1"), form_id="g"))
    case = build.case_of(store)
    assert (case.deleted_on, case.properties) == (when, {"p": "1"})
    assert [row for row in build.dump(store)["case_counts"] if row[3]] == []
    build.write(store, build.a_flag("c1", kind=Kind.CASE_RESTORE))
    assert build.case_of(store).deleted_on is None


def test_only_cases_that_are_not_deleted_yet_are_deleted(store):
    """Rule 15.6: the others keep their time, untouched; none left, no entry."""
    build.submit(store, form(build.a_create("c1"), build.a_create("c2")))
    build.write(store, build.a_flag("c1"))
    before = build.case_of(store, "c1")
    (receipt,) = build.write(store, build.a_flag("c2", "c1"))
    assert build.entries_of(store)[-1].details["case_ids"] == ["c2"]
    assert build.case_of(store, "c1") == before
    assert build.case_of(store, "c2").position == receipt.position
    dump = build.dump(store)
    (again,) = build.write(store, build.a_flag("c1", "c2"))
    assert again.position is None
    assert build.dump(store) == dump
    (restored,) = build.write(store, build.a_flag("c2", kind=Kind.CASE_RESTORE))
    (again,) = build.write(store, build.a_flag("c2", kind=Kind.CASE_RESTORE))
    assert (restored.position, again.position) == (5, None)


def test_a_void_case_can_be_deleted_by_itself_too(store):
    """Rule 15.6: its form comes back, but the case does not until it is restored."""
    build.submit(store, form(build.a_create()))
    build.act(store, Kind.ARCHIVE, "f")
    void = build.case_of(store)
    (nothing,) = build.write(store, build.a_flag("c1", kind=Kind.CASE_RESTORE))
    assert nothing.position is None
    build.write(store, build.a_flag("c1"))
    when = build.case_of(store).deleted_on
    assert when > void.deleted_on
    build.act(store, Kind.UNARCHIVE, "f")
    assert build.case_of(store).deleted_on == when
    build.write(store, build.a_flag("c1", kind=Kind.CASE_RESTORE))
    assert build.case_of(store).deleted_on is None


def test_a_void_case_that_is_restored_is_still_void(store):
    """Rule 15.6: the flag goes; that no form is in force stays."""
    build.submit(store, form(build.a_create()))
    build.act(store, Kind.ARCHIVE, "f")
    build.write(store, build.a_flag("c1"))
    build.write(store, build.a_flag("c1", kind=Kind.CASE_RESTORE))
    assert build.case_of(store).deleted_on is not None
    build.act(store, Kind.UNARCHIVE, "f")
    assert build.case_of(store).deleted_on is None


# Rule 16: rebuilds and rows of the history


def test_a_rebuild_that_was_asked_for_gives_the_same_case(store, clock):
    """Rule 16.6: same state, a new time; each case its microsecond."""
    blocks = [build.a_create(i, update={"p": i}) for i in ("c2", "c1")]
    build.submit(store, form(*blocks), clock=clock)
    before = build.cases_of(store)
    clock.now += MINUTE
    (receipt,) = build.write(store, build.a_rebuild("c2", "c1", "c2"), clock=clock)
    after = build.cases_of(store)
    for place, case_id in enumerate(("c1", "c2")):
        case = after[case_id]
        assert case.server_modified_on == LATER
        assert (case.indexed_on, case.position) == (
            clock.now + place,
            receipt.position,
        )
        assert (case.modified_on, case.properties, case.folded_to) == (
            before[case_id].modified_on,
            before[case_id].properties,
            before[case_id].folded_to,
        )
    assert build.entries_of(store)[-1].details["case_ids"] == ["c1", "c2"]


def test_a_rebuild_of_an_unknown_case_is_refused(store):
    """Rule 16: named, and nothing happens to the others."""
    build.submit(store, form(build.a_create()))
    before = build.dump(store)
    (refused,) = build.write(store, build.a_rebuild("c1", "nobody"))
    assert isinstance(refused, Conflict)
    assert "nobody" in str(refused)
    assert build.dump(store) == before


def test_the_modified_on_of_a_case_without_forms_is_the_time_of_its_rebuild(
    store, clock
):
    """Rule 16.3: and it stays deleted since when it was."""
    build.submit(store, form(build.a_create()), clock=clock)
    build.act(store, Kind.ARCHIVE, "f", clock=clock)
    when = build.case_of(store).deleted_on
    clock.now += MINUTE
    build.write(store, build.a_rebuild("c1"), clock=clock)
    case = build.case_of(store)
    assert (case.modified_on, case.server_modified_on) == (LATER, LATER)
    assert case.deleted_on == when < LATER


def test_a_rebuild_is_folded_in_the_order_of_receive_times(store):
    """Rules 16.3 and D-2: by received_on, and by arrival where that is the same."""
    late = build.NOW - MINUTE
    build.submit(store, form(build.an_update(p="1"), form_id="a"))
    build.submit(store, form(build.an_update(p="2"), form_id="b"), submit_time=late)
    build.submit(store, form(build.an_update(p="3"), form_id="c"), submit_time=late)
    assert build.case_of(store).properties == {"p": "1"}
    build.act(store, Kind.ARCHIVE, "a")
    assert build.case_of(store).properties == {"p": "3"}
    build.act(store, Kind.ARCHIVE, "c")
    assert build.case_of(store).properties == {"p": "2"}


def test_a_rebuild_resets_the_location(store):
    """Rule D-11: what no form in force says is not there."""
    build.submit(store, form(build.a_create(), form_id="g"))
    build.submit(store, form(build.an_update(location_id="here")))
    build.act(store, Kind.ARCHIVE, "f")
    assert build.case_of(store).location_id is None


def test_every_transaction_has_its_type(store):
    """Rule 16.2: forms with what they did, and each rebuild with its reason."""
    build.submit(store, form(build.a_create()))
    assert actions_of(store) == [FORM | CREATE]
    build.act(store, Kind.ARCHIVE, "f")
    form_state = REBUILD | FORM_STATE
    assert actions_of(store) == [FORM | CREATE | REVOKED, form_state]
    build.act(store, Kind.UNARCHIVE, "f")
    assert actions_of(store) == [FORM | CREATE, form_state, form_state]
    build.submit(store, form(build.a_block(close=True)))
    assert actions_of(store)[0] == FORM | CLOSE
    assert actions_of(store)[-1] == REBUILD | EDIT
    build.write(store, build.a_rebuild("c1"))
    assert actions_of(store)[-1] == REBUILD | REQUESTED


# Rules 12.6 and 16: an error form that is run again


def test_an_error_form_is_reprocessed_at_its_own_place(store, clock):
    """Rules 12.6 and 16.4: position unchanged, a rebuild of its cases."""
    bad = build.a_block(index={"parent": "c2"}, update={"p": "1", "q": "1"})
    first = build.submit(store, form(bad), clock=clock)
    other = build.an_update("c1", p="later")
    build.submit(store, form(build.a_create("c2"), other, form_id="g"), clock=clock)
    clock.now += MINUTE
    (outcome,) = build.act(store, Kind.REPROCESS, "f", clock=clock)
    assert (outcome.changed, outcome.state) == (True, "normal")
    case = build.case_of(store)
    assert case.properties == {"p": "later", "q": "1"}
    assert case.server_modified_on == LATER
    row = build.forms_of(store)["f"]
    assert (row.form_position, row.version) == (first.position, first.position)
    assert actions_of(store)[-1] == REBUILD | REPROCESSED


def test_an_error_form_that_fails_again_stays_one(store):
    """Rule 12.6: nothing is appended; the outcome says why, strict or not."""
    build.submit(store, form(build.a_block(index={"parent": "gone"})))
    before = build.dump(store)
    for strict in (True, False):
        (outcome,) = build.act(store, Kind.REPROCESS, "f", strict=strict)
        assert (outcome.changed, outcome.state) == (False, "error")
        assert outcome.problem.startswith("InvalidCaseIndex: ")
    assert build.dump(store) == before


def test_a_failed_edit_that_is_reprocessed_is_in_force(store):
    """Rule D-3: the version that failed takes the place of the last good one."""
    build.submit(store, form(build.a_create("c1")))
    edit = build.a_block("c3", index={"parent": "c2"})
    build.submit(store, form(edit))
    build.submit(store, form(build.a_create("c2"), form_id="g"))
    (outcome,) = build.act(store, Kind.REPROCESS, "f")
    assert (outcome.changed, outcome.state) == (True, "normal")
    cases = build.cases_of(store)
    assert cases["c1"].deleted_on is not None
    assert list(cases["c3"].live_indices) == ["parent"]


def test_deleting_a_form_whose_edit_failed_takes_the_last_good_version_along(store):
    """Rules D-3 and 15: it was in force; restored it is again, and the error stands."""
    build.submit(store, form(build.a_create()))
    build.submit(store, form(build.a_block(index={"parent": "gone"})))
    build.act(store, Kind.FORM_DELETE, "f")
    assert build.case_of(store).deleted_on is not None
    build.act(store, Kind.FORM_RESTORE, "f")
    assert build.case_of(store).case_name == "Idris"
    assert state_of(store) == "error"
