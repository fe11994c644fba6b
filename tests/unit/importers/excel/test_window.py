"""What is told of rows whatever becomes of them (rules/excel-import.md 18.3a)."""

from __future__ import annotations

import pytest

from importers.excel.rules import report as excel_report
from importers.excel.rules.columns import ZEROS, columns_of
from importers.excel.rules.dates import Reading, reading_of
from importers.excel.rules.options import ExcelOptions, SearchField, Sheet
from importers.excel.rules.outcome import Done
from importers.excel.rules.report import Report
from importers.excel.rules.window import Looked, Place, Window, read_rows
from importers.rows.rules.overlay import Overlay
from importers.tables.notices import Notice
from importers.tables.rows import Kind, Row, to_row

EXTERNAL = {"search_field": SearchField.EXTERNAL_ID}
PLACE = Place(0, Sheet(title="S", case_type="t"))


def read(headers, *rows, looked=None, **fields):
    """Return a window of rows; a row may be values or made already."""
    columns = columns_of(headers, ExcelOptions(case_type="t", **fields), "t")
    made = [
        row if isinstance(row, Row) else to_row(n, row)
        for n, row in enumerate(rows, start=2)
    ]
    read = read_rows(made, columns, looked or Looked())
    return Window(PLACE, columns, read, (), frozenset())


def account(window, *, before=None, touched=(), updated=0):
    before = before or {"before": 0, "row": 1, "report": excel_report.to_json(Report())}
    left, touched = Overlay(), frozenset(touched)
    done = Done((), (), 0, (), left, touched=touched, updated=updated)
    return excel_report.from_json(window.account(before, done)["report"])


def told(window):
    found = account(window).warnings
    return [(w.title, w.column, w.rows) for w in found]


def test_rows_with_one_id_are_told_the_first_one_too():
    """Rule 7.2c: also where the accents of the id are composed in two ways."""
    rows = ["e1", "a"], ["e2", "b"], ["e1", "c"], ["Zo\u00eb", "d"], ["e1", "e"]
    window = read(["external_id", "a"], *rows, ["Zoe\u0308", "f"], **EXTERNAL)
    (found,) = told(window)
    assert found == (
        "Same ID in several rows",
        "external_id",
        [[2, 2], [4, 7]],
    )


def test_rows_with_one_id_are_told_across_portions():
    """Rule 7.2c: what was read before is remembered."""
    looked = Looked()
    read(["case_id", "a"], ["c1", "a"], ["c2", "b"], looked=looked)
    later = read(["case_id", "a"], Row(9, ("c2", "x"), "tt"), looked=looked)
    assert [found[2] for found in told(later)] == [[[3, 3], [9, 9]]]


def test_blank_ids_and_numbers_written_in_two_ways():
    """Rules 7.2c and 8.1: each blank makes a case; 12 and 12.0 are one id."""
    assert told(read(["case_id", "a"], ["", "a"], ["", "b"])) == []
    window = read(["case_id", "a"], [12, "a"], ["12.0", "b"])
    assert [(title, rows) for title, _, rows in told(window)] == [
        ("Whole number as ID", [[3, 3]]),
        ("Same ID in several rows", [[2, 3]]),
    ]


def test_cases_are_counted_apart_from_rows():
    """Rule 14.2c: one that several rows change is one, also in a later portion."""
    window = read(["case_id", "a"], ["c1", "a"])
    report = account(window, touched={"c1", "c2"}, updated=2)
    assert (report.updated, report.cases) == (2, 2)
    again = Window(PLACE, window.columns, (), (), frozenset({"c1", "c2"}))
    before = {"before": 0, "row": 3, "report": excel_report.to_json(report)}
    assert account(again, before=before, touched={"c2", "c3"}).cases == 3


@pytest.mark.parametrize("header", ["external_id", "owner_id", "parent_id"])
def test_whole_numbers_are_ids_in_every_column_of_ids(header):
    """Rule 8.1: one rule for all of them, and told."""
    window = read(["case_id", header], ["", "12.0"], ["", " 12 "], ["", "12.5"])
    assert [r.found.fields[header] for r in window.rows] == ["12", "12", "12.5"]
    assert told(window) == [("Whole number as ID", header, [[2, 3]])]


