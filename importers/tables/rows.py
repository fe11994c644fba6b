"""A table with a header, whatever file it came from: rows, cells, texts. Pure.

What a cell says as text is ``rules/excel-import.md`` 4.3, and which rows a sheet has is
rule 4.2. Every reader of every format goes through here, so the same table is the same
rows whoever read it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import islice
from typing import Any, TypeAlias

from importers.tables.headers import is_blank, told_of, trimmed
from importers.tables.notices import Fault, Notice
from importers.tables.unreadable import Limits, Unreadable
from importers.tables.values import ErrorValue, Padded, Unsaved
from ledger.forms.names import is_legal

Values: TypeAlias = Sequence[Any]
"""The values of one row, as a reader gives them; ``None`` and ``""`` are blank."""

GAP = 1000
"""How many blank rows end a sheet (rule 4.2)."""

REASONS = "import_error"
"""The column of a workbook of failed rows that says why.

It is left out when that workbook comes back (``rules/excel-import.md`` 18.4).
"""

WITHOUT_HEADER = "Value without a header"
ZEROS = "Number shown with zeros"
"""The title of what is told of values that no column has."""

NEVER_SET = "---"
"""What empties a property that a blank leaves as it is."""

_SAFE_DIGITS = 15
_FIRST_LONG = 10**_SAFE_DIGITS
_LONGEST_SAMPLE = 50
_FIRST_ROWS = 100


class Kind(StrEnum):
    """What a cell was before it became text; one letter each."""

    BLANK = "-"
    TEXT = "t"
    NUMBER = "n"
    BOOLEAN = "b"
    TIME = "d"
    ERROR = "e"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell. ``text`` is ``None`` where there is no value (rule 4.3).

    It is empty for ``---``, which empties what a blank leaves as it is.
    """

    text: str | None
    kind: Kind


