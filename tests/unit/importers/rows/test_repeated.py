"""Columns of a file that have one name, and whether they say the same."""

from __future__ import annotations

import pytest

from importers.rows.rules.repeated import DUPLICATE, Different, Repeated

NAMES = ["id", "name", "", "name", "", "x", "x", "name"]


def test_columns_of_one_name_are_told_once():
    """Blank headers are no name."""
    found = [(notice.title, notice.column) for notice in Repeated(NAMES).notices()]
    assert found == [(DUPLICATE, "name"), (DUPLICATE, "x")]
    assert not Repeated(["a", "", ""])


@pytest.mark.parametrize(
    "cells",
    [
        ["1", "a", "p", "a", "q", "", None, "a"],
        ["1"],
        ["1", "", "", ""],
    ],
)
def test_a_row_in_which_they_say_the_same_passes(cells):
    """Short rows are filled up, and a blank is the same as none."""
    Repeated(NAMES).check(2, cells)


@pytest.mark.parametrize(
    ("cells", "name"),
    [
        (["1", "a", "", "a", "", "", "", "b"], "name"),
        (["1", "a"], "name"),
        (["1", "", "", "", "", None, "y", ""], "x"),
    ],
)
def test_a_row_in_which_they_differ_is_named_with_what_to_do(cells, name):
    """Something would be lost, so nothing is guessed."""
    with pytest.raises(Different) as different:
        Repeated(NAMES).check(7, cells)
    assert str(different.value) == (
        f'Several columns are called "{name}", and they differ in row 7. '
        "Rename or remove all but one of them."
    )