def test_other_columns_keep_what_looks_like_a_number():
    """Rule 4.3: text is text."""
    window = read(["case_id", "dose"], ["", "12.0"])
    assert window.rows[0].found.properties == {"dose": "12.0"}
    assert told(window) == []


@pytest.mark.parametrize("text", ["9.19876E+11", "9,19876E+11", "1E+05", "-2.5e12"])
def test_numbers_that_a_spreadsheet_has_shortened(text):
    """Rule 18.3a: kept as they are, told, and first of all in the search column."""
    window = read(["case_id", "a"], ["x", "x\x01"], [text, text])
    assert window.rows[1].found.search == text
    assert told(window) == [
        ("Shortened number", "case_id", [[3, 3]]),
        ("Control characters removed", "a", [[2, 2]]),
        ("Shortened number", "a", [[3, 3]]),
    ]


@pytest.mark.parametrize("text", ["1E5X", "E+11", "12E+11", "1.5"])
def test_texts_that_are_no_shortened_numbers(text):
    """Rule 18.3a: codes and plain numbers are left alone."""
    assert told(read(["case_id", "a"], ["", text])) == []


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("13/05/1998", Reading.DAY_FIRST),
        ("05/13/1998", Reading.MONTH_FIRST),
        ("01/05/98", Reading.EITHER),
        ("1.5.1998", Reading.EITHER),
        ("1998/05/01", Reading.YEAR_FIRST),
        ("1998.05.01", Reading.YEAR_FIRST),
        ("1998-05-01", Reading.WRITTEN),
        ("01/05-98", None),
        ("1/2", None),
        ("1998-05", None),
    ],
)
def test_how_a_text_reads_as_a_date(text, reading):
    """Rule 18.3b."""
    assert reading_of(text) is reading


def test_dates_in_several_orders_are_told_with_their_shares():
    """Rule 18.3b: of all dates of the column, those that were read as such too."""
    texts = ["01/05/98", "13/05/1998", "14/05/1998", "2020-01-01"]
    window = read(["case_id", "born"], *(["", text] for text in texts))
    (group,) = account(window).warnings
    assert (group.title, group.rows) == ("Text looks like a date", [[2, 4]])
    assert group.description.endswith(
        "The column has several orders: 50 % day first (2), "
        "25 % YYYY-MM-DD (1), 25 % day or month first (1)"
    )


def test_real_dates_among_texts_are_another_order():
    """Rule 18.3b: a spreadsheet has read some of a column, and left the others."""
    dated = Row(2, ("", "1998-01-05"), Kind.TEXT.value + Kind.TIME.value)
    window = read(["case_id", "born"], dated, ["", "13/05/1998"])
    (group,) = account(window).warnings
    assert "50 % a date cell (1), 50 % day first (1)" in group.description


def test_one_order_has_no_shares():
    """Rule 18.3b."""
    window = read(["case_id", "born"], ["", "13/05/1998"], ["", "14/05/1998"])
    (group,) = account(window).warnings
    assert group.description == (
        "Dates are written YYYY-MM-DD; this text is kept as it is"
    )


def test_numbers_as_they_are_shown():
    """Rule 4.3e: the shown text is taken where that was asked for, letter by letter."""
    zeros = tuple(Notice(ZEROS, "", column, 2) for column in ("case_id", "a"))
    both = ((0, "00042"), (1, "0042"))
    number = Row(2, ("42", "42"), Kind.NUMBER.value * 2, shown=both, notices=zeros)
    window = read(["case_id", "a"], number, as_shown=("case_id",))
    shown = window.rows[0].found
    assert told(window) == [(ZEROS, "a", [[2, 2]])]
    plain = read(["case_id", "a"], number).rows[0].found
    assert (shown.search, plain.search) == ("00042", "42")
    assert shown.properties == plain.properties == {"a": "42"}
