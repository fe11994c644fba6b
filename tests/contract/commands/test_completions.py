"""Forms that come in several submissions: rules/case-xml.md 13.20 to 13.23.

Whatever a test did, its log is then folded anew and must give the same rows.
"""

from __future__ import annotations

import pytest

from ledger.commands.completions import ChangeFiles
from ledger.entry import Author, Kind
from ledger.erasure.erase import EraseCases
from projections.feed.changed import changed_cases
from projections.forms.view import attachment_of, look_at_form
from projections.past.timeline import touches
from projections.undo.acts import acts_of, command_of, form_selection, user_selection
from tests.kit import build

pytestmark = pytest.mark.usefixtures("proved_domain")

BODY = build.a_form([build.a_create()], form_id="f")
NEEDS_TWO = build.a_form(
    [
        build.a_block(
            update={"p": "1"}, attach={"a": {"src": "a.jpg"}, "b": {"src": "b.jpg"}}
        )
    ],
    form_id="f",
)
A, B, C = (build.a_file(f"{name}.jpg", name.encode()) for name in "abc")
SOMEBODY = Author(user_id="u-somebody")


def send(store, *files, body=BODY, **more):
    return build.submit(store, body, attachments=files, **more)


def files_of(store, form_id="f"):
    with store.reading("demo") as r:
        found = look_at_form(r, form_id).version.attachments
        return {a.name: attachment_of(r, form_id, a.name)[1] for a in found}


def state_of(store, form_id="f"):
    return build.forms_of(store)[form_id].state


def change(store, kind, *positions, form_id="f"):
    command = ChangeFiles(
        form_ids=(form_id,), kind=kind, positions=frozenset(positions), author=SOMEBODY
    )
    ((outcome,),) = build.write(store, command)
    return outcome


def test_the_same_bytes_with_more_files_complete_the_form(store):
    """Rule 13.20: a success, and no case changes."""
    send(store, A)
    before = build.cases_of(store)
    receipts = [send(store, B), send(store, C, A)]
    assert [r.kind for r in receipts] == [Kind.COMPLETE, Kind.COMPLETE]
    assert {r.form_id for r in receipts} == {"f"}
    assert files_of(store) == {"a.jpg": b"a", "b.jpg": b"b", "c.jpg": b"c"}
    assert build.cases_of(store) == before
    assert set(build.forms_of(store)) == {"f"}
    entries = [(entry, None) for entry in build.entries_of(store)[-2:]]
    with store.reading("demo") as r:
        found = changed_cases(r, entries)
    assert set(found.values()) == {()}


def test_a_name_that_the_form_has_is_left_alone(store):
    """Rule 13.20: the first bytes stay, and alone they are a duplicate."""
    send(store, A)
    other = build.a_file("a.jpg", b"other")
    assert send(store, other, B).kind is Kind.COMPLETE
    assert files_of(store) == {"a.jpg": b"a", "b.jpg": b"b"}
    for files in ((), (A,), (other,), (A, B)):
        assert send(store, *files).kind is Kind.DUPLICATE
    assert files_of(store) == {"a.jpg": b"a", "b.jpg": b"b"}


def test_all_parts_may_come_in_one_commit(store):
    """Rule 13.9: each is judged by what the one before left."""
    commands = [build.a_submission(BODY, attachments=[f]) for f in (A, B, C, C)]
    kinds = [receipt.kind for receipt in build.write(store, *commands)]
    assert kinds == [Kind.NORMAL, Kind.COMPLETE, Kind.COMPLETE, Kind.DUPLICATE]
    assert set(files_of(store)) == {"a.jpg", "b.jpg", "c.jpg"}


def test_a_form_that_lacked_a_file_is_run_again_with_all(store):
    """Rule 13.21: it counts when the last one came."""
    first, second = send(store, A, body=NEEDS_TWO), send(store, C, body=NEEDS_TWO)
    assert first.kind is second.kind is Kind.ERROR
    assert second.problem == "AttachmentNotFound: f: 'b.jpg'"
    assert state_of(store) == "error"
    assert send(store, B, body=NEEDS_TWO).kind is Kind.COMPLETE
    assert state_of(store) == "normal"
    case = build.case_of(store)
    assert (case.properties, set(case.attachments)) == ({"p": "1"}, {"a", "b"})
    with store.reading("demo") as r:
        view = look_at_form(r, "f")
        assert (view.processed, view.in_force) == (True, "f")
        assert [touch.entry.kind for touch in touches(r, "c1")] == [Kind.COMPLETE]


