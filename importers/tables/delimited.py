"""The only reader of text files with delimited cells (``rules/excel-import.md`` 4.1).

Encoding and delimiter are found first, from what the file is (``encoding.py``,
``delimiter.py``). Cells are kept letter for letter. A file is read a row at a time, and
only after all of it was found to be readable, so that nothing is begun with half a
file.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, TextIO

from importers.tables.delimiter import declared, delimiter_of, name_of
from importers.tables.encoding import Encoding, encoding_of, not_decoded, zero_byte
from importers.tables.headers import is_blank, told_of, trimmed
from importers.tables.notices import Fault, Notice
from importers.tables.unreadable import Limits, Reason, Unreadable

SHEET = "Sheet1"
"""The title of the one sheet that a text file is."""

USUAL = {"csv": ",", "tsv": "\t", "txt": "\t"}
"""What parts the cells of a file by the extension of its name, in doubt."""

_HEAD = 1 << 16
_LONGEST_SAMPLE = 100
_TEXT_FORMULA = re.compile(r'\s*="((?:[^"]|"")*)"\s*')

# The limit of a row is checked here, per file; the one of the library is for all.
csv.field_size_limit(1 << 30)


class Quotes(Enum):
    """What a double quote at the beginning of a cell means."""

    AROUND = "around"
    """It goes on to the next one, delimiters and line breaks included (RFC 4180)."""
    AS_EXCEL = "as excel"
    """As ``AROUND``, if all quotes of the file can be read so; else nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is known of a file before it is looked at; what is not is found out.

    ``usual`` is the delimiter in doubt, ``expected`` the one of which nothing is told.
    ``header_row`` is where the header is: ``None`` stands for the first row with a
    value.
    """

    usual: str = ","
    expected: str = ","
    delimiter: str | None = None
    encoding: Encoding | None = None
    quotes: Quotes = Quotes.AROUND
    header_row: int | None = 1


class Line(NamedTuple):
    """A row of a text file; ``fault`` says why it must not be imported."""

    number: int
    cells: Sequence[str]
    notices: tuple[Notice, ...] = ()
    fault: Fault | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """How the bytes of a file are rows."""

    encoding: Encoding
    delimiter: str
    has_declaration: bool
    quotes_are_letters: bool = False


class Delimited:
    """A text file with a header, looked through once."""

    def __init__(self, path: Path, wanted: Wanted, limits: Limits) -> None:
        """Find out how it is to be read, and read it to its end.

        Raises ``Unreadable``.
        """
        self.path = path
        self._limits = limits
        self._layout = _found_layout(path, wanted)
        self._expected = wanted.expected
        self.header: Sequence[str] = ()
        """The cells of the header, as they stand."""
        self.header_number = wanted.header_row or 0
        self.first_below: int | None = None
        """The first row below the header with a value."""
        self.last_below = self.header_number
        """The last one, or the header where there is none."""
        self._spare = 0
        self._decided: tuple[str, int] | None = None
        try:
            self._survey(wanted)
        except Unreadable as error:
            are_bad = isinstance(error.__cause__, csv.Error)
            if wanted.quotes is not Quotes.AS_EXCEL or not are_bad:
                raise
            self._layout = replace(self._layout, quotes_are_letters=True)
            self._survey(wanted)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Return the headers without what nobody sees in them."""
        return tuple(map(trimmed, self.header))

    @property
    def notices(self) -> tuple[Notice, ...]:
        """Return what is told of the file as a whole."""
        return (*self._told(), *told_of(self.header))

    def lines(self) -> Generator[Line]:
        """Yield the rows below the header, blank ones too. Raises ``Unreadable``."""
        with closing(_values(self.path, self._layout, self._limits)) as values:
            for line in values:
                if line.number > self.header_number:
                    yield line

    def judged(self, line: Line) -> Line:
        """Return a row below the header with what is told of it."""
        cells, names = line.cells, self.names
        notices = []
        if '="' in "\n".join(cells):
            cells = _unwrapped(cells)
            about = 'A cell such as ="007" was read as the text in it'
            changed = (n for n, cell in enumerate(cells) if cell != line.cells[n])
            for place in changed:
                name = names[place] if place < len(names) else ""
                notices.append(Notice("Text formula", about, name, line.number))
        fault = self._fault(cells)
        if fault is None and cells is line.cells:
            return line
        return Line(line.number, cells, tuple(notices), fault)

    def _survey(self, wanted: Wanted) -> None:
        spare: int | None = None
        self.header, self.header_number = (), wanted.header_row or 0
        self.first_below, self.last_below = None, self.header_number
        self._decided = None
        with closing(_values(self.path, self._layout, self._limits)) as values:
            for line in values:
                self._note_encoding(line)
                if line.number < self.header_number or _is_blank_row(line.cells):
                    continue
                self.header_number = self.header_number or line.number
                if line.number == self.header_number:
                    self.header = _unwrapped(line.cells)
                    continue
                self.first_below = self.first_below or line.number
                self.last_below = line.number
                more = _spare(line.cells, len(self.header))
                spare = more if spare is None else min(spare, more)
        self.last_below = max(self.last_below, self.header_number)
        self._spare = spare or 0

    def _note_encoding(self, line: Line) -> None:
        if self._decided is None and self._layout.encoding.is_assumed:
            cell = next((c for c in line.cells if not c.isascii()), None)
            if cell is not None:
                self._decided = cell, line.number

    def _told(self) -> Iterator[Notice]:
        encoding = self._layout.encoding
        if encoding.is_assumed:
            text = (
                f"The file is not UTF-8; it was read as {encoding.label}. If letters "
                'are wrong, save it as "CSV UTF-8" and send that'
            )
            value, row = self._decided or ("", 0)
            sample = f'"{value[:_LONGEST_SAMPLE]}" in row {row}' if row else ""
            yield Notice("Encoding assumed", text, row=row or None, sample=sample)
        elif not encoding.is_utf8:
            text = f"The file was read as {encoding.label}"
            yield Notice("Encoding detected", text)
        delimiter = self._layout.delimiter
        if delimiter != self._expected:
            text = f"Cells are parted by {name_of(delimiter)}"
            yield Notice("Delimiter detected", text)
        if self._layout.quotes_are_letters:
            text = "Quotes do not go around whole cells; they were taken as letters"
            yield Notice("Quotes taken as letters", text)

    def _fault(self, cells: Sequence[str]) -> Fault | None:
        if len(cells) <= len(self.header) + self._spare or _is_blank_row(cells):
            return None
        parted_by = name_of(self._layout.delimiter)
        return too_many_cells(cells, len(self.header), parted_by, spare=self._spare)


