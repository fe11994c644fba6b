"""Edits with an id of their own: rules/case-xml.md 13.16 to 13.19.

Whatever a test did, its log is then folded anew and must give the same rows.
"""

from __future__ import annotations

import pytest

from ledger.entry import Kind
from ledger.errors import Conflict
from projections.feed.changed import changed_cases
from projections.forms.view import look_at_form
from tests.kit import build

pytestmark = pytest.mark.usefixtures("proved_domain")

MINUTE = 60_000_000


def corrected(form_id, old, *blocks, **more):
    """Return a form that corrects another, as an ODK client sends it."""
    body = build.a_form(blocks, form_id=form_id, **more)
    meta = f"<n:deprecatedID>{old}</n:deprecatedID></n:meta>".encode()
    return body.replace(b"</n:meta>", meta)


def states(store):
    return {i: row.state for i, row in build.forms_of(store).items()}


def test_the_new_form_takes_the_place_of_the_one_it_names(store):
    """Rule 13.16: also in the fold, and what only the old one said is gone."""
    build.submit(store, build.a_form([build.an_update(wrong="1", p="a")], form_id="a"))
    build.submit(store, build.a_form([build.an_update(p="later")], form_id="x"))
    receipt = build.submit(
        store, corrected("b", "a", build.an_update(right="2", p="b"))
    )
    assert (receipt.kind, receipt.form_id) == (Kind.EDIT, "b")
    assert build.case_of(store).properties == {"right": "2", "p": "later"}
    assert states(store) == {"a": "deprecated", "x": "normal", "b": "normal"}
    assert build.forms_of(store)["a"].orig_form_id == "b"
    with store.reading("demo") as r:
        old, new = look_at_form(r, "a"), look_at_form(r, "b")
    assert (old.in_force, new.in_force) == ("b", "b")
    assert old.version.position == 2


def test_a_form_can_be_corrected_again_and_again(store):
    """Rule 13.16: each names the one before, and the place stays that of the first."""
    build.submit(store, build.a_form([build.an_update(p="1")], form_id="a"))
    for old, new in (("a", "b"), ("b", "c"), ("c", "d")):
        build.submit(store, corrected(new, old, build.an_update(p=new)))
    assert build.case_of(store).properties == {"p": "d"}
    assert build.forms_of(store)["d"].form_position == 2
    build.submit(store, corrected("d", "c", build.an_update(p="again")))
    assert build.case_of(store).properties == {"p": "again"}


@pytest.mark.parametrize("kind", [Kind.ARCHIVE, Kind.FORM_DELETE])
def test_what_is_done_to_the_new_form_is_done_in_the_old_place(store, kind):
    """Rule 15.3: and undone again; a withdrawn form can be corrected too."""
    build.submit(store, build.a_form([build.a_create(update={"p": "1"})], form_id="a"))
    build.act(store, kind, "a")
    build.submit(store, corrected("b", "a", build.a_create(update={"p": "2"})))
    assert build.case_of(store).properties == {"p": "2"}
    back = {Kind.ARCHIVE: Kind.UNARCHIVE, Kind.FORM_DELETE: Kind.FORM_RESTORE}[kind]
    build.act(store, kind, "b")
    assert build.case_of(store).is_void
    build.act(store, back, "b")
    assert build.case_of(store).properties == {"p": "2"}


def test_the_old_form_is_out_of_reach(store):
    """Rules 13.18 and 15.2: its bytes are a duplicate, others an error."""
    old = build.a_form([build.an_update(p="1")], form_id="a")
    build.submit(store, old)
    build.submit(store, corrected("b", "a", build.an_update(p="2")))
    assert build.submit(store, old).kind is Kind.DUPLICATE
    for body in (
        build.a_form([build.an_update(p="3")], form_id="a"),
        corrected("c", "a", build.an_update(p="3")),
    ):
        receipt = build.submit(store, body)
        assert receipt.kind is Kind.ERROR
        assert receipt.problem == "DeprecatedIdError: Form 'a' was replaced already"
        (again,) = build.act(store, Kind.REPROCESS, receipt.form_id)
        assert (again.changed, again.problem) == (False, receipt.problem)
    refused = build.act(store, Kind.ARCHIVE, "a")
    assert isinstance(refused, Conflict)
    assert "another form took its place" in str(refused)
    assert build.case_of(store).properties == {"p": "2"}


