"""The pure parts of the Excel import: options, columns, texts, accounts.

The rules are those of rules/excel-import.md.
"""

from __future__ import annotations

import pytest

from importers.excel.rules import options as excel_options
from importers.excel.rules import report as excel_report
from importers.excel.rules.columns import columns_of
from importers.excel.rules.options import (
    ExcelOptions,
    Refused,
    SearchField,
    bad_headers,
    read_options,
    sheets_of,
)
from importers.excel.rules.report import Report, row_ranges
from importers.excel.rules.wishes import RowError, Skip
from importers.rows.rules.ids import id_text
from importers.tables.rows import to_row
from tests.kit.row_by_row import wish_of

PATIENTS = ExcelOptions(case_type="patient")
EXTERNAL = ExcelOptions(case_type="patient", search_field=SearchField.EXTERNAL_ID)


def columns(*headers, options=PATIENTS):
    return columns_of(headers, options, "patient")


@pytest.mark.parametrize(
    ("word", "creates"),
    [("on", True), ("true", False), ("1", False), ("ON", False), ("yes", False)],
)
def test_create_new_cases_letter_for_letter(word, creates):
    """Rule 2."""
    fields = {"case_type": "t", "create_new_cases": word}
    assert read_options(fields, has_file=True).create is creates


@pytest.mark.parametrize(
    ("word", "creates"), [("on", True), ("True", True), ("true", False), ("", False)]
)
def test_creating_in_files_of_many_sheets(word, creates):
    """Rule 5.2: the word that HQ wants there is taken too."""
    fields = {"case_type": "t", "create_new_cases": word}
    assert read_options(fields, has_file=True).create_in_many is creates


def test_empty_fields_are_absent_and_an_empty_search_field_is_refused():
    """Rule 2.6."""
    fields = {"case_type": "t", "search_column": "", "name_column": ""}
    options = read_options(fields, has_file=True)
    assert (options.search_column, options.name_column) == (None, None)
    with pytest.raises(Refused, match=r"Illegal value for search_field: $"):
        read_options({"case_type": "t", "search_field": ""}, has_file=True)


def test_options_are_kept_whole():
    """What is written with the job is read again."""
    sheets, ignored = sheets_of(EXTERNAL, ("a", "b"), ("a", "b"))
    for kept in (PATIENTS, ExcelOptions(case_type="t", sheets=sheets)):
        assert excel_options.from_json(excel_options.to_json(kept)) == kept
    assert ignored == ()


@pytest.mark.parametrize(
    ("titles", "known", "many"),
    [
        (("a",), {"a"}, False),
        (("a", "b"), {"a", "b"}, True),
        (("a", "b"), {"a"}, False),
    ],
)
def test_when_each_sheet_is_an_import(titles, known, many):
    """Rule 5.1: two sheets or more, each titled like a type with cases."""
    sheets, ignored = sheets_of(PATIENTS, titles, known)
    assert (len(sheets) > 1) is many
    assert ignored == (() if many else titles[1:])


def test_headers_that_name_no_property():
    """Rule 6.1, and example 19."""
    bad = ["1", "foo+bar", "?", "parent/maternal", "my age", " name", "n\xa0", "xMl1"]
    good = ["Name", "a-b", "a_b", "é".join("ab"), "x"]
    assert bad_headers([*bad, *good, ""]) == bad


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (4711, "4711"),
        (12.7, "12.7"),
        (5.0, "5"),
        ("4711", "4711"),
        (" 4711 ", "4711"),
        ("4711.0", "4711"),
        ("007", "007"),
        ("1e3", "1e3"),
        ("12.7", "12.7"),
        ("---", ""),
        (None, ""),
        (" x ", " x "),
        (1e16, "10000000000000000"),
    ],
)
def test_search_values(cell, text):
    """Rule 8.1."""
    found = wish_of(
        to_row(2, [cell, "x"]), columns("external_id", "a", options=EXTERNAL)
    )
    assert text == (getattr(found, "search", ""))


def test_signs_and_zeros_of_search_values():
    """Rule 8.1: an integer has one spelling."""
    assert [id_text(t) for t in ("-5", "-0", "0", "00", "+5", "٣")] == [
        "-5",
        "0",
        "0",
        "00",
        "+5",
        "٣",
    ]


@pytest.mark.parametrize(
    ("headers", "options", "fields", "ignored"),
    [
        (("case_id", "name", "age"), {}, {"name": 1, "age": 2}, []),
        (("id", "age"), {"search_column": "id"}, {"age": 1}, []),
        (("case_id", "hh", "name"), {"name_column": "hh"}, {"name": 1}, ["name"]),
        (("case_id",), {"name_column": "case_id"}, {"name": 0}, []),
        (("case_id", "case_name"), {}, {"name": 1}, []),
        (("case_id", "case_name", "name"), {}, {"name": 2}, ["case_name"]),
        (("id", "case_id", "a"), {"search_column": "id"}, {"a": 2}, ["case_id"]),
        (("case_id", "a", "a"), {}, {"a": 2}, ["a"]),
        (("case_id", "", "a"), {}, {"a": 2}, []),
    ],
)
def test_which_column_fills_which_field(headers, options, fields, ignored):
    """Rules 6.2 and 4.2b: one row each; repeated headers are told."""
    found = columns(*headers, options=ExcelOptions(case_type="patient", **options))
    assert dict(found.fields) == fields
    assert [warning.column for warning in found.warnings] == ignored
    assert found.failure is None


def test_the_search_column_is_the_external_id():
    """Rule 6.2: whatever its header, and before a column of that name."""
    options = ExcelOptions(
        case_type="t", search_field=SearchField.EXTERNAL_ID, search_column="id"
    )
    found = columns("external_id", "id", options=options)
    assert dict(found.fields) == {"external_id": 1}
    assert found.properties == ()


def test_date_opened_is_no_property_and_domain_is_one():
    """Rule 9."""
    found = columns("case_id", "date_opened", "domain", "parent_relationship", "close")
    assert [name for name, _ in found.properties] == ["domain", "parent_relationship"]


def test_blanks_come_before_texts_that_are_too_long():
    """Rule 7, steps 3 to 6."""
    names = columns("case_id", "name", "age")
    assert wish_of(to_row(2, ["x", None, "---"]), names) is Skip.BLANK
    found = wish_of(to_row(2, [None, "n" * 256, None]), names)
    assert isinstance(found, RowError)
    assert found.title == "Name Too Long"
    assert not isinstance(wish_of(to_row(2, ["", "n" * 255, ""]), names), RowError)
    blank = wish_of(
        to_row(2, [None, "x"]), columns("external_id", "a", options=EXTERNAL)
    )
    assert isinstance(blank, RowError)
    assert blank.title == "Blank External ID"


def test_errors_are_grouped_by_title_and_column():
    """Rule 12.1: first appearance, rows once, the last description."""
    report = Report()
    for number, column in ((2, "a"), (3, "a"), (9, "a"), (4, "b"), (5, "a"), (3, "a")):
        report.note(number, RowError("T", column, f"row {number}", "v"), "S")
    assert [(g.column, g.rows) for g in report.errors] == [
        ("a", [[2, 3], [5, 5], [9, 9]]),
        ("b", [[4, 4]]),
    ]
    assert row_ranges(report.errors[0].rows) == "2-3, 5, 9"
    assert report.errors[0].description == "row 3"
    assert report.errors[0].sample == 'Sample: Cell in row 2 contains "v"'
    again = excel_report.from_json(excel_report.to_json(report))
    assert again == report
