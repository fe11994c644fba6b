"""Open a table, whatever file it is in: the face of everything that reads tables.

Reading blocks for as long as it takes, so whoever serves HTTP calls it from a thread.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Self

from importers.tables.batches import in_batches, to_rows
from importers.tables.delimited import SHEET, USUAL, Delimited, Line, Wanted
from importers.tables.notices import Notice
from importers.tables.rows import Head, Row, numbered, telling, to_headers
from importers.tables.unreadable import (
    DEFAULT_LIMITS,
    Limits,
    Reason,
    Unreadable,
    no_header,
)
from importers.tables.workbook import Reading, open_workbook

_SMALLEST = 2


class FileFormat(StrEnum):
    """What is read, by the extension of the file's name."""

    CSV = "csv"
    TSV = "tsv"
    TXT = "txt"
    XLSX = "xlsx"
    XLS = "xls"
    ODS = "ods"


class Table:
    """A sheet with a header. Close it, or use it in a ``with``: a process may wait."""

    def __init__(
        self,
        path: Path,
        head: Head,
        *,
        file_format: FileFormat,
        limits: Limits,
        header_row: int = 1,
        source: Reading | Delimited,
    ) -> None:
        """Take what ``open_table`` found; ``source`` stands before the first row."""
        self.path = path
        self.head = head
        self.file_format = file_format
        self.header_row = header_row
        self._limits = limits
        self._source: Reading | Delimited | None = source

    @property
    def headers(self) -> tuple[str, ...]:
        """Return the headers; an empty one stands above a column to be ignored."""
        return self.head.headers

    @property
    def row_count(self) -> int | None:
        """Return the number of rows below the header, blank ones too, if known."""
        return self.head.row_count

    @property
    def notices(self) -> tuple[Notice, ...]:
        """Return what is told of the file as a whole; rows have their own."""
        return self.head.notices

    def rows(self) -> Generator[Row]:
        """Yield the rows below the header, each call from the first one.

        Raises ``Unreadable`` when the file breaks off or has too many.
        """
        if isinstance(self._source, Delimited):
            yield from _text_rows(self._source, self.headers, self._limits)
            return
        begun, self._source = self._source, None
        with begun or self._again() as reading:
            yield from reading.rows()

    def close(self) -> None:
        """End the process that reads, if there is one."""
        if isinstance(self._source, Reading):
            self._source.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def _again(self) -> Reading:
        return open_workbook(
            self.path,
            self.file_format.value,
            sheet=self.head.sheet,
            limits=self._limits,
            header_row=self.header_row,
        )


def open_table(
    path: Path,
    *,
    file_name: str,
    sheet: str | None = None,
    header_row: int = 1,
    limits: Limits = DEFAULT_LIMITS,
) -> Table:
    """Open the sheet of a name, or the first one to be seen; the header is read.

    ``file_name`` is what the sender called the file: its extension chooses the reader
    (``rules/excel-import.md`` 2). Raises ``Unreadable``.
    """
    file_format = format_of(file_name)
    if path.stat().st_size > limits.file_size:
        raise limits.file_too_large()
    source: Reading | Delimited
    if file_format.value in USUAL:
        if sheet not in {None, SHEET}:
            raise Unreadable(Reason.NO_SHEET, f"The file has no sheet named '{sheet}'")
        if path.stat().st_size < _SMALLEST:
            raise Unreadable(Reason.DAMAGED, "File is empty")
        wanted = Wanted(usual=USUAL[file_format.value], header_row=header_row)
        source = Delimited(path, wanted, limits)
        head = _text_head(source, limits)
    else:
        source = open_workbook(
            path,
            file_format.value,
            sheet=sheet,
            limits=limits,
            header_row=header_row,
        )
        head = source.head
    return Table(
        path,
        head,
        file_format=file_format,
        limits=limits,
        header_row=header_row,
        source=source,
    )


def _text_head(source: Delimited, limits: Limits) -> Head:
    """Return what is known of a text file. Raises ``Unreadable``."""
    headers = to_headers(source.header, limits)
    if not headers and source.first_below is not None:
        raise no_header(source.header_number, source.first_below)
    row_count = source.last_below - source.header_number
    if row_count > limits.rows:
        with telling(headers):
            raise limits.too_many_rows()
    return Head(
        sheet=SHEET,
        sheet_names=(SHEET,),
        headers=headers,
        row_count=row_count,
        notices=source.notices,
    )


def _text_rows(
    source: Delimited, headers: tuple[str, ...], limits: Limits
) -> Iterator[Row]:
    first = source.header_number + 1
    with closing(source.lines()) as lines:
        # A gap of blank rows ends a workbook and not a text file, where nothing but
        # data can make it long.
        found = numbered((n.cells for n in lines), limits, first=first, gap=None)
        for batch in in_batches(found):
            judged = [source.judged(Line(*one)) for one in batch]
            rows = to_rows([(line.number, line.cells) for line in judged], headers)
            for line, row in zip(judged, rows, strict=True):
                if line.notices or line.fault:
                    notices = (*line.notices, *(() if line.fault else row.notices))
                    yield replace(row, notices=notices, fault=line.fault)
                else:
                    yield row


def format_of(file_name: str) -> FileFormat:
    """Return the format that a name asks for (``rules/excel-import.md`` 3.2, check 3).

    Raises ``Unreadable``.
    """
    extension = Path(file_name).suffix.lower().removeprefix(".")
    if extension not in set(FileFormat):
        raise Unreadable(
            Reason.FORMAT,
            "Please upload file with one of the following extensions: csv, xls, xlsx",
        )
    return FileFormat(extension)
