"""Looking at a spreadsheet before its import is promised.

``rules/excel-import.md`` 3.2.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

from importers.excel.rules.columns import (
    Columns,
    check_repeated,
    columns_of,
    meant_headers,
    refers_to_others,
)
from importers.excel.rules.options import (
    ExcelOptions,
    check_comment,
    check_headers,
    check_not_empty,
    check_renamed,
    refusal,
    renamed,
    sheets_of,
)
from importers.tables.open import open_table
from importers.tables.rows import Head
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
        head = check(None)
        hidden = tuple(t for t in head.sheet_names if t in head.hidden)
        titles = tuple(t for t in head.sheet_names if t not in hidden)
        if not titles:
            titles, hidden = hidden, ()
        known = _known_types(store, domain, titles) if len(titles) > 1 else set()
        sheets, ignored = sheets_of(options, titles, known)
        heads = [head]
        if len(sheets) > 1:
            heads = [check(sheet.title) for sheet in sheets]
    except Unreadable as error:
        raise refusal(error) from error
    check_comment(options)
    looked = replace(options, sheets=sheets, ignored_sheets=(*ignored, *hidden))
    return replace(looked, touches=_touched(looked, heads))


def _touched(looked: ExcelOptions, heads: Iterable[Head]) -> tuple[str, ...] | None:
    """Return the case types that an import keeps to; ``None`` if it need not."""
    if any(refers_to_others(head.headers, looked) for head in heads):
        return None
    return tuple(sorted({sheet.case_type for sheet in looked.sheets}))


def columns_found(
    path: Path, file_name: str, looked: ExcelOptions, *, limits: Limits
) -> list[Columns]:
    """Return what the headers of each sheet mean that is to be imported."""
    found = []
    for sheet in looked.sheets:
        title = sheet.title if looked.is_many else None
        with open_table(
            path,
            file_name=file_name,
            sheet=title,
            header_row=looked.header_row,
            limits=limits,
        ) as table:
            found.append(columns_of(table.headers, looked, sheet.case_type))
    return found


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
) -> Head:
    """Check the headers of a sheet, and return what is known of the file.

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
            if sheet is None:
                check_renamed(table.headers, options)
            headers = renamed(table.headers, options)
            check_headers(headers, but=meant_headers(headers, options))
            check_not_empty(Path(file_name).suffix.lower()[1:], table.headers)
            check_repeated(headers, table.rows)
            return table.head
    except Unreadable as error:
        if error.reason in _COUNTED:
            # Bad headers are told first, and how many there are behind them.
            headers = renamed(error.headers, options)
            check_headers(headers, but=meant_headers(headers, options))
        raise
