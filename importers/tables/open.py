"""Open a table, whatever file it is in: the face of everything that reads tables.

Reading blocks for as long as it takes, so whoever serves HTTP calls it from a thread.
"""

from __future__ import annotations

from collections.abc import Generator
from enum import StrEnum
from pathlib import Path
from typing import Self

from importers.tables.csvfile import open_csv, read_csv
from importers.tables.notices import Notice
from importers.tables.rows import Head, Row
from importers.tables.unreadable import DEFAULT_LIMITS, Limits, Reason, Unreadable
from importers.tables.workbook import Reading, open_workbook


class FileFormat(StrEnum):
    """What is read, by the extension of the file's name."""

    CSV = "csv"
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
        reading: Reading | None = None,
    ) -> None:
        """Take what ``open_table`` found; ``reading`` stands before the first row."""
        self.path = path
        self.head = head
        self.file_format = file_format
        self._limits = limits
        self._reading = reading

    @property
    def headers(self) -> tuple[str, ...]:
        """Return the headers; an empty one stands above a column to be ignored."""
        return self.head.headers

    @property
    def sheet_names(self) -> tuple[str, ...]:
        """Return the worksheets in workbook order, charts left out."""
        return self.head.sheet_names

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
        if self.file_format is FileFormat.CSV:
            yield from read_csv(self.path, self.headers, limits=self._limits)
            return
        begun, self._reading = self._reading, None
        with begun or self._again() as reading:
            yield from reading.rows()

    def close(self) -> None:
        """End the process that reads, if there is one."""
        if self._reading is not None:
            self._reading.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def _again(self) -> Reading:
        name, sheet = self.file_format.value, self.head.sheet
        return open_workbook(self.path, name, sheet=sheet, limits=self._limits)


def open_table(
    path: Path,
    *,
    file_name: str,
    sheet: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Table:
    """Open the sheet of a name, or the first one; the header is read.

    ``file_name`` is what the sender called the file: its extension chooses the reader
    (``rules/excel-import.md`` 2). Raises ``Unreadable``.
    """
    file_format = format_of(file_name)
    if path.stat().st_size > limits.file_size:
        raise limits.file_too_large()
    if file_format is FileFormat.CSV:
        head = open_csv(path, sheet=sheet, limits=limits)
        return Table(path, head, file_format=file_format, limits=limits)
    reading = open_workbook(path, file_format.value, sheet=sheet, limits=limits)
    return Table(
        path, reading.head, file_format=file_format, limits=limits, reading=reading
    )


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
