"""Workbooks as tables: sheets, rows and cells (rules/excel-import.md 4.2 and 4.3)."""

from __future__ import annotations

from datetime import datetime, time
from pathlib import Path

import pytest
import xlsxwriter
from openpyxl import Workbook

from importers.tables.open import open_table
from importers.tables.rows import left_out, to_text
from importers.tables.unreadable import DEFAULT_LIMITS, Limits, Unreadable
from importers.tables.workbook import open_workbook
from importers.tables.workbook_child import open_sheet
from tests.kit import workbooks
from tests.kit.tables import read
from tests.kit.workbooks import formula, inline, shown, write_xlsx

READERS = ("calamine", "openpyxl")
every_reader = pytest.mark.parametrize("reader", READERS)


ROW_COUNTS = {"calamine": 1, "openpyxl": None}


def rows_of(path, reader, *, sheet=None, header_row=1):
    """Return the header and the rows of an .xlsx that one reader gives."""
    with open_workbook(
        path,
        "xlsx",
        sheet=sheet,
        limits=DEFAULT_LIMITS,
        header_row=header_row,
        readers=(reader,),
    ) as reading:
        return reading.head, list(reading.rows())


@every_reader
def test_cells_of_an_xlsx_become_the_texts_of_the_table(tmp_path, reader):
    """Every kind of cell (rule 4.3), and the reading test of HQ (example 21)."""
    cells = [
        (28, "28"),
        (5.0, "5"),
        (5.1, "5.1"),
        (shown(32331, "d mmmm yyyy"), "1988-07-07"),
        (shown(42370.5, "yyyy-mm-dd hh:mm"), "2016-01-01 12:00:00"),
        (shown(0.5, "hh:mm"), "12:00:00"),
        (shown(0, "hh:mm"), "00:00:00"),
        (False, "False"),
        (True, "True"),
        (shown(0.49, "0%"), "0.49"),
        (shown(1234.5, '#,##0.00 "€"'), "1234.5"),
        (shown(1.085462962962963, "[h]:mm"), "26:03:04"),
        (shown(1.5, "[h]:mm:ss"), "36:00:00"),
        (shown(-0.0625, "[h]:mm:ss"), "-1:30:00"),
        (shown(0, "[h]:mm:ss"), "0:00:00"),
        (1e15, "1000000000000000"),
        (1.23456789012345e19, "12345678901234500000"),
        (formula(2), "2"),
        (formula("=x"), "=x"),
        (formula("#N/A"), "#N/A"),
        (formula("#DIV/0!"), "#DIV/0!"),
        (formula(""), None),
        (None, None),
        (workbooks.formatted_blank, None),
        ("007", "007"),
        (" a\r\n b ", " a\r\n b "),
        ("_x0041_", "_x0041_"),
        ("a\x01b", "ab"),
        (" --- ", ""),
        ("=1+1", "=1+1"),
        ("Δ 😀", "Δ 😀"),
        (lambda s, r, c, b: s.write_url(r, c, "http://a.b", string="t"), "t"),
        (
            lambda s, r, c, b: s.write_rich_string(
                r, c, "a", b.add_format({"bold": True}), "b", "c"
            ),
            "abc",
        ),
        ("end", "end"),
    ]
    path = write_xlsx(tmp_path / "a.xlsx", [["h"], *[[cell] for cell, _ in cells]])
    _, rows = rows_of(path, reader)
    assert [row.texts[0] for row in rows] == [text for _, text in cells]


@every_reader
def test_cells_keep_what_they_were(tmp_path, reader):
    """Numbers, errors and texts that look like them can be told apart (rule 8.1)."""
    cells = [[1, "1", True, formula("#N/A"), "#N/A", shown(1, "yyyy"), None, "\x02z"]]
    path = write_xlsx(tmp_path / "a.xlsx", [list("abcdefgh"), *cells])
    _, [row] = rows_of(path, reader)
    assert (row.kinds, row.cleaned) == ("ntbetd-t", (7,))


