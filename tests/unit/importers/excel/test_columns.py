"""Columns called otherwise than they are meant, and repeated ones.

The rules are those of rules/excel-import.md.
"""

from __future__ import annotations

import pytest

from importers.excel.rules.columns import check_repeated, columns_of, meant_headers
from importers.excel.rules.options import (
    ExcelOptions,
    Refused,
    SearchField,
    Sheet,
    check_headers,
    read_options,
)
from importers.tables.rows import to_row


def asked(**fields):
    return ExcelOptions(case_type="patient", **fields)


def columns(*headers, **fields):
    return columns_of(headers, asked(**fields), "patient")


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("Name", "name"),
        ("NAME", "name"),
        ("Case Name", "name"),
        ("Owner_ID", "owner_id"),
        ("Owner ID", "owner_id"),
        ("owner-name", "owner_name"),
        ("External Id", "external_id"),
        ("ParentID", "parent_id"),
        ("Parent external-ID", "parent_external_id"),
        ("CLOSE", "close"),
    ],
)
def test_a_header_with_the_letters_of_a_field_fills_it(header, field):
    """Rule 6.1b: it is used, told, and need not be the name of a property."""
    found = columns("case_id", header)
    assert dict(found.fields) == {field: 1}
    (told,) = found.warnings
    wanted = "name" if field == "name" else field
    assert (told.title, told.column) == ("Column taken as another", header)
    assert told.description == f'It is taken as "{wanted}"'
    check_headers(["case_id", header], but=meant_headers(["case_id", header], asked()))


@pytest.mark.parametrize("header", ["Type", "Closed", "Date_Opened", "Village"])
def test_other_headers_stay_properties(header):
    """Rule 6.1b: what fails an import or is ignored goes letter by letter."""
    found = columns("case_id", header)
    assert dict(found.fields) == {header: 1}
    assert (found.warnings, found.failure) == ((), None)


def test_the_very_header_goes_before_one_of_its_letters():
    """Rule 6.1b: then the other one is a property."""
    found = columns("case_id", "Name", "name")
    assert dict(found.fields) == {"Name": 1, "name": 2}
    assert found.warnings == ()


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [(("case_id", "Name", "NAME"), "name"), (("case_id", "OwnerId", "Owner-ID"), "o")],
)
def test_several_that_may_be_meant_fail_the_import(headers, wanted):
    """Rule 6.1b: nobody guesses between them, and both are named."""
    failure = columns(*headers).failure
    assert failure is not None
    assert failure.text.startswith(f'Error: Several columns may be meant by "{wanted}')
    assert f'"{headers[1]}", "{headers[2]}"' in failure.text


def test_the_columns_of_an_upload_are_found_by_their_letters():
    """Rule 6.1b: the search column, that of the name and those read as shown."""
    found = columns(
        "Household ID",
        "Full-Name",
        "Phone no",
        search_column="household_id",
        name_column="full_name",
        as_shown=("phone_no",),
    )
    assert (found.search, found.fields["name"]) == (0, 1)
    assert found.as_shown == {2}
    assert [w.column for w in found.warnings] == ["Household ID", "Full-Name"]


@pytest.mark.parametrize(
    ("fields", "does"),
    [
        ({"search_column": "houshold"}, "to search by"),
        ({"name_column": "houshold"}, "to take names from"),
        ({"as_shown": ("houshold",)}, "to read as shown"),
    ],
)
def test_a_column_that_is_not_there_is_answered_with_the_nearest(fields, does):
    """Rules 2.4, 2.5 and 2.9: which columns there are, and which is meant."""
    failure = columns("case_id", "Household", **fields).failure
    assert failure is not None
    assert failure.text == (
        f'Error: The spreadsheet has no column named "houshold" {does}. '
        'There are "case_id", "Household". Did you mean "Household"?'
    )


def test_a_sheet_of_many_may_lack_what_others_have():
    """Rule 5.2a: the column of the name, and those read as shown."""
    sheets = (Sheet(title="a", case_type="a"), Sheet(title="b", case_type="b"))
    fields = {"name_column": "full_name", "as_shown": ("x",), "sheets": sheets}
    found = columns("case_id", "name", **fields)
    assert found.failure is None
    assert found.fields == {"name": 1}


def test_exports_of_hq_call_the_case_id_caseid():
    """Rules 5.3 and 6.1b: told in one sheet, where it is not the rule."""
    sheets = (Sheet(title="a", case_type="a"), Sheet(title="b", case_type="b"))
    assert columns("caseid", "a", sheets=sheets).warnings == ()
    found = columns("caseid", "a")
    assert found.search == 0
    assert [w.title for w in found.warnings] == ["Column taken as another"]
    outer = columns("external_id", "caseid", search_field=SearchField.EXTERNAL_ID)
    assert "caseid" in outer.fields


def rows(*values):
    return lambda: [to_row(n, given) for n, given in enumerate(values, start=2)]


def test_columns_of_one_header_must_not_differ():
    """Rule 4.2b: the row is named, and what to do."""
    headers = ["id", "name", "name"]
    check_repeated(headers, rows(["1", "a", "a"], ["2", None, ""]))
    text = r'Several columns are called "name", and they differ in row 3\. Rename'
    with pytest.raises(Refused, match=text):
        check_repeated(headers, rows(["1", "a", "a"], ["2", "a", "b"]))
    with pytest.raises(Refused, match="differ in row 2"):
        check_repeated(headers, rows(["1", "a", None]))


def test_no_row_is_read_where_no_header_repeats():
    """Rule 4.2b: a file is read through only where that can tell something."""
    check_repeated(["id", "", ""], lambda: pytest.fail("read"))


@pytest.mark.parametrize("blank", [" t ", "t\u00a0", "\u200bt", "t\t"])
def test_names_in_the_fields_of_an_upload_are_trimmed(blank):
    """Rule 2.4a: the type and the columns, so that no type is there twice."""
    fields = {"case_type": blank, "search_column": "x ", "name_column": "n"}
    options = read_options(fields, has_file=True)
    assert (options.case_type, options.search_column) == ("t", "x")
    assert options.trimmed == ("case_type", "search_column")


def test_columns_to_be_read_as_shown_are_listed_with_commas():
    """Rule 2.9."""
    fields = {"case_type": "t", "as_shown": "a, b,,a "}
    assert read_options(fields, has_file=True).as_shown == ("a", "b")
