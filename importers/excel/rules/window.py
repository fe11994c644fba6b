"""Some rows of a sheet, and the account of what became of them. Pure.

The rules are those of ``rules/excel-import.md``.

The progress of an import: ``sheet`` and ``row`` say what was read, ``waiting`` which of
it is in no chunk yet, ``report`` what became of the rest (``report.py``).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeGuard

from importers.excel.rules import report as excel_report
from importers.excel.rules.columns import Columns, ColumnWarning
from importers.excel.rules.noticed import (
    SHORTENED,
    dates_of,
    notices_of,
    rows_to_tell,
)
from importers.excel.rules.options import ExcelOptions, Sheet
from importers.excel.rules.outcome import Done
from importers.excel.rules.report import Report
from importers.excel.rules.wishes import Found, Wish, read_wishes
from importers.tables.notices import Notice
from importers.tables.rows import Head, Kind, Row

_TEXT = Kind.TEXT.value
_MOST_MERGED = 100_000

_ALIKE = "Rows with the same id change one case, one after the other"


@dataclass(frozen=True, slots=True)
class Place:
    """Which sheet of the file it is, counted from 0."""

    number: int
    sheet: Sheet


class ReadRow(NamedTuple):
    """A row, what it wants, and the rows that look the same case up, itself among them.

    Of several such rows the second names the first one, too.
    """

    row: Row
    found: Found
    alike: tuple[int, ...] = ()


class Looked:
    """Which ids the rows of a sheet have looked up so far, and where first."""

    def __init__(self) -> None:
        """Begin with none."""
        self._first: dict[str, int] = {}
        self._repeated: set[str] = set()

    def rows_alike(self, wishes: Sequence[Wish]) -> list[tuple[int, ...]]:
        """Take rows; return of each itself if a row before looked the same id up."""
        if all(wish.plain for wish in wishes):
            new = {wish.search: wish.number for wish in wishes}
            if len(new) == len(wishes) and self._first.keys().isdisjoint(new):
                new.pop("", None)
                self._first.update(new)
                return [()] * len(wishes)
        return [self._taken(wish) for wish in wishes]

    def _taken(self, wish: Wish) -> tuple[int, ...]:
        if not wish.search:
            return ()
        key = unicodedata.normalize("NFC", wish.search)
        first = self._first.setdefault(key, wish.number)
        if first == wish.number:
            return ()
        if key in self._repeated:
            return (wish.number,)
        self._repeated.add(key)
        return (first, wish.number)


@dataclass(frozen=True, slots=True)
class Window:
    """Rows that were just read, behind those that wait for their chunk to be full.

    ``touched`` are the cases that the rows before have made or changed.
    """

    place: Place
    columns: Columns
    rows: Sequence[ReadRow]
    waiting: Sequence[Wish]
    touched: AbstractSet[str]
    total: int | None = None

    @property
    def wishes(self) -> list[Wish]:
        """Return what must be decided, in row order."""
        new = (read.found for read in self.rows if is_wish(read.found))
        return [*self.waiting, *new]

    def account(self, before: Mapping[str, Any], done: Done) -> dict[str, Any]:
        """Return the progress after these rows."""
        report, title = excel_report.from_json(before["report"]), self.place.sheet.title
        rows = [read.row for read in self.rows]
        telling = rows_to_tell(rows, self.columns)
        telling.update(n for n, read in enumerate(self.rows) if read.alike)
        for place in sorted(telling):
            self._tell(report, self.rows[place])
        for read in self.rows:
            if not isinstance(read.found, Wish):
                report.note(read.row.number, read.found, title)
        for column, dates in dates_of(rows, self.columns.headers).items():
            report.tell_dates(column, dates, sheet=title)
        report.cases += len(done.touched - self.touched)
        report.take(done, title)
        last = self.rows[-1].row.number if self.rows else before["row"]
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

    def _tell(self, report: Report, read: ReadRow) -> None:
        """Add what is to be known of a row, whatever becomes of it."""
        title, search = self.place.sheet.title, self.columns.search_header
        for notice in read.row.notices:
            if not self.columns.is_shown(notice):
                report.tell(notice, title)
        for notice in notices_of(read.row, self.columns):
            # What spoils ids matters most.
            is_of_ids = notice.title == SHORTENED and notice.column == search
            (report.tell_first if is_of_ids else report.tell)(notice, title)
        for number in read.alike:
            report.tell(
                Notice("Same ID in several rows", _ALIKE, search, number), title
            )


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
        for name in options.trimmed:
            text = f"The field {name} of the upload had blanks at its ends"
            _warn(report, ColumnWarning("Trimmed field", "", text), sheet="")
        for title in options.ignored_sheets:
            why = (
                "is hidden"
                if title in head.hidden
                else f"was left out: only the first one, '{head.sheet}', was imported"
            )
            text = f"The sheet '{title}' {why}"
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


def read_rows(rows: Iterable[Row], columns: Columns, looked: Looked) -> list[ReadRow]:
    """Find out what each row wants."""
    shown = [shown_as(row, columns) if row.shown else row for row in rows]
    found = read_wishes(shown, columns)
    alike = iter(looked.rows_alike([one for one in found if is_wish(one)]))
    return [
        ReadRow(row, one, next(alike) if is_wish(one) else ())
        for row, one in zip(shown, found, strict=True)
    ]


def shown_as(row: Row, columns: Columns) -> Row:
    """Return a row with the numbers of some columns as they are shown (rule 4.3e)."""
    wanted = {place: text for place, text in row.shown if place in columns.as_shown}
    if not wanted:
        return row
    texts = tuple(wanted.get(n, text) for n, text in enumerate(row.texts))
    kinds = "".join(_TEXT if n in wanted else k for n, k in enumerate(row.kinds))
    return replace(row, texts=texts, kinds=kinds)


def is_wish(found: Found) -> TypeGuard[Wish]:
    """Tell whether a row wants something."""
    return isinstance(found, Wish)


def _warn(
    report: Report, found: ColumnWarning, *, sheet: str, row: int | None = None
) -> None:
    report.warn(found.title, found.column, text=found.description, sheet=sheet, row=row)