def test_the_same_bytes_again_are_a_duplicate(store):
    """Rule 13.3: a device that heard nothing."""
    build.submit(store, build.a_form([build.an_update(p="1")], form_id="a"))
    body = corrected("b", "a", build.an_update(p="2"))
    found = build.write(store, build.a_submission(body), build.a_submission(body))
    assert [receipt.kind for receipt in found] == [Kind.EDIT, Kind.DUPLICATE]


@pytest.mark.parametrize(
    ("old", "more", "problem"),
    [
        ("nobody", {}, "Form 'nobody' is not known here"),
        ("a", {"xmlns": "urn:other"}, f"Form 'a' is of another type: {build.XMLNS}"),
    ],
)
def test_what_cannot_take_the_place_is_an_error_with_the_reason(
    store, old, more, problem
):
    """Rule 13.17: and the named form stays as it is."""
    build.submit(store, build.a_form([build.an_update(p="1")], form_id="a"))
    receipt = build.submit(store, corrected("b", old, build.an_update(p="2"), **more))
    assert receipt.problem == f"DeprecatedIdError: {problem}"
    assert build.case_of(store).properties == {"p": "1"}
    assert states(store) == {"a": "normal", "b": "error"}


def test_an_edit_that_breaks_a_rule_leaves_the_old_form_in_force(store):
    """Rule 13.17: and takes its place when it is run again."""
    build.submit(store, build.a_form([build.an_update(p="1")], form_id="a"))
    index = build.a_block(index={"parent": "mother"}, update={"p": "2"})
    body = corrected("b", "a", index)
    assert build.submit(store, body).kind is Kind.ERROR
    assert build.submit(store, body).resubmitted
    assert states(store) == {"a": "normal", "b": "error"}
    build.submit(store, build.a_form([build.a_create("mother")], form_id="m"))
    (outcome,) = build.act(store, Kind.REPROCESS, "b", reason="she is here")
    assert (outcome.changed, outcome.state) == (True, "normal")
    assert states(store) == {"a": "deprecated", "b": "normal", "m": "normal"}
    assert build.case_of(store).properties == {"p": "2"}
    build.act(store, Kind.ARCHIVE, "b")
    assert build.case_of(store).is_void


def test_an_edit_that_comes_before_what_it_edits_is_run_when_it_comes_again(store):
    """Rules 13.4 and 13.17: phones send in any order."""
    body = corrected("b", "a", build.an_update(p="2"))
    assert build.submit(store, body).kind is Kind.ERROR
    build.submit(store, build.a_form([build.an_update(p="1", q="1")], form_id="a"))
    assert build.submit(store, body).kind is Kind.DUPLICATE
    assert build.case_of(store).properties == {"p": "2"}
    build.submit(store, corrected("b", "a", build.an_update(p="3")))
    assert build.case_of(store).properties == {"p": "3"}


def test_files_that_do_not_come_again_are_taken_over(store):
    """Rule 11.4."""
    first = build.a_form([build.a_create()], form_id="a")
    files = [build.a_file("a.jpg"), build.a_file("b.jpg")]
    build.submit(store, first, attachments=files)
    body = corrected("b", "a", build.a_block(attach={"pic": {"src": "a.jpg"}}))
    again = build.a_file("b.jpg", b"other")
    assert build.submit(store, body, attachments=[again]).kind is Kind.EDIT
    with store.reading("demo") as r:
        kept = {a.name: a.length for a in look_at_form(r, "b").version.attachments}
    assert kept == {"a.jpg": 7, "b.jpg": 5}


def test_the_feed_tells_it_of_the_new_form(store):
    """Rule 16.6: the second entry changes no case."""
    build.submit(store, build.a_form([build.an_update("c1")], form_id="a"))
    build.submit(store, corrected("b", "a", build.an_update("c2", p="2")))
    entries = build.entries_of(store)[-2:]
    assert [entry.kind for entry in entries] == [Kind.EDIT, Kind.DEPRECATE]
    with store.reading("demo") as r:
        found = changed_cases(r, [(entry, None) for entry in entries])
    assert [found[entry.position] for entry in entries] == [("c1", "c2"), ()]