def test_what_completed_a_form_is_part_of_all_that_follows(store):
    """Rules 11.4 and 15.3: of edits, and of a form that is withdrawn and comes back."""
    send(store, A, body=NEEDS_TWO)
    send(store, B, body=NEEDS_TWO)
    send(store, C, body=NEEDS_TWO)
    before = build.case_of(store).attachments
    build.act(store, Kind.ARCHIVE, "f")
    assert build.case_of(store).is_void
    assert send(store, build.a_file("d.jpg"), body=NEEDS_TWO).kind is Kind.COMPLETE
    assert state_of(store) == "archived"
    build.act(store, Kind.UNARCHIVE, "f")
    assert build.case_of(store).attachments == before
    send(store, body=NEEDS_TWO.replace(b"<p>1</p>", b"<p>2</p>"))
    assert set(files_of(store)) == {"a.jpg", "b.jpg", "c.jpg", "d.jpg"}
    assert build.case_of(store).properties == {"p": "2"}


def test_a_deleted_form_is_not_completed(store):
    """Rule 13.3: whoever sends it is told that it was deleted."""
    send(store, A)
    build.act(store, Kind.FORM_DELETE, "f")
    receipt = send(store, B)
    assert (receipt.kind, bool(receipt.notice)) == (Kind.DUPLICATE, True)
    build.act(store, Kind.FORM_RESTORE, "f")
    assert files_of(store) == {"a.jpg": b"a"}


def test_an_edit_that_failed_can_be_completed(store):
    """Rules D-3 and 13.21: until then the version before stays in force."""
    old = build.a_form([build.an_update(p="0")], form_id="f")
    send(store, body=old)
    assert send(store, A, body=NEEDS_TWO).kind is Kind.ERROR
    assert build.case_of(store).properties == {"p": "0"}
    receipt = send(store, B, body=NEEDS_TWO)
    assert build.case_of(store).properties == {"p": "1"}
    outcome = change(store, Kind.UNCOMPLETE, receipt.position)
    assert (outcome.changed, outcome.state) == (True, "error")
    assert build.case_of(store).properties == {"p": "0"}
    assert change(store, Kind.COMPLETE, outcome.position).state == "normal"
    assert build.case_of(store).properties == {"p": "1"}


def test_undoing_what_completed_a_form_takes_those_files_away(store):
    """Rule 13.22: those of this completion only, and it can be undone itself."""
    send(store, A)
    by_other, last = send(store, B, author=SOMEBODY), send(store, C)
    before = build.cases_of(store)
    outcome = change(store, Kind.UNCOMPLETE, by_other.position)
    assert (outcome.changed, outcome.state) == (True, "normal")
    assert files_of(store) == {"a.jpg": b"a", "c.jpg": b"c"}
    assert not change(store, Kind.UNCOMPLETE, by_other.position).changed
    change(store, Kind.UNCOMPLETE, last.position)
    assert files_of(store) == {"a.jpg": b"a"}
    change(store, Kind.COMPLETE, outcome.position)
    assert files_of(store) == {"a.jpg": b"a", "b.jpg": b"b"}
    assert build.cases_of(store) == before


def test_without_its_files_a_form_is_the_error_that_it_was(store):
    """Rule 13.22: with its problem, and the same files make it normal again."""
    send(store, A, body=NEEDS_TWO)
    receipt = send(store, B, body=NEEDS_TWO)
    assert change(store, Kind.UNCOMPLETE, receipt.position).state == "error"
    assert build.case_of(store).is_void
    with store.reading("demo") as r:
        assert look_at_form(r, "f").version.problem == "AttachmentNotFound: f: 'b.jpg'"
    assert send(store, B, body=NEEDS_TWO).kind is Kind.COMPLETE
    assert build.case_of(store).properties == {"p": "1"}


