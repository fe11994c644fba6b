"""Other bytes under a form's id: rules/case-xml.md 13, D-3 and D-9.

Whatever a test did, its log is then folded anew and must give the same rows.
"""

from __future__ import annotations

import pytest

from ledger import log
from ledger.entry import Kind
from ledger.errors import Conflict
from projections.feed.changed import changed_cases
from tests.kit import build
from tests.kit.states import form, state_of

pytestmark = pytest.mark.usefixtures("proved_domain")

MINUTE = 60_000_000


def in_state(store, state):
    return {i: row for i, row in build.forms_of(store).items() if row.state == state}


NOT_POSSIBLE = build.a_block(index={"parent": "gone"}, update={"p": "failed"})


# The table: what stood under the id, and what comes


@pytest.mark.parametrize("kind", [Kind.ARCHIVE, Kind.FORM_DELETE])
def test_the_same_bytes_are_a_duplicate_whatever_became_of_the_form(store, kind):
    """Rule 13.3: an archived form stays archived, a deleted one deleted."""
    body = form(build.a_create())
    build.submit(store, body)
    build.act(store, kind, "f")
    before = build.cases_of(store), state_of(store)
    receipt = build.submit(store, body)
    assert receipt.kind is Kind.DUPLICATE
    assert build.forms_of(store)[receipt.form_id].orig_form_id == "f"
    assert (build.cases_of(store), state_of(store)) == before


def test_after_an_edit_its_bytes_are_the_ones_that_count(store):
    """Rule 13.3: those of the newest version; older ones edit it back."""
    old, new = form(build.an_update(p="1")), form(build.an_update(p="2"))
    build.submit(store, old)
    build.submit(store, new)
    assert build.submit(store, new).kind is Kind.DUPLICATE
    assert build.submit(store, old).kind is Kind.EDIT
    assert build.case_of(store).properties == {"p": "1"}


@pytest.mark.parametrize("kind", [Kind.ARCHIVE, Kind.FORM_DELETE])
def test_another_xmlns_is_another_form_whatever_became_of_the_first(store, kind):
    """Rule 13.5: a new random id, and the form that stood there is let be."""
    build.submit(store, form(build.a_create()))
    build.act(store, kind, "f")
    before = build.forms_of(store)["f"]
    receipt = build.submit(store, form(build.a_create("c2"), xmlns="urn:other"))
    assert (receipt.kind, receipt.form_id == "f") == (Kind.NORMAL, False)
    assert build.forms_of(store)["f"] == before


def test_an_error_that_made_way_keeps_its_problem_under_a_new_id(store):
    """Rule 13.6: the new form has its own place, as if it were the first."""
    bad = build.submit(store, form(NOT_POSSIBLE))
    receipt = build.submit(store, form(build.a_create()))
    assert (receipt.kind, receipt.form_id) == (Kind.NORMAL, "f")
    ((moved, row),) = in_state(store, "error").items()
    assert (row.version, row.orig_form_id) == (bad.position, "f")
    assert moved != "f"
    assert build.case_of(store).folded_to.position == receipt.position


def test_an_error_may_make_way_for_another_error(store):
    """Rule 13.6: so often as it fails, and none is lost."""
    for value in ("1", "2", "3"):
        block = build.a_block(index={"parent": "gone"}, update={"p": value})
        assert build.submit(store, form(block)).kind is Kind.ERROR
    assert len(in_state(store, "error")) == 3
    assert build.submit(store, form(build.a_create())).kind is Kind.NORMAL


@pytest.mark.parametrize("deleted", [False, True])
def test_the_id_of_a_duplicate_is_taken(store, deleted):
    """Rule 13.2: whoever sends a form under it gets a new random id."""
    body = form(build.a_create())
    build.submit(store, body)
    duplicate = build.submit(store, body).form_id
    if deleted:
        build.act(store, Kind.FORM_DELETE, duplicate)
    before = build.forms_of(store)
    other = form(build.a_create("c2"), form_id=duplicate)
    receipt = build.submit(store, other)
    assert (receipt.kind, receipt.form_id in before) == (Kind.NORMAL, False)
    after = build.forms_of(store)
    assert {form_id: after[form_id] for form_id in before} == before


# Rules 13.10 and 13.11: the versions


def test_the_old_version_is_deprecated_under_a_new_id(store, clock):
    """Rule 13.10: with its bytes, and the id that is still alive."""
    first = build.submit(store, form(build.an_update(p="1")), clock=clock)
    clock.now += MINUTE
    edit = build.submit(store, form(build.an_update(p="2")), clock=clock)
    ((moved, row),) = in_state(store, "deprecated").items()
    assert (row.version, row.orig_form_id) == (first.position, "f")
    entry = build.entries_of(store)[-1]
    assert (entry.kind, entry.form_id) == (Kind.EDIT, "f")
    assert entry.details["deprecates"] == {
        "form_id": moved,
        "version": first.position,
    }
    assert (edit.form_id, state_of(store)) == ("f", "normal")


