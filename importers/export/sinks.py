"""The files of an export: CSV, Excel and JSON lines, a row at a time.

Every text is written as it is: no value becomes a formula, a number or a link. What a
format cannot hold is refused (``Conflict``), never cut.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import BinaryIO

from xlsxwriter import Workbook
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.worksheet import Worksheet

from ledger.errors import Conflict

BYTE_ORDER_MARK = "\ufeff".encode()
"""What has a spreadsheet take a CSV file for UTF-8."""

MOST_COLUMNS = 16_384
MOST_ROWS = 1_048_576
LONGEST_CELL = 32_767
"""What a sheet of Excel holds; the length is that of UTF-16."""

_ESCAPED = re.compile("_(?=x[0-9A-Fa-f]{4}[_\r])|\r")


def write_jsonl(out: BinaryIO, lines: Iterable[bytes]) -> int:
    """Write lines that are ready; return how many there were."""
    count = 0
    for line in lines:
        out.write(line)
        count += 1
    return count


def write_csv(
    out: BinaryIO, columns: Sequence[str], rows: Iterable[dict[str, str]]
) -> int:
    """Write a table as RFC 4180 in UTF-8; return how many rows there were."""
    writer = csv.writer(_Encoded(out))
    writer.writerow(columns)
    count = 0
    for row in rows:
        writer.writerow([row.get(name, "") for name in columns])
        count += 1
    return count


def write_xlsx(
    out: BinaryIO,
    columns: Sequence[str],
    rows: Iterable[dict[str, str]],
    *,
    title: str,
    most_rows: int = MOST_ROWS,
) -> int:
    """Write a table as a workbook; return how many rows there were.

    What does not fit on a sheet goes on on the next one. Raises ``Conflict`` for more
    columns or longer texts than Excel takes.
    """
    if len(columns) > MOST_COLUMNS:
        raise Conflict(
            f"an Excel sheet holds {MOST_COLUMNS} columns and not {len(columns)}: "
            f"export as csv or jsonl"
        )
    with _workbook(out) as book:
        sheets = _Sheets(book, columns, title=title, most_rows=most_rows)
        count = 0
        for row in rows:
            sheets.write(row)
            count += 1
    return count


class _Encoded:
    """What ``csv`` writes to; unlike a text file it leaves the bytes' file open."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out

    def write(self, text: str) -> int:
        """Write a row."""
        return self._out.write(text.encode())


class _OneWay:
    """What ``zipfile`` writes to: nothing but writing, and nothing after a failure.

    A ZipFile that broke off writes its end when it is thrown away; if that failed as
    well, it would be told as a traceback.
    """

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._failed = False

    def write(self, data: bytes) -> int:
        """Write bytes; raises ``OSError`` once."""
        if self._failed:
            return len(data)
        try:
            return self._out.write(data)
        except OSError:
            self._failed = True
            raise

    def flush(self) -> None:
        """Leave flushing to whoever opened the file."""


class _Sheet(Worksheet):  # type: ignore[misc]  # has no types
    """A sheet that escapes texts so that what was escaped can be told from the rest.

    Texts such as ``_x0041_x0042_`` overlap; the library escapes the first half only.
    """

    @staticmethod
    def _escape_control_characters(text: str) -> str:
        """Return the text as ST_Xstring (ECMA-376 part 1, 22.9.2.19)."""
        return _ESCAPED.sub(lambda found: f"_x{ord(found[0]):04X}_", text)


class _Sheets:
    """One table over as many sheets as it takes, each with the names at its top."""

    def __init__(
        self, book: Workbook, columns: Sequence[str], *, title: str, most_rows: int
    ) -> None:
        self._book = book
        self._columns = columns
        self._places = {name: place for place, name in enumerate(columns)}
        self._title = title
        self._most_rows = most_rows
        self._begin()

    def write(self, row: dict[str, str]) -> None:
        """Write a row under the last one."""
        if self._next == self._most_rows:
            self._begin()
        for name, text in row.items():
            if text:
                self._write(self._places[name], text, _what(row))
        self._next += 1

    def _begin(self) -> None:
        number = len(self._book.worksheets()) + 1
        name = self._title if number == 1 else f"{self._title} ({number})"
        self._sheet = self._book.add_worksheet(name, worksheet_class=_Sheet)
        self._next = 0
        for place, column in enumerate(self._columns):
            self._write(place, column, "the name of a column")
        self._next = 1

    def _write(self, place: int, text: str, what: str) -> None:
        if self._sheet.write_string(self._next, place, text):
            raise Conflict(
                f"{what} has a text under '{self._columns[place][:100]}' that is "
                f"longer than the {LONGEST_CELL} characters of an Excel cell: export "
                f"as csv or jsonl"
            )


def _what(row: dict[str, str]) -> str:
    """Return what a row is about: no file with that row is there to look into."""
    if "case_id" in row:
        return f"case {row['case_id']}"
    return f"form {row['id']}" if "id" in row else "a row"


@contextmanager
def _workbook(out: BinaryIO) -> Iterator[Workbook]:
    """Make a workbook and write it at the end, unless something went wrong."""
    with TemporaryDirectory(prefix="caseledger-export-") as folder:
        options = {
            "constant_memory": True,
            "tmpdir": folder,
            "use_zip64": True,
            "strings_to_formulas": False,
            "strings_to_numbers": False,
            "strings_to_urls": False,
        }
        book = Workbook(_OneWay(out), options)
        try:
            yield book
            book.close()
        except FileCreateError as error:
            # The library's name for any OSError, a broken pipe for instance.
            raise error.args[0] from None
        finally:
            for sheet in book.worksheets():
                sheet.row_data_fh.close()
