"""What was said of the records of a batch, as a workbook to mend its files by."""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

import xlsxwriter

from ledger.imports.values import ImportRow

_HEAD = ("record", "file", "row", "outcome", "messages")
_LONGEST_CELL = 32_767
_MOST_ROWS = 1_048_575


def write_messages(rows: Iterable[ImportRow], out: BinaryIO) -> int:
    """Write a line for each of the records; return how many there were room for."""
    options = {"constant_memory": True, "strings_to_numbers": False}
    options |= {"strings_to_formulas": False, "strings_to_urls": False}
    count = 0
    with xlsxwriter.Workbook(out, options) as book:
        sheet = book.add_worksheet("records")
        for column, title in enumerate(_HEAD):
            sheet.write_string(0, column, title)
        for count, row in enumerate(rows, start=1):
            if count > _MOST_ROWS:
                return _MOST_ROWS
            sheet.write_number(count, 0, row.record)
            sheet.write_string(count, 1, row.file[:_LONGEST_CELL])
            if row.row_number is not None:
                sheet.write_number(count, 2, row.row_number)
            sheet.write_string(count, 3, row.outcome.value)
            sheet.write_string(count, 4, "\n".join(row.messages)[:_LONGEST_CELL])
    return count
