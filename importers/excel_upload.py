"""Looking at a spreadsheet before its import is promised (``excel-import.md`` 3.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from importers.excel_options import (
    ExcelOptions,
    check_headers,
    check_not_empty,
    refusal,
    sheets_of,
)
from importers.table import open_table
from importers.unreadable import DEFAULT_LIMITS, Limits, Reason, Unreadable

KnownTypes = Callable[[Iterable[str]], set[str]]
"""Says which of some texts are types of cases that the domain has."""


def looked_into(
    path: Path,
    file_name: str,
    options: ExcelOptions,
    *,
    known_types: KnownTypes,
    limits: Limits = DEFAULT_LIMITS,
) -> ExcelOptions:
    """Return the options with the sheets to import; blocks while it reads.

    Raises ``Refused`` with the first of the checks 3 to 18 that fails.
    """
    try:
        titles = _check(path, file_name, None, limits)
        known = known_types(titles) if len(titles) > 1 else set()
        sheets, ignored = sheets_of(options, titles, known)
        if len(sheets) > 1:
            for sheet in sheets:
                _check(path, file_name, sheet.title, limits)
    except Unreadable as error:
        raise refusal(error) from error
    return replace(options, sheets=sheets, ignored_sheets=ignored)


def _check(
    path: Path, file_name: str, sheet: str | None, limits: Limits
) -> tuple[str, ...]:
    """Check the headers of a sheet, and return the titles of all of them."""
    with open_table(path, file_name=file_name, sheet=sheet, limits=limits) as table:
        check_headers(table.headers)
        check_not_empty(Path(file_name).suffix.lower()[1:], table.headers)
        if (table.row_count or 0) > limits.rows:
            text = (
                "Your spreadsheet has too many rows. "
                f"A maximum of {limits.rows} is supported."
            )
            raise Unreadable(Reason.ROWS, text)
        return table.sheet_names
