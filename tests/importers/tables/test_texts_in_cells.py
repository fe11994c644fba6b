"""Texts of more than one line, in every format (rules/excel-import.md 4.3d)."""

from __future__ import annotations

import pytest

from importers.tables.unreadable import DEFAULT_LIMITS
from importers.tables.workbook import open_workbook
from tests.kit import workbooks
from tests.kit.tables import read
from tests.kit.workbooks import inline, ods_cell, write_xlsx

BROKEN = "first\tline\nsecond  line\n\nfourth"


def _in_xlsx(folder):
    runs = [
        part.replace("\n", "&#10;").replace("\t", "&#9;")
        for part in ("first\tl", BROKEN[7:])
    ]
    text = "".join(f'<r><t xml:space="preserve">{run}</t></r>' for run in runs)
    cell = f'<c r="A2" t="inlineStr"><is>{text}</is></c>'
    data = f'<row r="1">{inline("A1", "h")}</row><row r="2">{cell}</row>'
    return workbooks.raw_xlsx(folder / "a.xlsx", data)


def _in_shared_strings(folder):
    return write_xlsx(folder / "a.xlsx", [["h"], [BROKEN]])


def _in_escapes(folder):
    text = BROKEN.replace("\t", "_x0009_").replace("\n", "_x000A_")
    data = f'<row r="1">{inline("A1", "h")}</row><row r="2">{inline("A2", text)}</row>'
    return workbooks.raw_xlsx(folder / "a.xlsx", data)


def _in_xls(folder):
    return workbooks.write_xls(folder / "a.xls", [["h"], [BROKEN]])


def _in_ods(folder):
    inner = (
        "<text:p>first<text:tab/>l<text:span>ine</text:span><text:line-break/>"
        'second<text:s text:c="2"/>line</text:p><text:p/><text:p>fourth</text:p>'
    )
    note = "<office:annotation><text:p>a note</text:p></office:annotation>"
    cell = (
        f'<table:table-cell office:value-type="string">{note}{inner}</table:table-cell>'
    )
    head = ods_cell("h", value_type="string")
    return workbooks.write_ods(folder / "a.ods", [[head], [cell]])


def _in_text(delimiter, name):
    def written(folder):
        path = folder / name
        path.write_bytes(f'h{delimiter}i\r\n"{BROKEN}"{delimiter}\r\n'.encode())
        return path

    return written


def by_the_second_reader(path):
    """Return the first text that openpyxl reads."""
    with open_workbook(
        path, "xlsx", sheet=None, limits=DEFAULT_LIMITS, readers=("openpyxl",)
    ) as reading:
        return next(reading.rows()).texts[0]


@pytest.mark.parametrize(
    "written",
    [
        _in_xlsx,
        _in_shared_strings,
        _in_escapes,
        _in_xls,
        _in_ods,
        _in_text(",", "a.csv"),
        _in_text("\t", "a.tsv"),
        _in_text(";", "a.txt"),
    ],
)
def test_line_breaks_and_tabs_inside_a_cell_stay_in_every_format(tmp_path, written):
    """Whatever a format makes of them: runs, escapes, paragraphs, quotes."""
    path = written(tmp_path)
    assert read(path)[1][0][1] == BROKEN
    if path.suffix == ".xlsx":
        assert by_the_second_reader(path) == BROKEN
