"""Old workbooks and open documents as tables (rules/excel-import.md 4.2 and 4.3)."""

from __future__ import annotations

from datetime import datetime

import xlwt

from importers.tables.open import open_table
from tests.kit import workbooks
from tests.kit.tables import read
from tests.kit.workbooks import XlsError, ods_cell


def test_an_old_workbook_is_read(tmp_path):
    """.xls: dates by their format, whole numbers, errors (rule 4.3)."""
    rows = [
        ["text", "number", "date", "other"],
        [" 007 ", 28.0, datetime.fromisoformat("1988-07-07"), True],
        ["é😀", 5.5, datetime.fromisoformat("2016-01-01T12:00"), XlsError(0x2A)],
        [],
        ["", 1e16, 0.5, XlsError(0x07)],
        ["---", 1.25, None, False],
    ]
    forms = {(1, 2): "yyyy-mm-dd", (2, 2): "d/m/yy h:mm", (4, 2): "hh:mm"}
    forms |= {(5, 1): "[h]:mm"}
    path = workbooks.write_xls(tmp_path / "output.xls", rows, forms=forms)
    assert read(path) == (
        ("text", "number", "date", "other"),
        [
            (2, " 007 ", "28", "1988-07-07", "True"),
            (3, "é😀", "5.5", "2016-01-01 12:00:00", "#N/A"),
            (4, None, None, None, None),
            (5, None, "10000000000000000", "12:00:00", "#DIV/0!"),
            (6, "", "30:00:00", None, "False"),
        ],
    )


def test_a_large_old_workbook_is_read(tmp_path):
    """Its directory and its table of sectors take several sectors."""
    rows = [["a", "b"], *[[f"text {n}", n] for n in range(12_000)], [XlsError(0x17)]]
    path = workbooks.write_xls(tmp_path / "a.xls", rows)
    _, found = read(path)
    assert found[11_999] == (12_001, "text 11999", "11999")
    assert found[12_000] == (12_002, "#REF!", None)


def test_an_open_document_is_read(tmp_path):
    """.ods: the same rules, errors too."""
    cells = [
        (ods_cell("x", value_type="string"), "x"),
        (ods_cell("28", value_type="float", value="28"), "28"),
        (ods_cell("49%", value_type="percentage", value="0.49"), "0.49"),
        (ods_cell("5", value_type="currency", value="5.1"), "5.1"),
        (ods_cell("d", value_type="date", date_value="1988-07-07"), "1988-07-07"),
        (
            ods_cell("d", value_type="date", date_value="2016-01-01T12:00:00"),
            "2016-01-01 12:00:00",
        ),
        (ods_cell("t", value_type="time", time_value="PT12H00M00S"), "12:00:00"),
        (ods_cell("t", value_type="time", time_value="PT26H03M04S"), "26:03:04"),
        (ods_cell("W", value_type="boolean", boolean_value="true"), "True"),
        (ods_cell("#N/A", value_type="string", error=True), "#N/A"),
        (ods_cell("#DIV/0!", value_type="float", value="0", error=True), "#DIV/0!"),
        (ods_cell(), None),
        (ods_cell("---", value_type="string"), ""),
        (ods_cell("PT1H", value_type="string"), "PT1H"),
        (ods_cell("end", value_type="string"), "end"),
    ]
    path = workbooks.write_ods(
        tmp_path / "a.ods",
        [[ods_cell("h", value_type="string")], *[[c] for c, _ in cells]],
    )
    _, found = read(path)
    assert [row[1] for row in found] == [text for _, text in cells]


def test_an_old_workbook_tells_what_a_new_one_tells(tmp_path):
    """.xls: zeros of a format, formulas without a result, streams in capitals."""
    rows = [["a", "b", "c"], [42, 7, xlwt.Formula("1+1")], [43, 8, None]]
    forms = {(1, 0): "00000", (2, 0): "00000", (1, 1): "0", (2, 1): r"000\-00"}
    path = workbooks.write_xls(tmp_path / "a.xls", rows, forms=forms)
    content = path.read_bytes()
    spelled = [word.encode("utf-16-le") for word in ("Workbook", "WORKBOOK")]
    path.write_bytes(content.replace(*spelled, 1))
    with open_table(path, file_name="a.xls") as table:
        found = list(table.rows())
    assert [row.texts for row in found] == [("42", "7", None), ("43", "8", None)]
    assert [row.shown for row in found] == [
        ((0, "00042"),),
        ((0, "00043"), (1, "000-08")),
    ]
    told = [(n.title, n.column) for n in found[0].notices]
    assert ("Formula without a result", "c") in told


def test_an_open_document_tells_what_a_workbook_tells(tmp_path):
    """.ods: zeros of a format, digits, durations, formulas without a result."""
    cells = [
        (ods_cell("00042", value_type="float", value="42"), "42"),
        (ods_cell("1", value_type="float", value="12345678901234567890"), None),
        (ods_cell("t", value_type="time", time_value="PT36H00M00S"), "36:00:00"),
        (ods_cell("t", value_type="time", time_value="-PT1H30M0S"), "-1:30:00"),
        (ods_cell("t", value_type="time", time_value="PT0H0M0S"), "00:00:00"),
        ('<table:table-cell table:formula="of:=1+1"/>', None),
        (ods_cell("end", value_type="string"), "end"),
    ]
    head = ods_cell("h", value_type="string")
    path = workbooks.write_ods(tmp_path / "a.ods", [[head], *[[c] for c, _ in cells]])
    with open_table(path, file_name="a.ods") as table:
        rows = list(table.rows())
    expected = [text for _, text in cells]
    expected[1] = "12345678901234567890"
    assert [row.texts[0] for row in rows] == expected
    assert rows[0].shown == ((0, "00042"),)
    told = [(n.title, n.row) for row in rows for n in row.notices]
    assert told == [
        ("Number shown with zeros", 2),
        ("Long number", 3),
        ("Formula without a result", 7),
    ]