@pytest.mark.parametrize("submit_time", [None, build.NOW - 1, build.NOW + 9 * MINUTE])
def test_an_edit_keeps_the_time_and_the_place_of_the_first_version(
    store, clock, submit_time
):
    """Rule 13.11: received_on stays, whatever time the sender claims."""
    first = build.submit(store, form(build.an_update(p="1")), clock=clock)
    clock.now += MINUTE
    for value in ("2", "3"):
        body = form(build.an_update(p=value))
        build.submit(store, body, clock=clock, submit_time=submit_time)
    versions = build.entries_of(store)[1:]
    assert {entry.received_on for entry in versions} == {build.NOW + 1}
    assert {entry.form_position for entry in versions} == {first.position}
    assert len(in_state(store, "deprecated")) == 2


def test_attachments_that_do_not_come_again_are_taken_over(store):
    """Rules 11.4 and 13.10: one of the same name replaces, the old keeps its own."""
    body = form(build.a_block(attach={"photo": {"src": "a"}}))
    files = [build.a_file("a", b"old"), build.a_file("b", b"kept")]
    build.submit(store, body, attachments=files)
    edit = form(
        build.a_block(attach={"photo": {"src": "a"}, "scan": {"src": "b"}}),
    )
    receipt = build.submit(store, edit, attachments=[build.a_file("a", b"newer")])
    assert receipt.kind is Kind.EDIT
    old, new = build.entries_of(store)[1:]
    assert {a.name: a.length for a in old.attachments} == {"a": 3, "b": 4}
    assert {a.name: a.length for a in new.attachments} == {"a": 5, "b": 4}
    found = build.case_of(store).attachments
    assert {name: a.length for name, a in found.items()} == {"photo": 5, "scan": 4}


# Rule 13.12: the cases


def test_cases_of_the_old_and_the_new_version_are_rebuilt(store, clock):
    """Rule 13.12: each stamped with the time of the edit, each its microsecond."""
    build.submit(store, form(build.a_create("c1"), build.a_create("c2")), clock=clock)
    other = form(build.a_create("c3"), build.a_create("c9"), form_id="g")
    build.submit(store, other, clock=clock)
    clock.now += MINUTE
    edit = form(build.an_update("c2", p="2"), build.an_update("c3", p="2"))
    receipt = build.submit(store, edit, clock=clock)
    cases = build.cases_of(store)
    assert {
        i: case.indexed_on - clock.now
        for i, case in cases.items()
        if case.position == receipt.position
    } == {"c1": 0, "c2": 1, "c3": 2}
    stamps = {case.server_modified_on for i, case in cases.items() if i != "c9"}
    assert stamps == {"2024-03-05T09:01:00.000000Z"}


def test_an_edit_takes_the_old_place_in_the_order(store):
    """Rule 13.12: what a later form set stays set."""
    build.submit(store, form(build.a_create(update={"p": "1", "q": "1"})))
    build.submit(store, form(build.an_update(p="later"), form_id="g"))
    build.submit(store, form(build.a_create(update={"p": "2", "q": "2"})))
    case = build.case_of(store)
    assert case.properties == {"p": "later", "q": "2"}
    assert case.folded_to.position == 3


def test_an_edit_may_make_a_case_and_leave_another(store):
    """Rules 13.12 and D-9: what is named no more is gone like after an archive."""
    build.submit(store, form(build.a_create("c1", update={"external_id": "x"})))
    build.submit(store, form(build.a_create("c2")))
    cases = build.cases_of(store)
    assert cases["c2"].deleted_on is None
    left = cases["c1"]
    assert left.deleted_on == left.modified_on == left.server_modified_on
    assert (left.case_type, left.case_name, left.owner_id) == ("", "", "")
    assert (left.properties, left.external_id) == ({}, None)
    assert build.dump(store)["external_ids"] == []


def test_a_case_that_an_edit_dropped_comes_back_with_the_next(store):
    """Rule D-9: it begins from nothing, and is deleted no more."""
    build.submit(store, form(build.a_create(update={"p": "1"})))
    build.submit(store, form())
    assert build.case_of(store).deleted_on is not None
    build.submit(store, form(build.an_update(q="2")))
    case = build.case_of(store)
    assert (case.deleted_on, case.properties, case.case_name) == (None, {"q": "2"}, "")


