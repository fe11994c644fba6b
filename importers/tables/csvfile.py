"""The only reader of CSV: UTF-8, commas, double quotes (``rules/excel-import.md`` 4.1).

Cells are kept letter for letter. A file is read a row at a time, and only after all of
it was found to be readable, so that nothing is begun with half a file.
"""

from __future__ import annotations

import csv
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import TextIO

from importers.tables.rows import (
    Head,
    Row,
    Values,
    fitted,
    numbered,
    telling,
    to_headers,
    to_row,
)
from importers.tables.unreadable import Limits, Reason, Unreadable

SHEET = "Sheet1"
"""The title of the one sheet that a CSV file is."""

_SMALLEST = 2

# The limit of a row is checked here, per file; the one of the library is for all.
csv.field_size_limit(1 << 30)


def open_csv(
    path: Path, *, sheet: str | None, limits: Limits, charset: str = "utf-8"
) -> Head:
    """Read the header and find the number of rows; everything is read once.

    Raises ``Unreadable``.
    """
    if sheet not in {None, SHEET}:
        raise Unreadable(Reason.NO_SHEET, f"The file has no sheet named '{sheet}'")
    if path.stat().st_size < _SMALLEST:
        raise Unreadable(Reason.DAMAGED, "File is empty")
    with closing(_values(path, limits, charset)) as values:
        headers = to_headers(next(values, ()), limits)
        with telling(headers):
            rows = _rows(values, headers, limits)
            last = 1
            for row in rows:
                last = row.number
    return Head(
        sheet=SHEET,
        sheet_names=(SHEET,),
        headers=headers,
        row_count=last - 1,
    )


def read_csv(
    path: Path, headers: tuple[str, ...], *, limits: Limits, charset: str = "utf-8"
) -> Generator[Row]:
    """Yield the rows below the header. Raises ``Unreadable``."""
    with closing(_values(path, limits, charset)) as values:
        next(values, None)
        yield from _rows(values, headers, limits)


def read_values(
    path: Path, *, limits: Limits, charset: str = "utf-8"
) -> Generator[Values]:
    """Yield every row as it stands, blank ones and the first one too.

    For APIs with rules of their own. Raises ``Unreadable``.
    """
    yield from _values(path, limits, charset)


def _rows(
    values: Iterator[Values], headers: tuple[str, ...], limits: Limits
) -> Iterator[Row]:
    # A gap of blank rows ends a workbook and not a CSV file, where nothing but data
    # can make it long.
    for number, found in numbered(values, limits, gap=None):
        yield to_row(number, fitted(found, len(headers)))


def _values(path: Path, limits: Limits, charset: str) -> Generator[Values]:
    encoding = "utf-8-sig" if charset.lower() in {"utf-8", "utf8"} else charset
    with path.open(encoding=encoding, newline="") as file:
        lines = _Lines(file, limits.row_length)
        try:
            for values in csv.reader(lines, strict=True):
                lines.next_row()
                yield values
        except UnicodeDecodeError as error:
            raise Unreadable(Reason.DAMAGED, _not_text(charset)) from error
        except csv.Error as error:
            raise Unreadable(Reason.DAMAGED, _broken(lines)) from error


class _Lines:
    """The lines of a file, of which no row may take too much."""

    def __init__(self, file: TextIO, longest: int) -> None:
        self._file = file
        self._longest = longest
        self._length = 0
        self.row = 1
        self.ended = False

    def next_row(self) -> None:
        """Begin to count anew."""
        self._length = 0
        self.row += 1

    def __iter__(self) -> Iterator[str]:
        while line := self._file.readline(self._longest + 1):
            self._length += len(line)
            if self._length > self._longest:
                raise Unreadable(
                    Reason.DAMAGED,
                    f"Row {self.row} holds more than {self._longest} characters",
                )
            if "\0" in line:
                raise Unreadable(Reason.DAMAGED, _not_text("utf-8"))
            yield line
        self.ended = True


def _not_text(charset: str) -> str:
    return f"File is not {charset.upper()} text"


def _broken(lines: _Lines) -> str:
    if lines.ended:
        return f"Row {lines.row} has a quote that is not closed"
    return f"Row {lines.row} has text behind a closing quote"
