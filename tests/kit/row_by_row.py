"""Rows of a spreadsheet read cell by cell: what the product finds by columns.

See rules/excel-import.md 4 and 18.
"""

from __future__ import annotations

from collections.abc import Iterator

from importers.excel.rules.columns import BUILT_IN, ID_FIELDS, NAME, Columns
from importers.excel.rules.dates import LONGEST, Reading, reading_of
from importers.excel.rules.options import LONGEST as LONGEST_NAME
from importers.excel.rules.options import SearchField
from importers.excel.rules.wishes import Found, RowError, Skip, Wish, read_wishes
from importers.rows.rules.ids import id_text, is_plain
from importers.tables.rows import Row
from ledger.forms.names import is_any_too_long


def wish_of(row: Row, columns: Columns) -> Found:
    """Return what the product says that a row wants."""
    (found,) = read_wishes([row], columns)
    return found


def read_row(row: Row, columns: Columns) -> Found:
    """Return what a row wants, by ``rules/excel-import.md`` 7, steps 1 to 6."""
    if row.fault is not None:
        return RowError("Too Many Cells", "", row.fault.text, row.fault.sample)
    fields = {name: row.texts[place] for name, place in columns.fields.items()}
    for name in ID_FIELDS & fields.keys():
        if fields[name]:
            fields[name] = id_text(fields[name])
    search = "" if columns.search is None else id_text(row.texts[columns.search])
    if columns.search_field is SearchField.EXTERNAL_ID:
        fields["external_id"] = search
    if not any(fields.values()):
        return Skip.BLANK
    for name, title, about in (
        (NAME, "Name Too Long", "case name"),
        ("external_id", "External ID Too Long", "external id"),
    ):
        text = fields.get(name) or ""
        if len(text) > LONGEST_NAME:
            told = f"The {about} cannot be longer than {LONGEST_NAME} characters"
            return RowError(title, name, told, text)
    if columns.search_field is SearchField.EXTERNAL_ID and not search:
        told = "Blank external ids were found in these rows causing as error when "
        return RowError("Blank External ID", "", f"{told}importing cases.")
    return Wish(
        row.number,
        search,
        {name: text for name, text in fields.items() if name in BUILT_IN},
        {name: text or "" for name, text in fields.items() if name not in BUILT_IN},
        plain=is_plain(search),
        refers=any(fields.get(n) for n in ("parent_id", "parent_external_id")),
        too_long=is_any_too_long([text for text in fields.values() if text]),
    )


def dates_in(row: Row, columns: Columns) -> Iterator[tuple[str, Reading]]:
    """Yield the dates of a row by rule 18.3b, with their columns."""
    cells = zip(columns.headers, row.texts, row.kinds, strict=True)
    for header, text, kind in cells:
        is_dated = header and text and len(text) <= LONGEST and kind in "td"
        reading = reading_of(text) if text and is_dated else None
        if reading is not None:
            yield header, Reading.CELL if kind == "d" else reading
