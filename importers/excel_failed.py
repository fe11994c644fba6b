"""The failed rows of an import as a workbook to be mended and sent again.

``excel-import.md`` section 18.4: one more column says what is wrong with each row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import xlsxwriter

from importers.excel_columns import REASONS
from importers.excel_report import row_numbers
from importers.table import Table, open_table
from ledger.jobs import Job

_LONGEST_CELL = 32_767


def write_failed_rows(job: Job, path: Path, out: BinaryIO) -> int:
    """Write the failed rows of a job, whose file stands at the path; return how many.

    One sheet for each sheet that was imported. Raises ``Unreadable``.
    """
    options = {"constant_memory": True, "strings_to_numbers": False}
    options |= {"strings_to_formulas": False, "strings_to_urls": False}
    sheets = [title for title, _ in job.options["sheets"]]
    count = 0
    with xlsxwriter.Workbook(out, options) as book:
        for title in sheets:
            named = title if len(sheets) > 1 else None
            reasons = reasons_of(job, title)
            name = job.options["file"]["name"]
            with open_table(path, file_name=name, sheet=named) as table:
                count += _write(book.add_worksheet(title), table, reasons)
    return count


def reasons_of(job: Job, sheet: str) -> dict[int, str]:
    """Return why rows of a sheet failed, by their numbers."""
    report: Mapping[str, Any] = job.progress.get("report", {})
    return {
        number: f"{group['title']}: {group['description']}"
        for group in report.get("errors", ())
        if group["sheet"] == sheet
        for number in row_numbers(group["rows"])
    }


def _write(sheet: Any, table: Table, reasons: Mapping[int, str]) -> int:
    place = -1
    for place, texts in enumerate(_lines(table, reasons)):
        for column, text in enumerate(texts):
            if text:
                sheet.write_string(place, column, text[:_LONGEST_CELL])
    return max(place, 0)


def _lines(table: Table, reasons: Mapping[int, str]) -> Iterator[list[str | None]]:
    kept = [p for p, h in enumerate(table.headers) if h and h != REASONS]
    yield [*(table.headers[place] for place in kept), REASONS]
    for row in table.rows():
        if row.number in reasons:
            yield [*(row.texts[place] for place in kept), reasons[row.number]]