def test_a_case_that_was_deleted_by_itself_stays_so_through_edits(store):
    """Rule 15.6: dropped and named again, it is still deleted, since that time."""
    build.submit(store, form(build.a_create()))
    build.write(store, build.a_flag("c1"))
    when = build.case_of(store).deleted_on
    build.submit(store, form())
    assert build.case_of(store).deleted_on == when
    build.submit(store, form(build.an_update(p="1")))
    case = build.case_of(store)
    assert (case.deleted_on, case.properties) == (when, {"p": "1"})


def test_a_form_and_its_edit_may_wait_together(store):
    """Rule 13.9: they are judged one after the other in one commit."""
    bodies = [form(build.an_update(p=value)) for value in "12"]
    found = build.write(store, *map(build.a_submission, bodies))
    assert [receipt.kind for receipt in found] == [Kind.NORMAL, Kind.EDIT]
    assert build.case_of(store).properties == {"p": "2"}


def test_a_form_that_an_api_made_can_be_edited(store):
    """Rule 13: whoever wrote the first version."""
    seen = []
    change = build.a_change(case_id="c1", properties={"p": "1"})
    build.submit(store, form(build.a_create()))
    build.write(store, build.changes(change, seen=seen.append))
    form_id = seen[0].form_id
    xmlns = "http://commcarehq.org/case_api"
    body = form(build.an_update(name="n"), form_id=form_id, xmlns=xmlns)
    assert build.submit(store, body).kind is Kind.EDIT
    assert build.case_of(store).properties == {"name": "n"}


# Rule 13.13: of forms that do not count


@pytest.mark.parametrize("kind", [Kind.ARCHIVE, Kind.FORM_DELETE])
def test_editing_a_form_that_was_withdrawn_makes_it_normal(store, kind):
    """Rule 13.13: the withdrawn version is deprecated; its cases stay gone."""
    build.submit(store, form(build.a_create("c1")))
    build.act(store, kind, "f")
    before = build.case_of(store, "c1")
    assert build.submit(store, form(build.a_create("c2"))).kind is Kind.EDIT
    assert (state_of(store), len(in_state(store, "deprecated"))) == ("normal", 1)
    assert build.case_of(store, "c1") == before
    assert build.case_of(store, "c2").deleted_on is None


# Rules 13.14 and 13.15: what fails


def test_a_failed_edit_leaves_every_case_as_it_was(store):
    """Rule 13.14: the new version is the error, the old one deprecated."""
    first = build.submit(store, form(build.a_create(update={"p": "1"})))
    before = build.derived(store)
    receipt = build.submit(store, form(NOT_POSSIBLE))
    assert (receipt.kind, receipt.form_id) == (Kind.ERROR, "f")
    assert receipt.problem.startswith("InvalidCaseIndex: ")
    assert not receipt.resubmitted
    forms = build.forms_of(store)
    assert (forms["f"].state, forms["f"].version) == ("error", receipt.position)
    (old,) = in_state(store, "deprecated").values()
    assert (old.version, old.orig_form_id) == (first.position, "f")
    after = build.derived(store)
    assert {n: after[n] for n in after if n != "forms"} == {
        n: before[n] for n in before if n != "forms"
    }
    with store.snapshot(build.DOMAIN) as reader:
        items = log.entries_after(reader, 0, limit=10)
        assert changed_cases(reader, items) == {1: (), 2: ("c1",), 3: ()}


@pytest.mark.parametrize("cause", ["rebuild", "late form", "another form's archive"])
def test_the_last_good_version_stays_in_force(store, cause):
    """Rule D-3: also when its case is rebuilt later."""
    build.submit(store, form(build.a_create(update={"p": "1"})))
    build.submit(store, form(build.an_update(q="1"), form_id="g"))
    build.submit(store, form(NOT_POSSIBLE))
    if cause == "rebuild":
        build.write(store, build.a_rebuild("c1"))
    elif cause == "late form":
        late = form(build.an_update(r="1"), form_id="h")
        build.submit(store, late, submit_time=build.NOW - MINUTE)
    else:
        build.act(store, Kind.ARCHIVE, "g")
    case = build.case_of(store)
    assert (case.case_name, case.properties["p"]) == ("Idris", "1")


def test_a_good_edit_follows_failed_ones(store):
    """Rules 13.14 and D-3: it replaces the version that was in force."""
    build.submit(store, form(build.a_create("c1")))
    for value in "12":
        block = build.a_block(index={"parent": "gone"}, update={"p": value})
        assert build.submit(store, form(block)).kind is Kind.ERROR
    assert build.submit(store, form(build.a_create("c2"))).kind is Kind.EDIT
    assert build.case_of(store, "c1").deleted_on is not None
    assert len(in_state(store, "deprecated")) == 3
    assert state_of(store) == "normal"


