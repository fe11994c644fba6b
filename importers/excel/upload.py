"""Looking at a spreadsheet before its import is promised.

``rules/excel-import.md`` 3.2.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

from importers.excel.rules.columns import check_repeated, meant_headers
from importers.excel.rules.options import (
    ExcelOptions,
    check_comment,
    check_headers,
    check_not_empty,
    refusal,
    sheets_of,
)
from importers.tables.open import open_table
from importers.tables.unreadable import Limits, Reason, Unreadable
from ledger.store import Reader, Store
from projections.lists.filter import CaseFilter, Page
from projections.lists.pages import list_cases

_COUNTED = (Reason.COLUMNS, Reason.ROWS)


def looked_into(
    path: Path,
    file_name: str,
    options: ExcelOptions,
    *,
    store: Store,
    domain: str,
    limits: Limits,
) -> ExcelOptions:
    """Return the options with the sheets to import; blocks while it reads.

    Raises ``Refused`` with the first of the checks 3 to 18 that fails.
    """
    try:
        check = partial(_check, path, file_name, options=options, limits=limits)
        titles = check(None)
        known = _known_types(store, domain, titles) if len(titles) > 1 else set()
        sheets, ignored = sheets_of(options, titles, known)
        if len(sheets) > 1:
            for sheet in sheets:
                check(sheet.title)
    except Unreadable as error:
        raise refusal(error) from error
    check_comment(options)
    return replace(options, sheets=sheets, ignored_sheets=ignored)


def _known_types(store: Store, domain: str, titles: Iterable[str]) -> set[str]:
    with store.snapshot(domain) as reader:
        return {title for title in titles if _has_type(reader, title)}


def _has_type(r: Reader, case_type: str) -> bool:
    """Tell whether the domain has a case of a type (rule 5.1)."""
    asked = CaseFilter(equals={"case_type": (case_type,)})
    return bool(list_cases(r, asked, Page(limit=1)).rows)


def _check(
    path: Path,
    file_name: str,
    sheet: str | None,
    *,
    options: ExcelOptions,
    limits: Limits,
) -> tuple[str, ...]:
    """Check the headers of a sheet, and return the titles of all of them.

    Only of columns with one header all values are looked at.
    """
    try:
        with open_table(
            path,
            file_name=file_name,
            sheet=sheet,
            header_row=options.header_row,
            limits=limits,
        ) as table:
            check_headers(table.headers, but=meant_headers(table.headers, options))
            check_not_empty(Path(file_name).suffix.lower()[1:], table.headers)
            check_repeated(table.headers, table.rows)
            return table.sheet_names
    except Unreadable as error:
        if error.reason in _COUNTED:
            # Bad headers are told first, and how many there are behind them.
            check_headers(error.headers, but=meant_headers(error.headers, options))
        raise
