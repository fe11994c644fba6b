"""Workbooks for tests of the readers: made by libraries, or by hand."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import xlsxwriter
import xlwt

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_SHEET_ML = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_OASIS = "urn:oasis:names:tc:opendocument:xmlns"


def write_xlsx(path, *sheets, **options) -> Path:
    """Write a workbook whose sheets are lists of rows; a cell may be a function.

    Such a function gets the worksheet, the row, the column and the workbook.
    """
    book = xlsxwriter.Workbook(path, {"strings_to_formulas": False, **options})
    for rows in sheets or ([],):
        fill(book, book.add_worksheet(), rows)
    book.close()
    return path


def fill(book, sheet, rows) -> None:
    """Write rows of cells into a worksheet."""
    for number, row in enumerate(rows):
        for column, value in enumerate(row):
            if callable(value):
                value(sheet, number, column, book)
            elif isinstance(value, str):
                sheet.write_string(number, column, value)
            elif value is not None:
                sheet.write(number, column, value)


def shown(number, form):
    """Return a cell with a number under a format."""

    def write(sheet, row, column, book):
        sheet.write_number(row, column, number, book.add_format({"num_format": form}))

    return write


def formula(result):
    """Return a cell with a formula and its stored result."""

    def write(sheet, row, column, _book):
        sheet.write_formula(row, column, "=Q1", None, result)

    return write


def formatted_blank(sheet, row, column, book) -> None:
    """Write a cell that has a format and nothing else."""
    sheet.write_blank(row, column, None, book.add_format({"num_format": "0.00"}))


def raw_xlsx(path, sheet_data, *, dimension="", shared="", sheets=None, parts=()):
    """Write the smallest workbook around the XML of its sheet data."""
    sheets = sheets or '<sheet name="S" sheetId="1" r:id="rId1"/>'
    relation = f'<Relationship Id="%s" Type="{_OFFICE}/%s" Target="%s"/>'
    files = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/'
        'vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" '
        f'ContentType="{_SHEET_ML}.sheet.main+xml"/>'
        f'<Override PartName="/xl/s.xml" ContentType="{_SHEET_ML}.worksheet+xml"/>'
        '<Override PartName="/xl/sharedStrings.xml" '
        f'ContentType="{_SHEET_ML}.sharedStrings+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f"{relation % ('rId1', 'officeDocument', 'xl/workbook.xml')}</Relationships>",
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">'
        f"<sheets>{sheets}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": "<Relationships "
        f'xmlns="{_PACKAGE}/relationships">'
        f"{relation % ('rId1', 'worksheet', 's.xml')}"
        f"{relation % ('rId2', 'sharedStrings', 'sharedStrings.xml')}"
        f"{relation % ('rId3', 'chartsheet', 'c.xml')}</Relationships>",
        "xl/s.xml": f'<worksheet xmlns="{_MAIN}">{dimension}'
        f"<sheetData>{sheet_data}</sheetData></worksheet>",
        "xl/sharedStrings.xml": f'<sst xmlns="{_MAIN}">{shared}</sst>',
        **dict(parts),
    }
    return write_zip(path, files)


def write_zip(path, files) -> Path:
    """Write an archive of texts."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def write_zip_as(path, files) -> Path:
    """Write an archive under names as they stand, which the library would mend."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            part = zipfile.ZipInfo("x")
            part.filename = name
            archive.writestr(part, text)
    return path


def inline(reference, text) -> str:
    """Return the XML of a cell with a text."""
    return f'<c r="{reference}" t="inlineStr"><is><t>{text}</t></is></c>'


def write_xls(path, rows, *, forms=None) -> Path:
    """Write an old workbook; ``forms`` has formats of numbers by place."""
    book = xlwt.Workbook()
    sheet = book.add_sheet("S")
    for number, row in enumerate(rows):
        for column, value in enumerate(row):
            form = (forms or {}).get((number, column))
            if isinstance(value, XlsError):
                sheet.row(number).set_cell_error(column, value.code)
            elif form:
                sheet.write(number, column, value, xlwt.easyxf(num_format_str=form))
            elif value is not None:
                sheet.write(number, column, value)
    book.save(path)
    return path


class XlsError:
    """A cell with an error of an old workbook."""

    def __init__(self, code: int) -> None:
        """Keep the code of MS-XLS 2.5.10."""
        self.code = code


def lock_xls(path) -> None:
    """Put a record in front that says that all behind it is encrypted."""
    content = path.read_bytes()
    at = content.index(struct.pack("<HH", 0x809, 16))
    end = at + 20
    lock = struct.pack("<HHH", 0x2F, 2, 0)
    path.write_bytes(content[:end] + lock + content[end + len(lock) :])


def write_ods(path, rows, *, manifest="", mimetype=None) -> Path:
    """Write an OpenDocument spreadsheet of rows of cells in XML."""
    table = "".join(
        f"<table:table-row>{''.join(row)}</table:table-row>" for row in rows
    )
    spaces = "".join(
        f' xmlns:{name}="{_OASIS}:{name}:1.0"' for name in ("office", "table", "text")
    )
    files = {
        "mimetype": mimetype or "application/vnd.oasis.opendocument.spreadsheet",
        "META-INF/manifest.xml": f'<m:manifest xmlns:m="{_OASIS}:manifest:1.0">'
        f"{manifest}</m:manifest>",
        "content.xml": f'<office:document-content{spaces} xmlns:calcext="urn:calcext">'
        '<office:body><office:spreadsheet><table:table table:name="S">'
        f"{table}</table:table></office:spreadsheet></office:body>"
        "</office:document-content>",
    }
    return write_zip(path, files)


def ods_cell(text="", **told) -> str:
    """Return the XML of a cell; ``value_type`` and the like are its attributes."""
    error = told.pop("error", False)
    attributes = "".join(
        f' office:{key.replace("_", "-")}="{value}"' for key, value in told.items()
    )
    extra = ' calcext:value-type="error"' if error else ""
    inner = f"<text:p>{text}</text:p>" if text else ""
    return f"<table:table-cell{attributes}{extra}>{inner}</table:table-cell>"


def parts_of(path) -> dict[str, bytes]:
    """Return the parts of an archive."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
