"""What is told of rows while they are decided, as the progress of a job keeps it."""

from __future__ import annotations

from importers.rows.rules.told import ALIKE, Touched, with_told
from importers.tables.notices import Notice, lines_of


def test_rows_of_one_case_are_told_the_first_one_too():
    """A case is counted once, however many rows change it."""
    touched = Touched()
    assert touched.take(("f", 2), ["a", "b"]) == []
    assert touched.take(("f", 3), ["c"]) == []
    told = touched.take(("f", 5), ["b", "d"])
    assert [(notice.title, notice.row) for notice in told] == [(ALIKE, 2), (ALIKE, 5)]
    assert len(touched) == 4


def test_a_row_of_another_file_is_told_alone():
    """Row numbers are those of a file."""
    touched = Touched()
    touched.take(("f", 2), ["a"])
    assert [notice.row for notice in touched.take(("g", 9), ["a"])] == [9]


def test_taking_a_row_again_changes_nothing():
    """A commit that is tried again tells the same."""
    touched = Touched()
    touched.take(("f", 2), ["a"])
    assert touched.take(("f", 3), ["a"]) == touched.take(("f", 3), ["a"])
    assert touched.take(("f", 2), ["a"]) == []


def test_the_same_of_several_rows_is_one_line():
    """Rows are ranges, in any order; the first sample stays."""
    found = [Notice("T", "Text", row=n, sample=f"s{n}") for n in (4, 2, 3, 9)]
    kept = with_told([], found, file="f")
    kept = with_told(kept, [Notice("T", "Text", row=8)], file="f")
    assert list(lines_of(kept)) == ["T (file f, rows 2-4, 8-9): Text: s4"]