@every_reader
def test_days_of_1900_and_of_1904_are_read(tmp_path, reader):
    """A sheet of either calendar, and a day that 1900 never had."""
    days = [[shown(n, "yyyy-mm-dd")] for n in (1, 59, 60, 61, 2958465, 2958466, 1e10)]
    path = write_xlsx(tmp_path / "a.xlsx", [["h"], *days])
    _, rows = rows_of(path, reader)
    assert [row.texts[0] for row in rows] == [
        *("1900-01-01", "1900-02-28", "1900-02-28", "1900-03-01", "9999-12-31"),
        *("2958466", "10000000000"),
    ]
    mac = write_xlsx(tmp_path / "m.xlsx", [["h"], *days[:2]], date_1904=True)
    _, rows = rows_of(mac, reader)
    assert [row.texts[0] for row in rows] == ["1904-01-02", "1904-02-29"]


@every_reader
def test_rows_stand_where_excel_shows_them(tmp_path, reader):
    """Blank rows count, short ones are filled, long ones cut, the end is the last."""
    rows = [
        ["a", "", "b", False, 0],
        [],
        [1],
        [None, "ignored", 2, 3, 4, "beyond"],
        [0, "", ""],
        *[[]] * 998,
        ["near"],
        [0],
        *[[]] * 1000,
        ["far"],
    ]
    head, found = rows_of(write_xlsx(tmp_path / "a.xlsx", rows), reader)
    assert head.headers == ("a", "", "b")
    assert [(row.number, row.texts) for row in found if any(row.texts)] == [
        (3, ("1", None, None)),
        (4, (None, "ignored", "2")),
        (5, ("0", None, None)),
        (1004, ("near", None, None)),
    ]
    assert found[0].number == 2
    assert found[-1].number == 1004


@every_reader
def test_the_first_worksheet_to_be_seen_is_read_whichever_is_active(tmp_path, reader):
    """Charts and hidden sheets do not count, hidden rows and columns do (rule 4.2)."""
    path = tmp_path / "a.xlsx"
    book = xlsxwriter.Workbook(path)
    chart = book.add_chart({"type": "line"})
    chart.add_series({"values": "=Hidden!$A$1:$A$2"})
    book.add_chartsheet("Chart").set_chart(chart)
    hidden = book.add_worksheet("Hidden")
    workbooks.fill(book, hidden, [["a", "b"], [1, 2], [3, 4]])
    hidden.set_row(1, None, None, {"hidden": True})
    hidden.set_column(0, 0, None, None, {"hidden": True})
    other = book.add_worksheet("Other & more")
    other.activate()
    workbooks.fill(book, other, [["z"], [9]])
    hidden.hide()
    book.close()
    head, rows = rows_of(path, reader)
    assert (head.sheet, head.hidden) == ("Other & more", ("Hidden",))
    assert head.sheet_names == ("Hidden", "Other & more")
    assert [row.texts for row in rows] == [("9",)]
    assert [notice.text for notice in left_out(head)] == [
        "The sheet 'Other & more' was read; left out: 'Hidden' (hidden)"
    ]
    head, rows = rows_of(path, reader, sheet="Hidden")
    assert [row.texts for row in rows] == [("1", "2"), ("3", "4")]
    assert [notice.text for notice in head.notices] == ["The sheet 'Hidden' is hidden"]
    with pytest.raises(Unreadable, match="The file has no sheet named 'Chart'"):
        rows_of(path, reader, sheet="Chart")


@every_reader
def test_merged_cells_have_one_value_and_are_told(tmp_path, reader):
    """The others are blank (rule 4.2)."""
    path = tmp_path / "a.xlsx"
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet()
    workbooks.fill(book, sheet, [["a", "b"]])
    sheet.merge_range(1, 0, 2, 1, "m")
    sheet.write(3, 1, "x")
    book.close()
    head, rows = rows_of(path, reader)
    assert head.merged == ((2, 3),)
    assert [row.texts for row in rows] == [("m", None), (None, None), (None, "x")]


@every_reader
def test_a_table_that_begins_further_down_is_told_where(tmp_path, reader):
    """Its header can be named, and rows keep the numbers that Excel shows."""
    data = f'<row r="3">{inline("C3", "x")}</row><row r="4">{inline("C4", "y")}</row>'
    path = workbooks.raw_xlsx(tmp_path / "a.xlsx", data)
    with pytest.raises(Unreadable, match="the first row with values is row 3"):
        rows_of(path, reader)
    head, rows = rows_of(path, reader, header_row=3)
    assert (head.headers, head.row_count) == (("", "", "x"), ROW_COUNTS[reader])
    assert [(row.number, row.texts) for row in rows] == [(4, (None, None, "y"))]


