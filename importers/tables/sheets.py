"""The two readers of workbooks, giving the same values; both run in a child process.

calamine is fast, reads everything and holds a sheet in memory, blank cells between
others included. openpyxl is slow and holds one row. What either leaves out or says in
its own way is made equal here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, BinaryIO, Protocol
from zipfile import ZipFile

from openpyxl.cell.text import Text
from openpyxl.reader.excel import ExcelReader
from openpyxl.utils.datetime import MAC_EPOCH
from openpyxl.workbook import Workbook
from openpyxl.worksheet._reader import WorkSheetParser
from openpyxl.xml.constants import SHARED_STRINGS, SHEET_MAIN_NS
from openpyxl.xml.functions import iterparse
from python_calamine import CalamineSheet, CalamineWorkbook, SheetTypeEnum

from importers.tables.rows import GAP, Values
from importers.tables.unreadable import Limits, Reason, Unreadable
from importers.tables.values import ErrorValue
from importers.tables.xlsx_survey import Survey, XlsxFile

_STRING_ITEM = f"{{{SHEET_MAIN_NS}}}si"
_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")
_DURATION = re.compile(r"PT(\d{1,6})H(\d{1,2})M(\d{1,2}(?:\.\d{1,9})?)S")
_MS_PER_DAY = 86_400_000
_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a sheet has no time zone
_MAC_DAYS = 1462
_LEAP_DAY = 60


class Checked(Protocol):
    """A file that may be parsed, and what calamine does not tell of it."""

    gives_durations_as_text: bool

    def errors(self, sheet: str, place: int, /) -> dict[tuple[int, int], ErrorValue]:
        """Return the errors of a sheet by row and column, from 0."""
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
    if isinstance(checked, XlsxFile) and checked.is_large(name, limits):
        raise MemoryError
    file.seek(0)
    book = CalamineWorkbook.from_filelike(file)
    titles = [
        (told.name, place)
        for place, told in enumerate(book.sheets_metadata)
        if told.typ is SheetTypeEnum.WorkSheet
    ]
    names = tuple(title for title, _ in titles)
    chosen = choose(names, name)
    place = dict(titles)[chosen]
    sheet = book.get_sheet_by_index(place)
    errors = checked.errors(chosen, place)
    refine = _as_duration if checked.gives_durations_as_text else None
    return Sheet(
        name=chosen,
        names=names,
        rows=lambda: _dense(sheet, errors, refine),
        is_in_memory=True,
        merged=[(a[0] + 1, b[0] + 1) for a, b in sheet.merged_cell_ranges or ()],
    )


def read_with_openpyxl(
    file: BinaryIO, checked: XlsxFile, *, name: str | None, limits: Limits
) -> Sheet:
    """Read a sheet of an .xlsx a row at a time. Raises ``Unreadable``."""
    names = tuple(checked.sheets)
    chosen = choose(names, name)
    part = checked.sheets[chosen]
    survey = Survey(checked.archive, part)
    survey.check(chosen, limits)
    reader = _Workbook(file, read_only=True, data_only=True)
    reader.read()
    strings = _shared_strings(reader)
    return Sheet(
        name=chosen,
        names=names,
        rows=lambda: _sparse(checked.archive, part, reader.wb, strings),
        is_in_memory=False,
        merged=survey.merged,
        height=survey.height,
    )


def choose(names: tuple[str, ...], name: str | None) -> str:
    """Return the sheet of a name, or the first one. Raises ``Unreadable``."""
    if not names:
        raise Unreadable(
            Reason.NO_SHEETS,
            "It seems as though your spreadsheet contains no sheets. "
            "Please resave it and try again.",
        )
    if name is None:
        return names[0]
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


def _dense(
    sheet: CalamineSheet,
    errors: dict[tuple[int, int], ErrorValue],
    refine: Callable[[Any], Any] | None,
) -> Iterator[Values]:
    """Yield the rows that calamine holds, which have no blanks at their left."""
    left: list[Any] = [None] * (sheet.start[1] if sheet.start else 0)
    by_row: dict[int, list[tuple[int, ErrorValue]]] = {}
    for (row, column), value in errors.items():
        by_row.setdefault(row, []).append((column, value))
    last = -1
    for last, values in enumerate(sheet.iter_rows()):
        found = map(refine, values) if refine else values
        yield _with([*left, *found], by_row.pop(last, ()))
    # A sheet may end with errors, of which calamine knows nothing.
    for row in sorted(by_row):
        if row > last + GAP:
            return
        for _ in range(last + 1, row):
            yield ()
        yield _with([], by_row[row])
        last = row


def _with(values: list[Any], errors: Any) -> list[Any]:
    for column, value in errors:
        values.extend([None] * (column + 1 - len(values)))
        values[column] = value
    return values


def _as_duration(value: Any) -> Any:
    """Return a duration of an .ods, which calamine gives as text, as one."""
    if type(value) is not str or not value.startswith("PT"):
        return value
    found = _DURATION.fullmatch(value)
    if found is None:
        return value
    return timedelta(
        hours=int(found[1]), minutes=int(found[2]), seconds=float(found[3])
    )


class _Workbook(ExcelReader):  # type: ignore[misc]  # has no types
    """A workbook whose shared strings are read here, with their escapes."""

    def read_strings(self) -> None:
        """Leave them."""


def _shared_strings(reader: _Workbook) -> list[str]:
    told = reader.package.find(SHARED_STRINGS)
    if told is None:
        return []
    found = []
    with reader.archive.open(told.PartName[1:]) as part:
        for _, element in iterparse(part):
            if element.tag == _STRING_ITEM:
                found.append(Text.from_tree(element).content)
                element.clear()
    return found


def _sparse(
    archive: ZipFile, part: str, book: Workbook, strings: list[str]
) -> Iterator[Values]:
    """Yield the rows of a sheet, those between them that are not there as well."""
    expected = 1
    with archive.open(part) as source:
        parser = WorkSheetParser(source, strings, data_only=True)
        for number, cells in parser.parse():
            for _ in range(min(number - expected, GAP)):
                yield ()
            expected = number + 1
            yield _values(cells, book)


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