def too_many_cells(
    cells: Sequence[str], width: int, parted_by: str, *, spare: int = 0
) -> Fault | None:
    """Return what is wrong with a row that has more cells than headers, if it has.

    ``spare`` is how many blank cells every row of the file has behind those.
    """
    if len(cells) <= width + spare:
        return None
    told = (
        "The row has more cells than there are headers, so its values may stand "
        f"under the wrong ones. Put values that hold {parted_by} in quotes"
    )
    shown = " | ".join(cells)[:_LONGEST_SAMPLE]
    return Fault(told, f"{len(cells)} cells, {width} headers: {shown}")


def _is_blank_row(cells: Sequence[str]) -> bool:
    return not any(cells) or all(map(is_blank, cells))


def _spare(cells: Sequence[str], width: int) -> int:
    """Return how many blank cells a row has behind its header's last one."""
    more = cells[width:]
    return 0 if any(more) else len(more)


def _unwrapped(cells: Sequence[str]) -> list[str]:
    """Return cells with the text of a formula such as ``="007"`` in its place."""
    return [_text_of(cell) if '="' in cell else cell for cell in cells]


def _text_of(cell: str) -> str:
    found = _TEXT_FORMULA.fullmatch(cell)
    return cell if found is None else found[1].replace('""', '"')


def _found_layout(path: Path, wanted: Wanted) -> _Layout:
    encoding = wanted.encoding or encoding_of(path)
    head = _head(path, encoding)
    first, _, rest = head.partition("\n")
    declaration = None if wanted.delimiter else declared(first)
    text = rest if declaration else head
    return _Layout(
        encoding=encoding,
        delimiter=wanted.delimiter
        or declaration
        or delimiter_of(text, wanted.usual, header_row=wanted.header_row or 1),
        has_declaration=declaration is not None,
    )


def _head(path: Path, encoding: Encoding) -> str:
    """Return the first lines of a file, whole ones if it is longer."""
    with path.open(encoding=encoding.codec, errors="replace", newline="") as file:
        text = file.read(_HEAD)
    if len(text) < _HEAD:
        return text
    return text[: max(text.rfind("\n"), text.rfind("\r")) + 1] or text


def _values(path: Path, layout: _Layout, limits: Limits) -> Generator[Line]:
    """Yield every row as it stands. Raises ``Unreadable``."""
    encoding = layout.encoding
    with path.open(encoding=encoding.codec, newline="") as file:
        lines = _Lines(file, limits)
        try:
            if layout.has_declaration:
                lines.pass_one()
            for values in _reader(lines, layout):
                yield Line(lines.row, values)
                lines.next_row()
        except UnicodeError as error:
            raise not_decoded(_first_bad_row(path, layout), encoding) from error
        except csv.Error as error:
            raise Unreadable(Reason.DAMAGED, _broken(lines)) from error


def _reader(lines: Iterable[str], layout: _Layout) -> Iterator[list[str]]:
    if layout.quotes_are_letters:
        return csv.reader(lines, delimiter=layout.delimiter, quoting=csv.QUOTE_NONE)
    return csv.reader(lines, delimiter=layout.delimiter, strict=True)


def _first_bad_row(path: Path, layout: _Layout) -> int:
    """Return the row with the first bytes that are not of the encoding."""
    with path.open(
        encoding=layout.encoding.codec, errors="replace", newline=""
    ) as file:
        for number, line in enumerate(file, start=1 - layout.has_declaration):
            if "\ufffd" in line:
                return number
    return 1


class _Lines:
    """The lines of a file: not too many, and no row may take too much."""

    def __init__(self, file: TextIO, limits: Limits) -> None:
        self._file = file
        self._limits = limits
        self._longest = limits.row_length
        self._length = 0
        self._count = 0
        self.row = 1
        self.ended = False

    def pass_one(self) -> None:
        """Leave out a line that is no row."""
        self._file.readline(self._longest)

    def next_row(self) -> None:
        """Begin to count anew."""
        self._length = 0
        self.row += 1

    def __iter__(self) -> Iterator[str]:
        while line := self._file.readline(self._longest + 1):
            self._count += 1
            if self._count > self._limits.lines:
                raise self._limits.too_many_lines(self.row)
            self._length += len(line)
            if self._length > self._longest:
                raise Unreadable(
                    Reason.DAMAGED,
                    f"Row {self.row} holds more than {self._longest} characters",
                )
            if "\0" in line:
                raise zero_byte(self.row)
            yield line
        self.ended = True


def _broken(lines: _Lines) -> str:
    if lines.ended:
        return f"Row {lines.row} has a quote that is not closed"
    return f"Row {lines.row} has text behind a closing quote"
