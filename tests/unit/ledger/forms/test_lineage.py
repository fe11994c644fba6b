"""What the log says of a form: its versions, its state, what is in force."""

from __future__ import annotations

import pytest

from ledger.entry import Entry, Kind
from ledger.forms.lineage import lineage_of, revision_of


def an_entry(position, kind, *, first=None, body=True, **details):
    """Return an entry of the form ``f``."""
    return Entry(
        domain="demo",
        position=position,
        kind=kind,
        form_id="f",
        form_position=first or position,
        received_on=1,
        appended_on=position,
        details=details,
        body_sha256=bytes(32) if body else None,
    )


FIRST = an_entry(2, Kind.NORMAL)
ERROR = an_entry(2, Kind.ERROR)
EDIT = an_entry(3, Kind.EDIT, first=2, deprecates={"form_id": "x", "version": 2})
BAD_EDIT = an_entry(3, Kind.ERROR, first=2, deprecates={"form_id": "x", "version": 2})


def act(position, kind, **details):
    """Return an entry about the form that brings no bytes."""
    return an_entry(position, kind, first=2, body=False, **details)


def told(*entries):
    """Return state, and the positions of the current and the version in force."""
    form = lineage_of(entries)
    force = form.in_force and form.in_force.position
    return form.state, form.current.position, force


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([FIRST], ("normal", 2, 2)),
        ([ERROR], ("error", 2, None)),
        ([an_entry(2, Kind.DUPLICATE)], ("duplicate", 2, None)),
        ([an_entry(2, Kind.SUBMISSION_ERROR)], ("submission_error", 2, None)),
        ([FIRST, EDIT], ("normal", 3, 3)),
        ([FIRST, BAD_EDIT], ("error", 3, 2)),
        ([FIRST, act(3, Kind.ARCHIVE)], ("archived", 2, None)),
        ([FIRST, act(3, Kind.ARCHIVE), act(4, Kind.UNARCHIVE)], ("normal", 2, 2)),
        ([FIRST, act(3, Kind.FORM_DELETE)], ("deleted", 2, None)),
        (
            [FIRST, act(3, Kind.FORM_DELETE), act(4, Kind.FORM_RESTORE)],
            ("normal", 2, 2),
        ),
        (
            [
                FIRST,
                act(3, Kind.ARCHIVE),
                act(4, Kind.FORM_DELETE),
                act(5, Kind.FORM_RESTORE),
            ],
            ("archived", 2, None),
        ),
        ([FIRST, act(3, Kind.FORM_RESTORE)], ("normal", 2, 2)),
        ([ERROR, act(3, Kind.REPROCESS, to=2, version=2)], ("normal", 2, 2)),
        (
            [FIRST, BAD_EDIT, act(4, Kind.REPROCESS, to=3, version=3)],
            ("normal", 3, 3),
        ),
        (
            [FIRST, act(3, Kind.ARCHIVE), an_entry(4, Kind.EDIT, first=2)],
            ("normal", 4, 4),
        ),
        ([ERROR, an_entry(4, Kind.NORMAL)], ("normal", 4, 4)),
        ([FIRST, act(3, Kind.CASE_DELETE)], ("normal", 2, 2)),
    ],
)
def test_the_entries_of_a_form_say_its_state_and_what_is_in_force(entries, expected):
    """rules/case-xml.md 13 to 15, D-3: a failed edit leaves the last good version."""
    assert told(*entries) == expected


def test_a_form_that_nobody_sent_has_no_lineage():
    """Nor has an id that the log gave to an earlier version."""
    assert lineage_of([]) is None
    assert lineage_of([act(3, Kind.ARCHIVE)]) is None


def test_a_form_goes_by_the_id_of_its_first_version():
    """Whatever came later."""
    assert lineage_of([FIRST, EDIT]).form_id == "f"


@pytest.mark.parametrize(
    ("entry", "revision"),
    [
        (an_entry(3, Kind.EDIT, first=2, **{"from": 2}), (2, 3)),
        (act(3, Kind.ARCHIVE, **{"from": 2}), (2, None)),
        (act(3, Kind.UNARCHIVE, to=2), (None, 2)),
        (act(3, Kind.REPROCESS), (None, 2)),
        (act(3, Kind.CASE_REBUILD), (None, None)),
        (an_entry(3, Kind.ERROR, first=2, **{"from": 2}), (None, None)),
    ],
)
def test_an_entry_says_which_versions_it_exchanges(entry, revision):
    """So that a replay needs to look at nothing else."""
    assert revision_of(entry) == revision
