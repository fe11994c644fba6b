"""The two readers of workbooks, giving the same values; both run in a child process.

calamine is fast, reads everything and holds a sheet in memory, blank cells between
others included. openpyxl is slow and holds one row. What either leaves out or says in
its own way is made equal here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, BinaryIO, Protocol
from zipfile import ZipFile

from openpyxl.cell.text import Text
from openpyxl.reader.excel import ExcelReader
from openpyxl.utils.datetime import MAC_EPOCH
from openpyxl.workbook import Workbook
from openpyxl.worksheet._reader import WorkSheetParser
from openpyxl.xml.constants import SHEET_MAIN_NS
from openpyxl.xml.functions import iterparse
from python_calamine import (
    CalamineSheet,
    CalamineWorkbook,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from importers.tables.marks import Marks
from importers.tables.rows import GAP, Values
from importers.tables.unreadable import Limits, Reason, Unreadable
from importers.tables.values import ErrorValue
from importers.tables.xlsx_parts import padding_styles
from importers.tables.xlsx_survey import Survey, XlsxFile
from importers.tables.zip_parts import Package

_STRING_ITEM = f"{{{SHEET_MAIN_NS}}}si"
_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")
_MS_PER_DAY = 86_400_000
_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a sheet has no time zone
_MAC_DAYS = 1462
_LEAP_DAY = 60


class Checked(Protocol):
    """A file that may be parsed, and what calamine does not tell of it."""

    def marks(self, sheet: str, place: int, /) -> Marks:
        """Return the marks of the cells of a sheet."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A sheet to be read; ``rows`` begins anew with each call, at row 1."""

    name: str
    names: tuple[str, ...]
    rows: Callable[[], Iterator[Values]]
    is_in_memory: bool
    merged: list[tuple[int, int]] = field(default_factory=list)
    hidden: tuple[str, ...] = ()
    height: int = 0
    """The last row with any value, where that is known before they are read."""


def read_with_calamine(
    file: BinaryIO, checked: Checked, *, name: str | None, limits: Limits
) -> Sheet:
    """Read a sheet into memory. Raises ``Unreadable`` and ``MemoryError``."""
    if isinstance(checked, XlsxFile) and checked.is_large(
        _chosen_of(checked, name)[0], limits
    ):
        raise MemoryError
    file.seek(0)
    book = CalamineWorkbook.from_filelike(file)
    titles = [
        (told.name, place)
        for place, told in enumerate(book.sheets_metadata)
        if told.typ is SheetTypeEnum.WorkSheet
    ]
    names = tuple(title for title, _ in titles)
    hidden = tuple(
        told.name
        for told in book.sheets_metadata
        if told.name in names and told.visible is not SheetVisibleEnum.Visible
    )
    chosen = choose(names, name, hidden)
    place = dict(titles)[chosen]
    sheet = book.get_sheet_by_index(place)
    marks = checked.marks(chosen, place)
    return Sheet(
        name=chosen,
        names=names,
        rows=lambda: _dense(sheet, marks.copy()),
        is_in_memory=True,
        hidden=hidden,
        merged=[(a[0] + 1, b[0] + 1) for a, b in sheet.merged_cell_ranges or ()],
    )


def read_with_openpyxl(
    file: BinaryIO, checked: XlsxFile, *, name: str | None, limits: Limits
) -> Sheet:
    """Read a sheet of an .xlsx a row at a time. Raises ``Unreadable``."""
    del file  # what it holds was opened before
    chosen, hidden = _chosen_of(checked, name)
    part = checked.sheets[chosen].part
    shows = padding_styles(checked.archive, checked.parts.styles)
    survey = Survey(checked.archive, part, shows, limits=limits)
    survey.check(chosen, limits)
    reader = _Workbook(checked.archive)
    reader.read()
    strings = _shared_strings(checked.archive, checked.parts.shared_strings)
    return Sheet(
        name=chosen,
        names=tuple(checked.sheets),
        rows=lambda: _sparse(
            checked.archive, part, reader.wb, strings, survey.marks.copy()
        ),
        is_in_memory=False,
        hidden=hidden,
        merged=survey.merged,
        height=survey.height,
    )


def _chosen_of(file: XlsxFile, name: str | None) -> tuple[str, tuple[str, ...]]:
    hidden = tuple(title for title, told in file.sheets.items() if told.is_hidden)
    return choose(tuple(file.sheets), name, hidden), hidden


