"""The failed rows of an upload as a workbook to be mended and sent again."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

import xlsxwriter

from importers.sunbird.table import open_file
from importers.tables.delimited import SHEET
from importers.tables.rows import REASONS
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
    file = open_file(path)
    width = len(file.header)
    yield [*file.names, REASONS]
    with closing(file.lines()) as lines:
        for line in lines:
            if line.number in reasons:
                filled = [*line.cells, *[""] * width][:width]
                yield [*filled, reasons[line.number]]