@every_reader
def test_an_empty_sheet_has_no_headers_and_no_rows(tmp_path, reader):
    """It is no error of the reader."""
    head, rows = rows_of(write_xlsx(tmp_path / "a.xlsx"), reader)
    assert (head.headers, rows) == ((), [])


@every_reader
def test_errors_at_the_end_of_a_sheet_are_rows(tmp_path, reader):
    """Also where nothing but errors stands below and beside the other cells."""
    error = formula("#REF!")
    rows = [["a", "b"], [1], [None, error], [], [error]]
    _, found = rows_of(write_xlsx(tmp_path / "a.xlsx", rows), reader)
    assert [(row.number, row.texts) for row in found] == [
        (2, ("1", None)),
        (3, (None, "#REF!")),
        (4, (None, None)),
        (5, ("#REF!", None)),
    ]


def test_errors_that_the_fast_reader_does_not_know_are_read(tmp_path):
    """A sheet with one is refused by calamine; the second reader reads it."""
    rows = [["a"], [formula("#N/A")], [1]]
    path = write_xlsx(tmp_path / "a.xlsx", rows)
    replace_in_part(path, "xl/worksheets/sheet1.xml", b"#N/A", b"#SPILL!")
    assert read(path) == (("a",), [(2, "#SPILL!"), (3, "1")])


@pytest.mark.parametrize("form", ["yyyy-mm-dd", "[h]:mm"])
@pytest.mark.parametrize("number", [1e300, 1e11])
def test_huge_numbers_under_a_format_of_dates_are_numbers(tmp_path, number, form):
    """At some of them calamine panics; the second reader reads the sheet."""
    rows = [["a"], ["x"], [shown(number, form)]]
    path = write_xlsx(tmp_path / "a.xlsx", rows)
    assert read(path) == (("a",), [(2, "x"), (3, to_text(number))])


def test_declared_dimensions_are_not_believed(tmp_path):
    """A sheet may say that it is huge or tiny; its cells count."""
    data = "".join(f'<row r="{n}">{inline(f"A{n}", n)}</row>' for n in (1, 2, 3))
    for name, said in (("huge", "A1:XFD1048576"), ("tiny", "A1")):
        path = workbooks.raw_xlsx(
            tmp_path / f"{name}.xlsx", data, dimension=f'<dimension ref="{said}"/>'
        )
        for reader in READERS:
            assert [row.texts for row in rows_of(path, reader)[1]] == [("2",), ("3",)]


def test_a_value_far_below_does_not_matter(tmp_path):
    """It would take the fast reader gigabytes; the second one never gets there."""
    rows = [["a", *[""] * 98, "z"], [1]]
    path = tmp_path / "a.xlsx"
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet()
    workbooks.fill(book, sheet, rows)
    sheet.write(1_000_000, 99, "far")
    book.close()
    headers, [row] = read(path)
    assert (len(headers), row[:2]) == (100, (2, "1"))


def test_a_workbook_of_another_library_is_read(tmp_path):
    """What openpyxl writes differs in small things."""
    path = tmp_path / "a.xlsx"
    book = Workbook()
    book.active.append(["a", "b", "c"])
    book.active.append(
        [" x ", datetime.fromisoformat("2020-02-29T01:02:03"), time(1, 2)]
    )
    book.save(path)
    expected = (2, " x ", "2020-02-29 01:02:03", "01:02:00")
    assert read(path) == (("a", "b", "c"), [expected])


def test_what_is_known_beforehand_is_told(tmp_path):
    """Headers, names of sheets and the number of rows (rule 18.3)."""
    rows = [["a", "b"], *[[n % 2, "x"] for n in range(150)], [], ["late"]]
    path = write_xlsx(tmp_path / "a.xlsx", rows, [])
    with open_table(path, file_name="Some.XLSX") as table:
        assert table.head.sheet_names == ("Sheet1", "Sheet2")
        assert table.row_count == 152
        first = [row.number for row in table.rows()]
        again = [row.number for row in table.rows()]
        assert first == again == list(range(2, 154))


def test_rows_can_be_left_unread(tmp_path):
    """A process that still has rows to give ends with its table."""
    rows = [["a"], *[["x" * 500] for _ in range(3000)]]
    with open_table(write_xlsx(tmp_path / "a.xlsx", rows), file_name="a.xlsx") as table:
        assert next(table.rows()).texts == ("x" * 500,)


