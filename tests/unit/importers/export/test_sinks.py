"""The files of an export come back as they went in."""

from __future__ import annotations

import csv
import io
import tempfile

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openpyxl import load_workbook
from openpyxl.utils.escape import unescape

from importers.export.sinks import (
    LONGEST_CELL,
    MOST_COLUMNS,
    write_csv,
    write_jsonl,
    write_xlsx,
)
from ledger.errors import Conflict

COLUMNS = ["case_id", "a", "b"]
LEGAL = st.characters(
    exclude_categories=("Cs",),
    exclude_characters=[chr(c) for c in range(32) if chr(c) not in "\t\n\r"]
    + ["\ufffe", "\uffff"],
)
"""What XML, and so a case, can hold."""
TRICKY = st.text(st.sampled_from("_x0041Dd\r\n\t \"',;=+-@é😀"), max_size=20)
TEXTS = st.one_of(st.text(LEGAL, max_size=20), TRICKY)
TABLES = st.lists(
    st.tuples(TEXTS, TEXTS).map(lambda ab: {"case_id": "c", "a": ab[0], "b": ab[1]}),
    max_size=5,
)


def as_csv(rows, columns=COLUMNS):
    """Write a table as CSV and read it again."""
    out = io.BytesIO()
    assert write_csv(out, columns, rows) == len(rows)
    text = io.StringIO(out.getvalue().decode(), newline="")
    return list(csv.reader(text, strict=True))


def as_xlsx(rows, columns=COLUMNS, **options):
    """Write a table as a workbook and read it again, sheet by sheet.

    openpyxl leaves the escapes of ST_Xstring, which Excel undoes, to its caller.
    """
    out = io.BytesIO()
    assert write_xlsx(out, columns, rows, title="cases", **options) == len(rows)
    book = load_workbook(out)
    found = {
        sheet.title: [
            ["" if cell.value is None else unescape(cell.value) for cell in row]
            for row in sheet.iter_rows(max_col=len(columns))
        ]
        for sheet in book.worksheets
    }
    types = {c.data_type for s in book.worksheets for r in s.iter_rows() for c in r}
    assert types <= {"s", "inlineStr", "n"}
    assert all(
        cell.value is None
        for sheet in book.worksheets
        for row in sheet.iter_rows()
        for cell in row
        if cell.data_type == "n"
    )
    return found


def listed(rows):
    """Return the rows as a reader finds them, names first."""
    return [COLUMNS, *([row.get(name, "") for name in COLUMNS] for row in rows)]


@given(TABLES)
@example([{"case_id": "=1+1", "a": 'x"y,\r\nz', "b": "\r"}])
def test_csv_comes_back(rows):
    """RFC 4180: quotes, commas and line breaks inside a value survive."""
    assert as_csv(rows) == listed(rows)


@given(TABLES)
@example([{"case_id": "=1+1", "a": "http://example.org", "b": "0012"}])
@example([{"case_id": "c", "a": "_x0041_x0042_", "b": "_x0041\r"}])
@example([{"case_id": "c", "a": "_x005F_x000D_", "b": " \r\n "}])
@example([{"case_id": "c", "a": "{=1}", "b": "mailto:a@example.org"}])
def test_xlsx_comes_back(rows):
    """Every value is a text: no formula, no number, no link, nothing unescaped."""
    assert as_xlsx(rows) == {"cases": listed(rows)}


def test_csv_ends_its_lines_as_rfc_4180_says():
    """CR LF after every row, the last one too; no byte order mark."""
    out = io.BytesIO()
    write_csv(out, ["a", "b"], [{"b": "é"}])
    assert out.getvalue() == "a,b\r\n,é\r\n".encode()


def test_lines_are_written_as_they_are():
    """And counted."""
    out = io.BytesIO()
    assert write_jsonl(out, [b"{}\n", b"[]\n"]) == 2
    assert out.getvalue() == b"{}\n[]\n"


def test_a_table_without_rows_has_its_names():
    """A request that finds nothing is a header row."""
    assert as_csv([]) == [COLUMNS]
    assert as_xlsx([]) == {"cases": [COLUMNS]}


def test_rows_beyond_a_sheet_go_on_on_the_next():
    """Each sheet has the names at its top and not one row more than it may."""
    rows = [{"case_id": str(n)} for n in range(5)]
    sheets = as_xlsx(rows, most_rows=3)
    assert list(sheets) == ["cases", "cases (2)", "cases (3)"]
    assert [len(sheet) for sheet in sheets.values()] == [3, 3, 2]
    assert [row for sheet in sheets.values() for row in sheet[1:]] == listed(rows)[1:]
    assert len(as_xlsx(rows[:4], most_rows=3)) == 2


@pytest.mark.parametrize("text", ["x" * LONGEST_CELL, "😀" * (LONGEST_CELL // 2)])
def test_a_text_that_just_fits_is_written(text):
    """Excel counts UTF-16: a character beyond it counts twice."""
    assert as_xlsx([{"a": text}])["cases"][1][1] == text


@pytest.mark.parametrize(
    "text", ["x" * (LONGEST_CELL + 1), "😀" * (LONGEST_CELL // 2 + 1)]
)
def test_a_text_that_does_not_fit_is_refused(text):
    """It is never cut; the message names where it is and what would take it."""
    out = io.BytesIO()
    with pytest.raises(Conflict) as told:
        write_xlsx(out, COLUMNS, [{"a": "x"}, {"b": text}], title="cases")
    assert str(told.value) == (
        "a row has a text under 'b' that is longer than the 32767 "
        "characters of an Excel cell: export as csv or jsonl"
    )
    assert out.getvalue() == b""


def test_more_columns_than_a_sheet_has_are_refused():
    """Before a row is read."""
    columns = [f"c{n}" for n in range(MOST_COLUMNS + 1)]
    with pytest.raises(Conflict, match=r"16384 columns and not 16385: .* csv or jsonl"):
        write_xlsx(io.BytesIO(), columns, unread(), title="cases")


@pytest.mark.parametrize("after", [0, 3])
def test_a_file_that_cannot_be_written_is_an_error_of_the_system(
    after, tmp_path, monkeypatch
):
    """The caller gets the OSError, once, and nothing is left in the scratch folder."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(OSError, match="full"):
        write_xlsx(Full(after), COLUMNS, [{"a": "x"}], title="cases")
    assert list(tmp_path.iterdir()) == []


class Full(io.BytesIO):
    """A file on a disk that is full after some writes."""

    def __init__(self, after: int) -> None:
        """Take so many writes."""
        super().__init__()
        self.left = after

    def write(self, data):
        """Write, unless the disk is full."""
        self.left -= 1
        if self.left < 0:
            message = "the disk is full"
            raise OSError(message)
        return super().write(data)


def unread():
    """Yield rows that nobody may ask for."""
    pytest.fail("a row was read")
    yield {}