@dataclass(slots=True)
class Row:
    """One row below the header; ``number`` is the one that Excel shows.

    ``texts`` and ``kinds`` have one entry for each header. ``cleaned`` are the places
    where characters were dropped because XML cannot carry them. ``shown`` has, by
    place, what a spreadsheet shows of a number with zeros that are not in it.
    ``notices`` is what the reader tells of the row. One with a ``fault`` must not be
    imported, since its cells may belong to other headers; that says why. Nobody changes
    one: it is not frozen since that triples the time in which one is made.
    """

    number: int
    texts: tuple[str | None, ...]
    kinds: str
    cleaned: tuple[int, ...] = ()
    shown: tuple[tuple[int, str], ...] = ()
    notices: tuple[Notice, ...] = ()
    fault: Fault | None = None

    def __getitem__(self, place: int) -> Cell:
        """Return the cell in a column, counted from 0."""
        return Cell(self.texts[place], Kind(self.kinds[place]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What is known of a table before its rows are read.

    ``headers`` has an empty text where a column is to be ignored, and none at all for
    an empty sheet; ``row_count`` is the number of rows below it, if known. ``merged``
    has the first and last row of each merged range, ``notices`` what the reader tells
    of the file as a whole, ``hidden`` which of the sheets are hidden.
    """

    sheet: str
    sheet_names: tuple[str, ...]
    headers: tuple[str, ...]
    row_count: int | None
    merged: tuple[tuple[int, int], ...] = ()
    hidden: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()


def to_text(value: Any) -> str | None:
    """Return a value as text, ``None`` for a blank (rule 4.3)."""
    return convert(value)[0]


def to_row(number: int, values: Values, headers: Sequence[str] | None = None) -> Row:
    """Return the values under the headers as a row, with what is told of it."""
    width = len(values) if headers is None else len(headers)
    texts, kinds, cleaned, shown = [], [], [], []
    notices = [] if headers is None else [*without_header(number, values, headers)]
    for place, value in enumerate(fitted(values, width)):
        text, kind, was_cleaned = convert(value)
        texts.append(text)
        kinds.append(kind)
        if was_cleaned:
            cleaned.append(place)
        if tells(value):
            header = headers[place] if headers else ""
            if isinstance(value, Padded):
                shown.append((place, value.shown))
            notices += _told_of_value(value, text or "", header, number)
    return Row(
        number,
        tuple(texts),
        "".join(kinds),
        tuple(cleaned),
        shown=tuple(shown),
        notices=tuple(notices),
    )


def header_notices(values: Values) -> tuple[Notice, ...]:
    """Return what is told of the cells of a header."""
    return tuple(told_of(map(_header_text, values)))


def without_header(
    number: int, values: Values, headers: Sequence[str]
) -> Iterator[Notice]:
    """Yield a notice of each value of a row that no header stands above."""
    if len(values) <= len(headers) and all(headers):
        return
    for place, value in enumerate(values):
        has_header = place < len(headers) and headers[place]
        if not has_header and _is_something(value):
            text = to_text(value) or ""
            yield Notice(
                WITHOUT_HEADER,
                "The column has no header; what stands in it was left out",
                column=_letters(place),
                row=number,
                sample=f'"{text[:_LONGEST_SAMPLE]}" in row {number}',
            )


def _letters(place: int) -> str:
    """Return what a spreadsheet calls a column that is counted from 0."""
    letters = ""
    while place >= 0:
        letters = chr(ord("A") + place % 26) + letters
        place = place // 26 - 1
    return letters


def tells(value: Any) -> bool:
    """Tell whether there is more to be told of a value than its text."""
    kind = type(value)
    if kind is float or kind is int:
        return bool(abs(value) >= _FIRST_LONG)
    return kind is Padded or kind is Unsaved


def _told_of_value(value: Any, text: str, header: str, number: int) -> Iterator[Notice]:
    if not header:
        return
    if isinstance(value, Unsaved):
        about = "A formula was saved without its result; the cell is taken as blank"
        yield Notice("Formula without a result", about, header, number)
    if isinstance(value, Padded):
        about = "Numbers are imported as they are, not as their format shows them"
        sample = f"shown as {value.shown}, imported as {text}"
        yield Notice(ZEROS, about, header, number, sample)
    if len(text.lstrip("-")) > _SAFE_DIGITS and text.lstrip("-").isdecimal():
        about = (
            f"The number has more than {_SAFE_DIGITS} digits; spreadsheets keep no "
            "more, so the last ones may be wrong. Make the column text"
        )
        yield Notice("Long number", about, header, number, text)


def to_headers(values: Values, limits: Limits) -> tuple[str, ...]:
    """Return the headers that a first row gives, blanks at its end left out.

    They are trimmed, and those that are repeated stay (rules 4.2 and 6.1a). A column
    whose header is blank, 0 or FALSE has an empty text.
    Raises ``Unreadable`` for too many.
    """
    headers = [_header(value) for value in values]
    while headers and not headers[-1]:
        headers.pop()
    if len([header for header in headers if header]) > limits.columns:
        raise limits.too_many_columns(tuple(headers))
    return tuple(headers)


@contextmanager
def telling(headers: tuple[str, ...]) -> Iterator[None]:
    """Have what is wrong with the rows below these headers tell them as well."""
    try:
        yield
    except Unreadable as error:
        error.headers = headers
        raise


def left_out(head: Head) -> Iterator[Notice]:
    """Yield what is told of the sheets that were not read, if there are any."""
    others = [name for name in head.sheet_names if name != head.sheet]
    if others:
        listed = ", ".join(
            f"'{name}' (hidden)" if name in head.hidden else f"'{name}'"
            for name in others
        )
        text = f"The sheet '{head.sheet}' was read; left out: {listed}"
        yield Notice("Ignored sheet", text)


def numbered(
    rows: Iterable[Values], limits: Limits, *, first: int = 2, gap: int | None = GAP
) -> Iterator[tuple[int, Values]]:
    """Yield the rows below the header with their numbers, up to the end of the sheet.

    ``first`` is the number of the row behind the header. The end is the last row with
    a truthy value that can be seen; behind ``gap`` blank rows nothing is looked at
    (rule 4.2). Raises ``Unreadable`` for too many rows.
    """
    blank: list[tuple[int, Values]] = []
    for number, values in enumerate(rows, start=first):
        if any(values) and any(map(_counts, values)):
            _check_number(number - first + 2, limits)
            yield from blank
            blank.clear()
            yield number, values
        elif len(blank) + 1 == gap:
            return
        elif len(blank) < limits.rows:  # more than these would be too many anyway
            blank.append((number, values if any(map(_is_something, values)) else ()))


def _check_number(number: int, limits: Limits) -> None:
    if number - 1 > limits.rows:
        raise limits.too_many_rows()


def _is_something(value: Any) -> bool:
    """Tell whether a value is none of the blanks; 0 and FALSE are values."""
    return value is not None and not (isinstance(value, str) and is_blank(value))


def _counts(value: Any) -> bool:
    """Tell whether a value is more than blanks, 0 and FALSE."""
    return bool(value) and not (isinstance(value, str) and is_blank(value))


def fitted(values: Values, width: int) -> Values:
    """Return the values under the headers: cut, or filled up with blanks."""
    missing = width - len(values)
    return [*values, *[None] * missing] if missing > 0 else values[:width]


def first_rows(rows: Iterable[Row]) -> list[Row]:
    """Return some rows, so that what is wrong there is found with the headers."""
    return list(islice(rows, _FIRST_ROWS))


_Converted: TypeAlias = tuple[str | None, str, bool]
_NUMBER = Kind.NUMBER.value
_INFINITE = float("inf")
_BLANK: _Converted = (None, Kind.BLANK.value, False)


def _header(value: Any) -> str:
    return trimmed(_header_text(value))


def _header_text(value: Any) -> str:
    if not value:
        return ""
    return value if isinstance(value, str) else to_text(value) or ""


def convert(value: Any) -> _Converted:
    """Return the text of a value, its kind, and whether characters were left out."""
    if value is None or value == "":
        return _BLANK
    return _CONVERTERS.get(type(value), _other)(value)


def _of_text(value: str) -> _Converted:
    if value[0] in "- \t\r\n\xa0" and value.strip() == NEVER_SET:
        return "", Kind.TEXT.value, False
    if is_legal(value):
        return value, Kind.TEXT.value, False
    kept = "".join(filter(is_legal, value))
    return (kept, Kind.TEXT.value, True) if kept else (None, Kind.BLANK.value, True)


def _of_error(value: ErrorValue) -> _Converted:
    return "".join(filter(is_legal, value)), Kind.ERROR.value, False


def _of_number(value: float) -> _Converted:
    # The shortest text that is the same number again; whole ones without ".0" and
    # never with an exponent.
    size = abs(value)
    if size < _FIRST_LONG:
        whole = value == int(value)
        return str(int(value)) if whole else str(value), _NUMBER, False
    if size < _INFINITE and value.is_integer():
        # Zeros behind the digits that tell this number from all others.
        return f"{Decimal(repr(value)):f}".partition(".")[0], _NUMBER, False
    return str(value), _NUMBER, False


def _of_integer(value: int) -> _Converted:
    # The digits are those of the file, also where a float would lose some.
    try:
        return str(value), _NUMBER, False
    except ValueError:  # thousands of digits
        return "-inf" if value < 0 else "inf", _NUMBER, False


def _of_padded(value: Padded) -> _Converted:
    return convert(value.value)


def _of_unsaved(_: Unsaved) -> _Converted:
    return _BLANK


def _of_boolean(value: bool) -> _Converted:  # noqa: FBT001 - a value, no switch
    return str(value), Kind.BOOLEAN.value, False


def _of_datetime(value: datetime) -> _Converted:
    at_midnight = value.time() == time()
    return str(value.date() if at_midnight else value), Kind.TIME.value, False


def _of_time(value: date | time) -> _Converted:
    return str(value), Kind.TIME.value, False


def _of_duration(value: timedelta) -> _Converted:
    """Return hours, however many, minutes and seconds, as ``[h]:mm:ss`` shows them."""
    seconds, micros = divmod(abs(value) // timedelta(microseconds=1), 1_000_000)
    minutes, hours = seconds // 60 % 60, seconds // 3600
    sign = "-" if value < timedelta() else ""
    fraction = f".{micros:06}" if micros else ""
    text = f"{sign}{hours}:{minutes:02}:{seconds % 60:02}{fraction}"
    return text, Kind.TIME.value, False


def _other(value: Any) -> _Converted:
    for known, convert in _CONVERTERS.items():
        if isinstance(value, known):
            return convert(value)
    raise TypeError(f"no cell holds a {type(value).__name__}")


# bool is an int, and datetime a date: the narrower one stands first.
_CONVERTERS: dict[type, Callable[[Any], _Converted]] = {
    ErrorValue: _of_error,
    str: _of_text,
    bool: _of_boolean,
    float: _of_number,
    int: _of_integer,
    Padded: _of_padded,
    Unsaved: _of_unsaved,
    datetime: _of_datetime,
    date: _of_time,
    time: _of_time,
    timedelta: _of_duration,
}