def test_the_process_that_reads_knows_no_secrets(tmp_path, monkeypatch, started):
    """Its environment has nothing of that of the server."""
    monkeypatch.setenv("CASELEDGER_DATABASE", "postgresql://u:secret@h/d")
    path = write_xlsx(tmp_path / "a.xlsx", [["a"]])
    with open_workbook(path, "xlsx", sheet=None, limits=DEFAULT_LIMITS):
        told = Path(f"/proc/{started[-1].pid}/environ")
        assert b"secret" not in (told.read_bytes() if told.exists() else b"")


@every_reader
def test_what_a_workbook_does_not_say_outright_is_told(tmp_path, reader):
    """Formulas without a result, zeros of a format, digits of the file (rule 4.3)."""
    path = write_xlsx(
        tmp_path / "a.xlsx",
        [
            list("abcdef"),
            [
                shown(42, "00000"),
                shown(123456, "00000"),
                shown(42111234, r"000\-00\-0000"),
                11,
                formula(22),
                "beyond is nothing",
            ],
            [],
            [None, None, None, None, formula(33)],
        ],
    )
    sheet = "xl/worksheets/sheet1.xml"
    replace_in_part(path, sheet, b"<v>11</v>", b"<v>12345678901234567890</v>")
    replace_in_part(path, sheet, b"<v>22</v>", b"<v></v>")
    replace_in_part(path, sheet, b"<v>33</v>", b"")
    _, rows = rows_of(path, reader)
    assert [(row.number, row.texts[:5]) for row in rows] == [
        (2, ("42", "123456", "42111234", "12345678901234567890", None)),
        (3, (None,) * 5),
        (4, (None,) * 5),
    ]
    assert rows[0].shown == ((0, "00042"), (2, "042-11-1234"))
    told = [(n.title, n.column, n.row) for row in rows for n in row.notices]
    assert told == [
        ("Number shown with zeros", "a", 2),
        ("Number shown with zeros", "c", 2),
        ("Long number", "d", 2),
        ("Formula without a result", "e", 2),
        ("Formula without a result", "e", 4),
    ]


@every_reader
@pytest.mark.parametrize(
    "spelled",
    [
        lambda name: name.replace("/", "\\"),
        lambda name: name if name.startswith("[") else name.upper(),
        lambda name: name.replace("sharedStrings", "SharedStrings"),
        lambda name: name.replace("xl/workbook", "xl/WorkBook"),
    ],
    ids=["backslashes", "capitals", "shared strings", "workbook"],
)
def test_parts_are_found_however_their_names_are_spelled(tmp_path, reader, spelled):
    """Names of parts do not differ by case (rule 4.1e)."""
    path = write_xlsx(tmp_path / "a.xlsx", [["a", "b"], ["x", shown(1.5, "[h]:mm")]])
    parts = workbooks.parts_of(path)
    workbooks.write_zip_as(path, {spelled(name): text for name, text in parts.items()})
    _, [row] = rows_of(path, reader)
    assert row.texts == ("x", "36:00:00")


@every_reader
def test_a_workbook_may_lie_anywhere_in_its_file(tmp_path, reader):
    """Its relationships say where (rule 4.1e)."""
    path = write_xlsx(tmp_path / "a.xlsx", [["a"], ["x"]])
    parts = workbooks.parts_of(path)
    moved = {
        name.replace("xl/", "some/where/"): text.replace(b"xl/", b"some/where/")
        for name, text in parts.items()
    }
    workbooks.write_zip(path, moved)
    assert rows_of(path, reader)[1][0].texts == ("x",)


def replace_in_part(path, name, old, new):
    """Change the bytes of a part of an archive."""
    parts = workbooks.parts_of(path)
    assert old in parts[name]
    workbooks.write_zip(path, {**parts, name: parts[name].replace(old, new)})


def test_a_sheet_that_the_fast_reader_cannot_hold_is_not_tried(tmp_path):
    """It would take all the memory that there is, and then fail."""
    rows = [["a"], *([n] for n in range(200))]
    path = write_xlsx(tmp_path / "a.xlsx", rows)
    limits = Limits(memory=10_000)
    order = {"format": "xlsx", "sheet": None, "reader": "calamine"}
    with path.open("rb") as file, pytest.raises(MemoryError):
        open_sheet(file, order, limits)
    with path.open("rb") as file:
        sheet = open_sheet(file, order | {"reader": "openpyxl"}, limits)
        assert len(list(sheet.rows())) == 201