def choose(names: tuple[str, ...], name: str | None, hidden: Sequence[str] = ()) -> str:
    """Return the sheet of a name, or the first one that is not hidden, if any is not.

    Raises ``Unreadable``.
    """
    if not names:
        raise Unreadable(
            Reason.NO_SHEETS,
            "It seems as though your spreadsheet contains no sheets. "
            "Please resave it and try again.",
        )
    if name is None:
        return next((one for one in names if one not in hidden), names[0])
    if name not in names:
        raise Unreadable(Reason.NO_SHEET, f"The file has no sheet named '{name}'")
    return name


def from_serial(number: float, *, mac: bool, is_duration: bool) -> Any:
    """Return what a number is under a format of dates; what is no date stays itself.

    Days count from 1900 or, in files of old Macs, from 1904. 1900 has a 29 February
    in Excel, which is shown as the 28th, and below one day there is only a time.
    """
    milliseconds = number * _MS_PER_DAY
    try:
        if is_duration:
            return timedelta(milliseconds=math.floor(milliseconds + 0.5))
        if number < 1:
            return _on(number % 1).time()
        days = number + _MAC_DAYS if mac else number
        return _on(days if days >= _LEAP_DAY else days + 1)
    except (OverflowError, ValueError):
        return number


def _on(days: float) -> datetime:
    return _EPOCH + timedelta(milliseconds=math.floor(days * _MS_PER_DAY + 0.5))


def _dense(sheet: CalamineSheet, marks: Marks) -> Iterator[Values]:
    """Yield the rows that calamine holds, which have no blanks at their left."""
    left: list[Any] = [None] * (sheet.start[1] if sheet.start else 0)
    last = -1
    for last, values in enumerate(sheet.iter_rows()):
        yield marks.apply(last, [*left, *values])
    # A sheet may end with marks, of whose cells calamine knows nothing.
    blank = 0
    for row in range(last + 1, marks.last_row() + 1):
        found = marks.apply(row, [])
        blank = 0 if found else blank + 1
        if blank > GAP:
            return
        yield found


class _Workbook(ExcelReader):  # type: ignore[misc]  # has no types
    """A workbook whose shared strings are read here, with their escapes."""

    def __init__(self, archive: Package) -> None:
        """Read an archive that was found harmless, without what it links to."""
        self.archive = archive
        self.valid_files = archive.namelist()
        self.read_only = self.data_only = True
        self.keep_vba = self.keep_links = self.rich_text = False
        self.shared_strings: list[str] = []

    def read_strings(self) -> None:
        """Leave them."""


def _shared_strings(archive: Package, name: str | None) -> list[str]:
    if name is None:
        return []
    found = []
    with archive.open(name) as part:
        for _, element in iterparse(part):
            if element.tag == _STRING_ITEM:
                found.append(Text.from_tree(element).content)
                element.clear()
    return found


def _sparse(
    archive: ZipFile, part: str, book: Workbook, strings: list[str], marks: Marks
) -> Iterator[Values]:
    """Yield the rows of a sheet, those between them that are not there as well."""
    expected = 1
    with archive.open(part) as source:
        parser = WorkSheetParser(source, strings, data_only=True)
        for number, cells in parser.parse():
            for _ in range(min(number - expected, GAP)):
                yield ()
            expected = number + 1
            yield marks.apply(number - 1, _values(cells, book))


def _values(cells: list[dict[str, Any]], book: Workbook) -> list[Any]:
    values: list[Any] = []
    for cell in cells:
        column = cell["column"]
        values.extend([None] * (column - len(values)))
        values[column - 1] = _value(cell, book)
    return values


def _value(cell: dict[str, Any], book: Workbook) -> Any:
    value = cell["value"]
    match cell["data_type"]:
        case "s" if value is not None:
            return _ESCAPE.sub(_unescaped, value)
        case "e" if value is not None:
            return ErrorValue(value)
        case "n" if value is not None and cell["style_id"] in book._date_formats:  # noqa: SLF001 - the reader's own
            return from_serial(
                value,
                mac=book.epoch == MAC_EPOCH,
                is_duration=cell["style_id"] in book._timedelta_formats,  # noqa: SLF001
            )
    return value


def _unescaped(found: re.Match[str]) -> str:
    """Return the character of ``_xHHHH_``; half a surrogate is none."""
    code = int(found[1], 16)
    return found[0] if 0xD800 <= code <= 0xDFFF else chr(code)  # noqa: PLR2004
