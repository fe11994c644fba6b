"""The failed rows of an upload as a workbook to be mended and sent again."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

import xlsxwriter

from importers.tables.csvfile import SHEET, read_values
from importers.tables.rows import REASONS
from importers.tables.unreadable import DEFAULT_LIMITS
from ledger.imports.values import ImportRow, Outcome

_LONGEST_CELL = 32_767


def write_failed_rows(rows: Iterable[ImportRow], path: Path, out: BinaryIO) -> int:
    """Write the rows of a file that failed, with the reason beside each.

    ``rows`` are the kept rows in their order. Returns how many failed.
    """
    options = {"constant_memory": True, "strings_to_numbers": False}
    options |= {"strings_to_formulas": False, "strings_to_urls": False}
    place = 0
    with (
        xlsxwriter.Workbook(out, options) as book,
        closing(_lines(rows, path)) as lines,
    ):
        sheet = book.add_worksheet(SHEET)
        for place, texts in enumerate(lines):
            for column, text in enumerate(texts):
                if text:
                    sheet.write_string(place, column, text[:_LONGEST_CELL])
    return place


def _lines(rows: Iterable[ImportRow], path: Path) -> Generator[Sequence[str]]:
    """Yield the header and the failed rows, both with one more column."""
    reasons = {
        row.row_number: "; ".join(row.messages)
        for row in rows
        if row.outcome is Outcome.FAILED
    }
    width: int | None = None
    with closing(read_values(path, limits=DEFAULT_LIMITS)) as values:
        for line, cells in enumerate(values, start=1):
            if width is None:
                if any(cell.strip() for cell in cells):
                    width = len(cells)
                    yield [*cells, REASONS]
            elif line in reasons:
                filled = [*cells, *[""] * width][:width]
                yield [*filled, reasons[line]]
