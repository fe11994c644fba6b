"""What a cell says, and which rows a sheet has (rules/excel-import.md 4.2 and 4.3)."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from itertools import repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importers.tables.rows import (
    ErrorValue,
    Kind,
    header_notices,
    numbered,
    to_headers,
    to_row,
    to_text,
)
from importers.tables.unreadable import Limits, Reason, Unreadable
from importers.tables.values import UNSAVED, Padded
from ledger.forms.names import is_legal

LIMITS = Limits(rows=5, columns=3)
ANYTHING = st.one_of(
    st.none(),
    st.text(),
    st.text("- \t"),
    st.text(max_size=9).map(ErrorValue),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.datetimes(),
    st.dates(),
    st.times(),
    st.timedeltas(),
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("007", "007"),
        (" a\n b ", " a\n b "),
        (28, "28"),
        (5.0, "5"),
        (5.1, "5.1"),
        (0.1, "0.1"),
        (0.49, "0.49"),
        (-0.0, "0"),
        (123456789012345.0, "123456789012345"),
        (1e15, "1000000000000000"),
        (1e16, "10000000000000000"),
        (1.2345678901234567e19, "12345678901234567000"),
        (12345678901234567890, "12345678901234567890"),
        (datetime.fromisoformat("1988-07-07"), "1988-07-07"),
        (date(1988, 7, 7), "1988-07-07"),
        (datetime.fromisoformat("2016-01-01T12:00"), "2016-01-01 12:00:00"),
        (
            datetime.fromisoformat("2016-01-01T12:00:00.005"),
            "2016-01-01 12:00:00.005000",
        ),
        (time(12), "12:00:00"),
        (time(), "00:00:00"),
        (timedelta(days=1, hours=2, minutes=3, seconds=4), "26:03:04"),
        (timedelta(hours=36), "36:00:00"),
        (timedelta(hours=-1, minutes=-30), "-1:30:00"),
        (timedelta(seconds=0.5), "0:00:00.500000"),
        (True, "True"),
        (False, "False"),
        (0, "0"),
        (ErrorValue("#N/A"), "#N/A"),
        (None, None),
        ("", None),
        ("---", ""),
        (" --- ", ""),
        ("\xa0---\n", ""),
        ("----", "----"),
        ("- --", "- --"),
        ("a\x01b\ufffe", "ab"),
        ("\x00", None),
    ],
)
def test_a_value_becomes_the_text_of_the_table(value, text):
    """Every kind of cell of rule 4.3."""
    assert to_text(value) == text


def test_a_number_of_thousands_of_digits_is_text_all_the_same():
    """Nothing that a file says makes a reader raise."""
    assert to_text(10**5000) == "inf"


@given(ANYTHING)
def test_any_value_becomes_text_that_xml_can_carry(value):
    """Nothing that a reader can give raises, or makes a form that cannot be built."""
    text = to_text(value)
    assert text is None or is_legal(text)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_the_same_number_again(number):
    """No digit is lost."""
    assert float(to_text(number)) == number


def test_a_row_keeps_what_each_cell_was():
    """A number can be told from the same text (rule 8.1), and what was dropped."""
    row = to_row(7, [4711.0, "4711", None, "\x02x", ErrorValue("#REF!"), True, time()])
    assert row.texts == ("4711", "4711", None, "x", "#REF!", "True", "00:00:00")
    assert [row[n].kind for n in range(7)] == [
        Kind.NUMBER,
        Kind.TEXT,
        Kind.BLANK,
        Kind.TEXT,
        Kind.ERROR,
        Kind.BOOLEAN,
        Kind.TIME,
    ]
    assert (row.number, row.cleaned) == (7, (3,))


def test_headers_lose_what_nobody_sees():
    """Blank, 0 and FALSE ignore their column (rules 4.2 and 6.1a)."""
    cells = [" a ", "", 1.0, 0, False, "\xa0", "---", None, ""]
    assert to_headers(cells, Limits()) == ("a", "", "1", "", "", "", "---")
    told = [(notice.column, notice.text) for notice in header_notices(cells)]
    assert told == [("a", 'The header " a " was read as "a"')]


def test_rows_of_blanks_are_blank():
    """Blanks that do not break and those without a width are blanks (rule 4.2)."""
    rows = [["\xa0", " \t"], ["x"], ["\u200b", "\u3000"]]
    assert list(numbered(rows, LIMITS)) == [(2, ()), (3, ["x"])]


def test_values_that_no_header_stands_above_are_told():
    """Under a blank header and beyond the last one, by column (rule 4.2c)."""
    row = to_row(7, ["x", "lost", 1, None, " ", "beyond"], ("a", "", "b"))
    assert row.texts == ("x", "lost", "1")
    assert [(n.title, n.column, n.row, n.sample) for n in row.notices] == [
        ("Value without a header", "B", 7, '"lost" in row 7'),
        ("Value without a header", "F", 7, '"beyond" in row 7'),
    ]


@pytest.mark.parametrize(
    ("value", "title", "sample"),
    [
        (1e15, "Long number", "1000000000000000"),
        (-(10**15), "Long number", "-1000000000000000"),
        (UNSAVED, "Formula without a result", ""),
        (
            Padded(42, "00042"),
            "Number shown with zeros",
            "shown as 00042, imported as 42",
        ),
    ],
)
def test_what_a_value_does_not_say_is_told(value, title, sample):
    """Each such cell is told with its column and its row (rule 4.3c)."""
    row = to_row(3, ["x", value], ("a", "b"))
    (notice,) = row.notices
    assert (notice.title, notice.column, notice.row) == (title, "b", 3)
    assert notice.sample == sample
    assert row.shown == (((1, "00042"),) if isinstance(value, Padded) else ())


def test_a_formula_without_a_result_is_no_blank_row():
    """It would be lost in silence otherwise (rule 4.3b)."""
    assert list(numbered([[UNSAVED], []], LIMITS)) == [(2, [UNSAVED])]
    assert to_text(UNSAVED) is None


def test_too_many_headers_are_refused():
    """Rule 3.2, check 15; columns that are ignored do not count."""
    assert len(to_headers(["a", "", "b", "", "c"], LIMITS)) == 5
    with pytest.raises(Unreadable, match="A maximum of 3 is supported") as told:
        to_headers(["a", "b", "c", "d"], LIMITS)
    assert told.value.reason is Reason.COLUMNS


def test_rows_count_from_two_and_end_with_the_last_truthy_one():
    """Blank rows between others count, those behind them do not (rule 4.2)."""
    rows = [["a"], [], [None, ""], [0], ["b"], [0, False], [""]]
    assert list(numbered(rows, LIMITS)) == [
        (2, ["a"]),
        (3, ()),
        (4, ()),
        (5, [0]),
        (6, ["b"]),
    ]


def test_a_gap_of_a_thousand_rows_ends_a_sheet():
    """What lies behind it is never seen (rule 4.2)."""
    limits = Limits()
    near = [["a"], *[[]] * 999, ["b"]]
    far = [["a"], *[[]] * 1000, ["b"]]
    assert len(list(numbered(near, limits))) == 1001
    assert list(numbered(far, limits)) == [(2, ["a"])]
    assert list(numbered(repeat([]), limits)) == []


def test_too_many_rows_are_refused():
    """Rule 3.2, check 16; neither the header counts nor blanks at the end."""
    assert len(list(numbered([["a"]] * 5 + [[]] * 9, LIMITS))) == 5
    with pytest.raises(Unreadable, match="A maximum of 5 is supported") as told:
        list(numbered([["a"]] * 6, LIMITS))
    assert told.value.reason is Reason.ROWS


def test_blank_rows_of_a_csv_file_have_no_gap():
    """They take no memory however many there are, and too many are still refused."""
    limits = Limits(rows=3000)
    rows = [*[[]] * 2000, ["b"]]
    assert len(list(numbered(rows, limits, gap=None))) == 2001
    with pytest.raises(Unreadable):
        list(numbered([*[[]] * 9000, ["b"]], limits, gap=None))
