"""Some rows of a sheet, and the account of what became of them. Pure.

The rules are those of ``rules/excel-import.md``.

The progress of an import: ``sheet`` and ``row`` say what was read, ``waiting`` which of
it is in no chunk yet, ``report`` what became of the rest (``report.py``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeGuard

from importers.excel.rules import report as excel_report
from importers.excel.rules.columns import Columns, ColumnWarning
from importers.excel.rules.dates import LONGEST, Reading, reading_of
from importers.excel.rules.decide import INVISIBLE, RowError, Skip, Wish, read_row
from importers.excel.rules.options import ExcelOptions, Sheet
from importers.excel.rules.outcome import Done
from importers.excel.rules.report import Report
from importers.rows.rules.ids import as_seen, escaped, id_text
from importers.tables.notices import Notice
from importers.tables.rows import Head, Kind, Row

_TEXT, _TIME, _ERROR = Kind.TEXT.value, Kind.TIME.value, Kind.ERROR.value
_SHORTENED = re.compile(r"-?\d(?:[.,]\d+)?[eE]\+?\d{1,3}", re.ASCII)
_MOST_MERGED = 100_000

SHORTENED = "Shortened number"
_SHORTENED_TEXT = (
    "A spreadsheet has shortened a long number to this; it is kept as it is, and its "
    "digits are lost: format the column as text and export it anew"
)
_ALIKE = "Rows with the same id change one case, one after the other"
_WHOLE = "An id that is a whole number is its digits: 12.0 is taken as 12"
_UNSEEN = (
    "The id has blanks at its ends or characters that nobody sees; it is taken as it is"
)


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
    found: Wish | RowError | Skip
    alike: tuple[int, ...] = ()


class Looked:
    """Which ids the rows of a sheet have looked up so far, and where first."""

    def __init__(self) -> None:
        """Begin with none."""
        self._first: dict[str, int] = {}
        self._repeated: set[str] = set()

    def rows_alike(self, wish: Wish) -> tuple[int, ...]:
        """Take a row; return itself if a row before looked the same id up."""
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
        for read in self.rows:
            self._tell(report, read)
            if not isinstance(read.found, Wish):
                report.note(read.row.number, read.found, title)
        for column, dates in _dates(self.rows, self.columns.headers).items():
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
        for notice in _notices(read.row, self.columns):
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
    return [_read(shown_as(row, columns), columns, looked) for row in rows]


def _read(row: Row, columns: Columns, looked: Looked) -> ReadRow:
    found = read_row(row, columns)
    return ReadRow(row, found, looked.rows_alike(found) if is_wish(found) else ())


def shown_as(row: Row, columns: Columns) -> Row:
    """Return a row with the numbers of some columns as they are shown (rule 4.3e)."""
    wanted = {place: text for place, text in row.shown if place in columns.as_shown}
    if not wanted:
        return row
    texts = tuple(wanted.get(n, text) for n, text in enumerate(row.texts))
    kinds = "".join(_TEXT if n in wanted else k for n, k in enumerate(row.kinds))
    return replace(row, texts=texts, kinds=kinds)


def is_wish(found: Wish | RowError | Skip) -> TypeGuard[Wish]:
    """Tell whether a row wants something."""
    return isinstance(found, Wish)


def _notices(row: Row, columns: Columns) -> Iterator[Notice]:
    """Yield what is to be known of the cells of a row."""
    for place in row.cleaned:
        about = "Control characters were left out"
        yield _about(
            row, columns, place, title="Control characters removed", text=about
        )
    for place, (text, kind) in enumerate(zip(row.texts, row.kinds, strict=True)):
        if kind == _ERROR and columns.headers[place]:
            about = "A formula failed; its error is taken as text"
            yield _about(row, columns, place, title="Error value in cell", text=about)
        elif kind == _TEXT and text and _SHORTENED.fullmatch(text):
            yield _about(row, columns, place, title=SHORTENED, text=_SHORTENED_TEXT)
    for place in columns.ids:
        text = row.texts[place] or ""
        if id_text(text) != text:
            yield _about(row, columns, place, title="Whole number as ID", text=_WHOLE)
        elif text and as_seen(text) != text:
            yield _about(row, columns, place, title=INVISIBLE, text=_UNSEEN)


def _about(row: Row, columns: Columns, place: int, *, title: str, text: str) -> Notice:
    sample = escaped(row.texts[place] or "")
    shown = f'Sample: Cell in row {row.number} contains "{sample}"' if sample else ""
    return Notice(title, text, columns.headers[place], row.number, shown)


def _dates(
    rows: Iterable[ReadRow], headers: Sequence[str]
) -> Mapping[str, list[tuple[int, Reading]]]:
    """Return the dates of each column: in which row, and how they read."""
    found: dict[str, list[tuple[int, Reading]]] = {}
    for row in (read.row for read in rows):
        for place, (text, kind) in enumerate(zip(row.texts, row.kinds, strict=True)):
            if not text or len(text) > LONGEST or kind not in {_TEXT, _TIME}:
                continue
            reading = reading_of(text)
            if reading is not None and kind == _TIME:
                reading = Reading.CELL
            if reading is not None and headers[place]:
                found.setdefault(headers[place], []).append((row.number, reading))
    return found


def _warn(
    report: Report, found: ColumnWarning, *, sheet: str, row: int | None = None
) -> None:
    report.warn(found.title, found.column, text=found.description, sheet=sheet, row=row)
