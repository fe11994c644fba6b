"""What is to be known of the cells of some rows, whatever becomes of them. Pure.

The rules are those of ``rules/excel-import.md`` 18.3. Most columns have nothing to be
told of, which is found out of a whole column at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Final

from importers.excel.rules.columns import Columns
from importers.excel.rules.dates import LONGEST, Reading, reading_of
from importers.excel.rules.decide import INVISIBLE
from importers.excel.rules.wishes import Column, columns_of_rows, unusual_ids
from importers.rows.rules.ids import as_seen, escaped, id_text
from importers.tables.notices import Notice
from importers.tables.rows import Kind, Row

_TEXT, _TIME, _ERROR = Kind.TEXT.value, Kind.TIME.value, Kind.ERROR.value
_SHORTENED: Final = re.compile(
    r"^-?\d(?:[.,]\d+)?[eE]\+?\d{1,3}$", re.ASCII | re.MULTILINE
)
_DATE: Final = re.compile(r"^\d{1,4}[/.-]\d{1,2}[/.-]\d", re.ASCII | re.MULTILINE)
"""How a text begins that may be a date."""
_WRITTEN: Final = re.compile(
    r"\d{4}-\d{1,2}-\d{1,2}(?:\n\d{4}-\d{1,2}-\d{1,2})*", re.ASCII
)
"""Dates as they are to be written, each on a line."""
_READ_ALIKE: Final = {_TEXT: Reading.WRITTEN, _TIME: Reading.CELL}
"""How dates that are so written read, by the kind of their cells."""

SHORTENED: Final = "Shortened number"
_SHORTENED_TEXT: Final = (
    "A spreadsheet has shortened a long number to this; it is kept as it is, and its "
    "digits are lost: format the column as text and export it anew"
)
_WHOLE: Final = "An id that is a whole number is its digits: 12.0 is taken as 12"
_UNSEEN: Final = (
    "The id has blanks at its ends or characters that nobody sees; it is taken as it is"
)

Dates = Mapping[Reading, Sequence[int]]
"""The rows with dates of one column, by how they read."""


def rows_to_tell(rows: Sequence[Row], columns: Columns) -> set[int]:
    """Return the places of the rows of which there may be something to be told."""
    found = {
        place
        for place, row in enumerate(rows)
        if row.notices or row.cleaned or _ERROR in row.kinds
    }
    cells = columns_of_rows(rows, len(columns.headers))
    for column in cells:
        found.update(_shortened(column))
    for place in columns.ids:
        found.update(unusual_ids(cells[place]))
    return found


def notices_of(row: Row, columns: Columns) -> Iterator[Notice]:
    """Yield what is to be known of the cells of a row."""
    for place in row.cleaned:
        about = "Control characters were left out"
        yield _about(
            row, columns, place, title="Control characters removed", text=about
        )
    for place, (text, kind) in enumerate(zip(row.texts, row.kinds, strict=True)):
        if kind == _ERROR and columns.headers[place]:
            about = "A formula failed; its error is taken as text"
            yield _about(row, columns, place, title="Error value in cell", text=about)
        elif kind == _TEXT and text and _SHORTENED.fullmatch(text):
            yield _about(row, columns, place, title=SHORTENED, text=_SHORTENED_TEXT)
    for place in columns.ids:
        text = row.texts[place] or ""
        if id_text(text) != text:
            yield _about(row, columns, place, title="Whole number as ID", text=_WHOLE)
        elif text and as_seen(text) != text:
            yield _about(row, columns, place, title=INVISIBLE, text=_UNSEEN)


def dates_of(rows: Sequence[Row], headers: Sequence[str]) -> Mapping[str, Dates]:
    """Return the dates of each column, those that come first in the rows first."""
    cells = columns_of_rows(rows, len(headers))
    kinds = zip(*[row.kinds for row in rows], strict=True)
    columns = []
    # Without rows there are no kinds, and no dates either.
    for column, (texts, of_kind) in enumerate(zip(cells, kinds, strict=False)):
        header = headers[column]
        dates = _dates(texts, of_kind) if header else {}
        if dates:
            first = min(places[0] for places in dates.values())
            columns.append((first, column, header, dates))
    found: dict[str, dict[Reading, list[int]]] = {}
    for _, _, header, dates in sorted(columns, key=itemgetter(0, 1)):
        for reading, places in dates.items():
            numbers = found.setdefault(header, {}).setdefault(reading, [])
            numbers += [rows[place].number for place in places]
    return found


def _dates(texts: Column, kinds: Sequence[str]) -> Mapping[Reading, Sequence[int]]:
    """Return the places of the dates in a column, by how they read."""
    given = [place for place, text in enumerate(texts) if text]
    joined = "\n".join([texts[place] or "" for place in given])
    if _DATE.search(joined) is None:
        return {}
    alike = _READ_ALIKE.get("".join(sorted({kinds[place] for place in given})))
    is_whole = joined.count("\n") == len(given) - 1 and _WRITTEN.fullmatch(joined)
    if alike is not None and is_whole:
        return {alike: given}
    found: dict[Reading, list[int]] = {}
    for place in given:
        reading = _reading(texts[place] or "", kinds[place])
        if reading is not None:
            found.setdefault(reading, []).append(place)
    return found


def _reading(text: str, kind: str) -> Reading | None:
    if len(text) > LONGEST or kind not in _READ_ALIKE:
        return None
    reading = reading_of(text)
    return Reading.CELL if reading is not None and kind == _TIME else reading


def _shortened(column: Column) -> Iterator[int]:
    """Yield the rows whose text looks like a number that was shortened."""
    if _SHORTENED.search("\n".join([text or "" for text in column])) is not None:
        for place, text in enumerate(column):
            if text and _SHORTENED.fullmatch(text):
                yield place


def _about(row: Row, columns: Columns, place: int, *, title: str, text: str) -> Notice:
    sample = escaped(row.texts[place] or "")
    shown = f'Sample: Cell in row {row.number} contains "{sample}"' if sample else ""
    return Notice(title, text, columns.headers[place], row.number, shown)