def test_a_form_is_an_error_again_for_any_file_that_it_needs(store):
    """Rule 13.22: also for one that came before the one with which it was folded."""
    send(store, body=NEEDS_TWO)
    first = send(store, A, body=NEEDS_TWO, author=SOMEBODY)
    assert send(store, B, body=NEEDS_TWO).kind is Kind.COMPLETE
    outcome = change(store, Kind.UNCOMPLETE, first.position)
    assert outcome.state == "error"
    assert build.case_of(store).is_void
    with store.reading("demo") as r:
        assert look_at_form(r, "f").version.problem == "AttachmentNotFound: f: 'a.jpg'"
    assert change(store, Kind.COMPLETE, outcome.position).state == "normal"
    assert set(build.case_of(store).attachments) == {"a", "b"}


def test_a_form_that_was_reprocessed_with_a_file_needs_it_too(store):
    """Rule 13.22: whatever it was that let it be folded."""
    block = build.a_create(attach={"a": {"src": "a.jpg"}}, index={"parent": "p1"})
    body = build.a_form([block], form_id="f")
    send(store, body=body)
    brought = send(store, A, body=body)
    assert brought.problem.startswith("InvalidCaseIndex")
    build.submit(store, build.a_form([build.a_create("p1")]))
    build.act(store, Kind.REPROCESS, "f")
    assert change(store, Kind.UNCOMPLETE, brought.position).state == "error"
    assert "c1" not in build.cases_of(store) or build.case_of(store).is_void
    build.act(store, Kind.ARCHIVE, "f", strict=False)
    assert send(store, A, body=body).kind is Kind.COMPLETE
    assert set(build.case_of(store).attachments) == {"a"}


def test_a_form_that_needs_no_file_stays_as_it_is(store):
    """Rule 13.22: though it was folded when the file came."""
    block = build.a_create(index={"parent": "p1"})
    body = build.a_form([block], form_id="f")
    assert send(store, body=body).kind is Kind.ERROR
    build.submit(store, build.a_form([build.a_create("p1")]))
    receipt = send(store, C, body=body)
    assert receipt.kind is Kind.COMPLETE
    assert change(store, Kind.UNCOMPLETE, receipt.position).state == "normal"
    assert (files_of(store), state_of(store)) == ({}, "normal")


def test_an_undo_of_a_user_takes_back_the_files_that_he_brought(store):
    """Rule 13.22: an undo of the form withdraws it with all of its files."""
    send(store, A)
    send(store, B, author=SOMEBODY)
    send(store, C, author=SOMEBODY)
    with store.reading("demo") as r:
        whole = acts_of(r, form_selection(r, "f"))
        found = acts_of(r, user_selection(r, "u-somebody", since=0, until=2**60))
    assert [act.kind for act in whole.acts] == [Kind.ARCHIVE]
    assert [act.kind for act in found.acts] == [Kind.UNCOMPLETE]
    build.write(store, command_of(found.acts, author=SOMEBODY, job_id="j1"))
    assert files_of(store) == {"a.jpg": b"a"}


@pytest.mark.parametrize("kind", [Kind.COMPLETE, Kind.UNCOMPLETE])
def test_files_of_a_form_that_cannot_change_are_let_be(store, kind):
    """Rule 13.22: the outcome says why."""
    send(store, A)
    receipt = send(store, B)
    build.act(store, Kind.FORM_DELETE, "f")
    outcome = change(store, kind, receipt.position)
    assert (outcome.changed, outcome.state) == (False, "deleted")
    assert outcome.problem == "The files of form 'f' cannot change now"
    assert not change(store, kind, 1, form_id="nobody").changed


def test_an_erasure_reaches_every_version_and_its_files(store):
    """Rule 16.6: what completed a form holds its bytes too."""
    send(store, A)
    send(store, B)
    command = EraseCases(case_ids=("c1",), author=SOMEBODY, reason="asked for")
    (erased,) = build.write(store, command)
    assert (erased.bodies, erased.blobs) == (2, 2)
    assert send(store, C).kind is Kind.DUPLICATE
