"""What each entry means for the table of forms."""

from __future__ import annotations

import pytest

from ledger.entry import Entry, Kind
from projections.rule.form_row import form_rows
from projections.rule.hashing import value_hash


def an_entry(kind, *, body=True, form_id="f", **details):
    """Return an entry at position 9 of a form that began at 4."""
    return Entry(
        domain="demo",
        position=9,
        kind=kind,
        form_id=form_id,
        form_position=4,
        xmlns="http://visit",
        received_on=1,
        appended_on=9,
        details=details,
        body_sha256=bytes(32) if body else None,
    )


@pytest.mark.parametrize(
    ("entry", "row"),
    [
        (an_entry(Kind.NORMAL), (9, 4, 9, "normal")),
        (an_entry(Kind.EDIT), (9, 4, 9, "normal")),
        (an_entry(Kind.ERROR), (9, 4, 9, "error")),
        (an_entry(Kind.DUPLICATE), (9, 4, 9, "duplicate")),
        (an_entry(Kind.SUBMISSION_ERROR), (9, 4, 9, "submission_error")),
        (an_entry(Kind.ARCHIVE, body=False, version=6), (9, 4, 6, "archived")),
        (an_entry(Kind.UNARCHIVE, body=False, version=6), (9, 4, 6, "normal")),
        (an_entry(Kind.FORM_DELETE, body=False, version=6), (9, 4, 6, "deleted")),
        (
            an_entry(Kind.FORM_RESTORE, body=False, version=6, state="error"),
            (9, 4, 6, "error"),
        ),
        (an_entry(Kind.REPROCESS, body=False), (9, 4, 4, "normal")),
    ],
)
def test_an_entry_sets_the_row_of_its_form(entry, row):
    """rules/case-xml.md 14.1: state, and where the bytes stand."""
    (found,) = form_rows(entry)
    assert found[2:6] == row
    assert (found.received_on, found.xmlns_key) == (1, value_hash("http://visit"))


@pytest.mark.parametrize(
    ("name", "state"), [("replaces", "error"), ("deprecates", "deprecated")]
)
def test_what_makes_way_goes_on_under_the_id_it_was_given(name, state):
    """rules/case-xml.md 13.6, 13.10: an error never processed, or an old version."""
    entry = an_entry(Kind.EDIT, **{name: {"form_id": "old", "version": 6}})
    moved, own = form_rows(entry)
    assert moved[:7] == ("demo", "old", 9, 6, 6, state, "f")
    assert own[1] == "f"


@pytest.mark.parametrize(
    "entry",
    [
        an_entry(Kind.CASE_DELETE, form_id=None),
        an_entry(Kind.DIRECTORY, form_id=None),
        an_entry(Kind.DEVICE_LOG, form_id=None),
    ],
)
def test_other_entries_set_none(entry):
    """They are about no form."""
    assert form_rows(entry) == []
