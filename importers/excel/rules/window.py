"""Some rows of a sheet, and the account of what became of them. Pure.

The progress of an import: ``sheet`` and ``row`` say what was read, ``waiting`` which of
it is in no chunk yet, ``report`` what became of the rest (``report.py``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from importers.excel.rules import report as excel_report
from importers.excel.rules.columns import Columns, ColumnWarning
from importers.excel.rules.decide import RowError, Skip, Wish, read_row
from importers.excel.rules.options import ExcelOptions, Sheet
from importers.excel.rules.outcome import Done
from importers.excel.rules.report import Report
from importers.tables.rows import Head, Kind, Row

_TEXT = Kind.TEXT.value
_LONGEST_DATE = len("00/00/0000")
_DATE_LIKE = re.compile(
    r"\d{1,2}([/.-])\d{1,2}\1(\d{2}|\d{4})|\d{4}([/.])\d{1,2}\3\d{1,2}", re.ASCII
)
_MOST_MERGED = 100_000


@dataclass(frozen=True, slots=True)
class Place:
    """Which sheet of the file it is, counted from 0."""

    number: int
    sheet: Sheet


ReadRow = tuple[Row, Wish | RowError | Skip]
"""A row and what it wants."""


@dataclass(frozen=True, slots=True)
class Window:
    """Rows that were just read, behind those that wait for their chunk to be full."""

    place: Place
    columns: Columns
    rows: Sequence[ReadRow]
    waiting: Sequence[Wish]
    total: int | None = None

    @property
    def wishes(self) -> list[Wish]:
        """Return what must be decided, in row order."""
        return [*self.waiting, *(found for _, found in self.rows if is_wish(found))]

    def account(self, before: Mapping[str, Any], done: Done) -> dict[str, Any]:
        """Return the progress after these rows."""
        report, title = excel_report.from_json(before["report"]), self.place.sheet.title
        for row, found in self.rows:
            for notice in row.notices:
                report.tell(notice, title)
            for warning in _warnings(row, self.columns.headers):
                _warn(report, warning, sheet=title, row=row.number)
            if not isinstance(found, Wish):
                report.note(row.number, found, title)
        report.take(done, title)
        last = self.rows[-1][0].number if self.rows else before["row"]
        header_row = before.get("header_row", 1)
        if last == header_row:
            empty = ColumnWarning("Empty sheet", "", "The sheet has no rows")
            _warn(report, empty, sheet=title)
        taken = before["before"] + last - header_row
        total = before["before"] + (self.total or 0)
        return {
            "done": taken,
            "total": max(total, taken),
            "sheet": self.place.number,
            "before": before["before"],
            "header_row": header_row,
            "row": last,
            "waiting": [wish.number for wish in done.waiting],
            "report": excel_report.to_json(report),
        }


def begun(
    place: Place,
    before: Mapping[str, Any],
    head: Head,
    *,
    columns: Columns,
    options: ExcelOptions,
) -> dict[str, Any]:
    """Return the progress before the first row of a sheet."""
    report = excel_report.from_json(before.get("report", {}))
    for notice in head.notices:
        report.tell(notice, place.sheet.title)
    for found in columns.warnings:
        _warn(report, found, sheet=place.sheet.title)
    if place.number == 0:
        for title in options.ignored_sheets:
            text = "Only the first sheet was imported"
            _warn(report, ColumnWarning("Ignored sheet", "", text), sheet=title)
    for first, last in head.merged:
        text = "Only the first one of merged cells has a value"
        merged = ColumnWarning("Merged cells", "", text)
        for row in range(first, min(last, _MOST_MERGED) + 1):
            _warn(report, merged, sheet=place.sheet.title, row=row)
    return {
        "sheet": place.number,
        "before": report.rows,
        "header_row": options.header_row,
        "row": options.header_row,
        "waiting": [],
        "report": excel_report.to_json(report),
    }


def read_rows(rows: Iterable[Row], columns: Columns) -> list[ReadRow]:
    """Find out what each row wants."""
    return [(row, read_row(row, columns)) for row in rows]


def is_wish(found: Wish | RowError | Skip) -> TypeGuard[Wish]:
    """Tell whether a row wants something."""
    return isinstance(found, Wish)


def _warnings(row: Row, headers: Sequence[str]) -> Iterator[ColumnWarning]:
    for place in row.cleaned:
        about = "Control characters were left out"
        yield ColumnWarning("Control characters removed", headers[place], about)
    if Kind.ERROR.value in row.kinds:
        for place, kind in enumerate(row.kinds):
            if kind == Kind.ERROR.value and headers[place]:
                about = "A formula failed; its error is taken as text"
                yield ColumnWarning("Error value in cell", headers[place], about)
    for place, (text, kind) in enumerate(zip(row.texts, row.kinds, strict=True)):
        if kind != _TEXT or not text or len(text) > _LONGEST_DATE:
            continue
        if _DATE_LIKE.fullmatch(text):
            about = "Dates are written YYYY-MM-DD; this text is kept as it is"
            yield ColumnWarning("Text looks like a date", headers[place], about)


def _warn(
    report: Report, found: ColumnWarning, *, sheet: str, row: int | None = None
) -> None:
    report.warn(found.title, found.column, text=found.description, sheet=sheet, row=row)