def test_a_failed_edit_that_comes_again_and_fails_again_appends_nothing(store):
    """Rules 13.3 and 13.4: answered as the error it is."""
    build.submit(store, form(build.a_create()))
    build.submit(store, form(NOT_POSSIBLE))
    before = build.dump(store)
    receipt = build.submit(store, form(NOT_POSSIBLE))
    assert (receipt.kind, receipt.resubmitted) == (Kind.ERROR, True)
    assert build.dump(store) == before


def test_a_failed_edit_that_comes_again_after_its_cause_is_gone_succeeds(store, clock):
    """Rule 13.4: reprocessed in the first version's place."""
    build.submit(store, form(build.a_create("c1")), clock=clock)
    build.submit(store, form(NOT_POSSIBLE, build.an_update("c2", p="1")), clock=clock)
    build.submit(store, form(build.a_create("gone"), form_id="g"), clock=clock)
    clock.now += MINUTE
    failed = form(NOT_POSSIBLE, build.an_update("c2", p="1"))
    assert build.submit(store, failed, clock=clock).kind is Kind.DUPLICATE
    kinds = [entry.kind for entry in build.entries_of(store)]
    assert kinds[-2:] == [Kind.REPROCESS, Kind.DUPLICATE]
    case = build.case_of(store, "c1")
    assert (case.properties, case.case_name) == ({"p": "failed"}, "")
    assert case.folded_to.position == 2
    assert case.server_modified_on == "2024-03-05T09:01:00.000000Z"
    assert build.case_of(store, "c2").properties == {"p": "1"}
    assert state_of(store) == "normal"


@pytest.mark.parametrize(
    ("kind", "undo"),
    [(Kind.ARCHIVE, Kind.UNARCHIVE), (Kind.FORM_DELETE, Kind.FORM_RESTORE)],
)
def test_a_failed_edit_of_a_withdrawn_form_brings_nothing_back(store, kind, undo):
    """Rule D-3: the last good version is still withdrawn; the form is an error now."""
    build.submit(store, form(build.a_create()))
    build.act(store, kind, "f")
    before = build.cases_of(store)
    assert build.submit(store, form(NOT_POSSIBLE)).kind is Kind.ERROR
    found = build.act(store, undo, "f")
    if undo is Kind.UNARCHIVE:
        assert isinstance(found, Conflict)
    else:
        assert [outcome.changed for outcome in found] == [False]
    assert (build.cases_of(store), state_of(store)) == (before, "error")


@pytest.mark.parametrize(
    "block",
    [
        NOT_POSSIBLE,
        build.a_block(update={"owner_id": "x" * 256}),
        build.a_block(update={"date_opened": "soon"}),
        build.a_block(attach={"photo": {"src": "never-sent.jpg"}}),
        build.a_block(date_modified="soon"),
    ],
)
def test_an_edit_is_checked_like_any_form(store, block):
    """Rules 12 and 13: whatever makes a form an error makes an edit one."""
    build.submit(store, form(build.a_create(), form_id="g"))
    before = build.cases_of(store)
    edit = build.submit(store, form(build.an_update(p="1"), block, form_id="g"))
    assert (edit.kind, edit.form_id) == (Kind.ERROR, "g")
    assert build.cases_of(store) == before


def test_a_defect_while_editing_leaves_the_old_version_alone(store):
    """Rule 13.15: the new bytes are kept as an error under an id of its own."""
    build.submit(store, form(build.a_create()))
    before, forms = build.cases_of(store), build.forms_of(store)
    command = build.a_submission(form(build.an_update(p="2")))
    with store.writing(build.DOMAIN) as writer:
        build.a_ledger().keep_failure(writer, command, RuntimeError("a defect"))
    after = build.forms_of(store)
    assert build.cases_of(store) == before
    assert after["f"] == forms["f"]
    ((form_id, row),) = in_state(store, "error").items()
    assert (form_id == "f", row.orig_form_id) == (False, "f")


def test_an_id_that_the_log_gave_to_an_old_version_is_not_taken(store):
    """Rule 13.2: another form gets one of its own, and the old version stays."""
    build.submit(store, form(build.an_update(p="1")))
    build.submit(store, form(build.an_update(p="2")))
    (moved,) = in_state(store, "deprecated")
    body = build.a_form([build.a_create("c2")], form_id=moved)
    receipt = build.submit(store, body)
    assert (receipt.kind, receipt.form_id == moved) == (Kind.NORMAL, False)
    assert build.forms_of(store)[moved].state == "deprecated"
