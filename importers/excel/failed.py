"""The failed rows of an import: a workbook to be mended and sent again, and a list.

``rules/excel-import.md`` 18.4. Both read the file that was uploaded once more, for
the report of a job keeps only the numbers of its rows.
"""

from __future__ import annotations

import csv
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from heapq import merge
from io import StringIO
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

import xlsxwriter

from importers.excel.rules import options as excel_options
from importers.excel.rules.columns import Columns, columns_of
from importers.excel.rules.decide import INVISIBLE
from importers.excel.rules.report import row_numbers, row_ranges
from importers.tables.open import Table, open_table
from importers.tables.rows import REASONS, Row
from ledger.jobs.values import Job

LISTED = ("sheet", "row", "title", "column", "value", "description")
"""The columns of the list."""

WARNINGS = "warnings"
"""The sheet of a workbook of failed rows with what else was told."""

_WARNED = ("sheet", "title", "column", "rows", "description", "sample")
_Group = Mapping[str, Any]
_LONGEST_CELL = 32_767
_PIECE = 64 * 1024


@contextmanager
def _written_down(content: bytes) -> Iterator[Path]:
    """Lend a path at which the bytes of an uploaded file stand."""
    with TemporaryDirectory(prefix="caseledger-failed-") as folder:
        path = Path(folder) / "upload"
        path.write_bytes(content)
        yield path


def write_failed_rows(job: Job, content: bytes, out: BinaryIO) -> int:
    """Write the failed rows of the file of a job as a workbook; return how many.

    One sheet for each sheet that was imported. Raises ``Unreadable``.
    """
    options = {"constant_memory": True, "strings_to_numbers": False}
    options |= {"strings_to_formulas": False, "strings_to_urls": False}
    with _written_down(content) as path, xlsxwriter.Workbook(out, options) as book:
        # In the file's properties, for a sheet to be seen would be imported.
        book.set_properties({"comments": counted(job)})
        count = sum(
            _write(book.add_worksheet(table.head.sheet), table, groups)
            for table, groups, _ in _sheets(job, path)
        )
        _write_warnings(book, job)
    return count


def _write_warnings(book: Any, job: Job) -> None:
    """Write what was told beside the errors into a sheet of its own, if anything was.

    It is hidden: what is sent again must not be taken for a workbook of many types.
    """
    warnings = job.progress.get("report", {}).get("warnings", ())
    if not warnings or any(
        sheet.name.lower() == WARNINGS for sheet in book.worksheets()
    ):
        return
    sheet = book.add_worksheet(WARNINGS)
    sheet.hide()
    for place, texts in enumerate((_WARNED, *map(_warned, warnings))):
        for column, text in enumerate(texts):
            sheet.write_string(place, column, text[:_LONGEST_CELL])


def _warned(group: _Group) -> tuple[str, ...]:
    rows = row_ranges(group["rows"])
    named = (group[name] or "" for name in ("description", "sample"))
    return group["sheet"], group["title"], group["column"], rows, *named


def counted(job: Job) -> str:
    """Return how many rows an import had, and how many cases, as a sentence."""
    report = job.progress.get("report", {})
    count = report.get
    stored = count("created", 0) + count("updated", 0)
    return (
        f"{count('failed', 0)} rows failed; "
        f"{stored} rows made or changed {count('cases', 0)} cases"
    )


def list_failed_rows(job: Job, content: bytes) -> Generator[bytes]:
    """Yield the failed rows as CSV, a line for each, in pieces; the header first.

    Values are those of the file, letter for letter. Raises ``Unreadable``.
    """
    out = StringIO()
    write = csv.writer(out).writerow
    write(LISTED)
    with _written_down(content) as path:
        for table, groups, columns in _sheets(job, path):
            for row, group in _failed(table, groups):
                write(_line(table.head.sheet, row, group, columns))
                if out.tell() > _PIECE:
                    yield _taken(out)
    yield _taken(out)


def _sheets(job: Job, path: Path) -> Iterator[tuple[Table, list[_Group], Columns]]:
    """Yield each sheet that was imported, its errors, and what its columns mean."""
    options = excel_options.from_json(job.options)
    limits = excel_options.limits_from_json(job.options)
    name = job.options["file"]["name"]
    errors = job.progress.get("report", {}).get("errors", ())
    for sheet in options.sheets:
        title = sheet.title if options.is_many else None
        groups = [group for group in errors if group["sheet"] == sheet.title]
        with open_table(
            path,
            file_name=name,
            sheet=title,
            header_row=options.header_row,
            limits=limits,
        ) as table:
            yield table, groups, columns_of(table.headers, options, sheet.case_type)


def _failed(table: Table, groups: list[_Group]) -> Iterator[tuple[Row, _Group]]:
    """Yield the rows that failed, in order, each with its error."""
    wanted = merge(*map(_numbered, groups), key=itemgetter(0))
    number, group = next(wanted, (0, {}))
    for row in table.rows() if number else ():
        if row.number == number:
            yield row, group
            number, group = next(wanted, (0, {}))


def _numbered(group: _Group) -> Iterator[tuple[int, _Group]]:
    return ((number, group) for number in row_numbers(group["rows"]))


def _write(sheet: Any, table: Table, groups: list[_Group]) -> int:
    place = -1
    for place, texts in enumerate(_cells(table, groups)):
        for column, text in enumerate(texts):
            if text:
                sheet.write_string(place, column, text[:_LONGEST_CELL])
    return max(place, 0)


def _cells(table: Table, groups: list[_Group]) -> Iterator[list[str | None]]:
    kept = [p for p, h in enumerate(table.headers) if h and h != REASONS]
    yield [*(table.headers[place] for place in kept), REASONS]
    for row, group in _failed(table, groups):
        cells = f" ({row.fault.sample})" if row.fault else ""
        reason = f"{group['title']}: {group['description']}{cells}"
        yield [*(row.texts[place] for place in kept), reason]


def _line(sheet: str, row: Row, group: _Group, columns: Columns) -> list[str]:
    title, column = group["title"], group["column"]
    value = row.fault.sample if row.fault else _value(title, column, row, columns)
    return [sheet, str(row.number), title, column, value, group["description"]]


def _value(title: str, column: str, row: Row, columns: Columns) -> str:
    """Return what the cell at fault says; some errors name no column."""
    place = columns.fields.get(column or _AT_FAULT.get(title, ""))
    if title in {"Too Many Matches", INVISIBLE}:
        place = columns.search
    return "" if place is None else row.texts[place] or ""


_AT_FAULT = {"Duplicated Location Name": "owner_name"}


def _taken(out: StringIO) -> bytes:
    piece = out.getvalue().encode()
    out.seek(0)
    out.truncate()
    return piece
