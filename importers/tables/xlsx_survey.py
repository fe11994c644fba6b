"""What a fast reader of an .xlsx does not tell: marks, and how far cells reach.

calamine gives a cell with an error as blank, a formula without a result too, a long
number without its last digits, and no formats. A look at the bytes of a sheet says
whether there is any of it, and only then the sheet is parsed once more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import BinaryIO
from zipfile import ZipFile

from importers.tables.marks import Marks, Show
from importers.tables.unreadable import DEFAULT_LIMITS, Limits, Reason, Unreadable
from importers.tables.values import ErrorValue
from importers.tables.xlsx_parts import Worksheet, padding_styles, parts_of
from importers.tables.zip_parts import (
    LOCKED,
    OLE,
    Package,
    open_package,
    parse,
    refuse_doctypes,
)

_CHUNK = 1 << 18
_REFERENCE = re.compile(r"([A-Z]{1,3})(\d{1,7})")
_LONG = re.compile(r"-?[0-9]{16,}")
_NO_VALUE = rb"\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</|</(?:\w+:)?c>)"
_ERROR = re.compile(rb"""\bt\s*=\s*["']e["']""")
# One by one they are looked for by the bytes that they begin with: as one pattern they
# take six times as long, and that was a tenth of an import.
_TELLING = (
    re.compile(rb">\s*-?[0-9]{16,}\s*<"),
    # The end of a formula, and behind it no value.
    re.compile(rb"/>" + _NO_VALUE),
    re.compile(rb"f>" + _NO_VALUE),
)
_LONGEST = 4000
_KEPT = 256
"""How much of a piece is looked at once more with the next one."""


class XlsxFile:
    """An archive that was found harmless, and where its worksheets are."""

    def __init__(self, archive: Package) -> None:
        """Find the worksheets. Raises ``Unreadable``."""
        self.archive = archive
        self.parts = parts_of(archive)
        refuse_doctypes(archive, self.parts.parsed)
        self.sheets: Mapping[str, Worksheet] = self.parts.worksheets

    def is_large(self, sheet: str, limits: Limits) -> bool:
        """Tell whether a sheet is more than calamine can hold.

        It needs more memory for a cell than the XML of the cell is long. To try would
        take that memory before it fails.
        """
        parts = filter(None, (self.sheets[sheet].part, self.parts.shared_strings))
        size = sum(self.archive.getinfo(part).file_size for part in parts)
        return size > limits.memory // 2

    def marks(self, sheet: str, _place: int) -> Marks:
        """Return the marks of the cells of a sheet."""
        shows = padding_styles(self.archive, self.parts.styles)
        part = self.sheets[sheet].part
        if not has_marks(self.archive, part, shows):
            return Marks()
        return Survey(self.archive, part, shows).marks


def check_xlsx(file: BinaryIO, limits: Limits) -> XlsxFile:
    """Return a workbook that may be parsed; raises ``Unreadable``.

    The checks are those of ``rules/excel-import.md`` 3.2.
    """
    if file.read(len(OLE)) == OLE:
        raise Unreadable(Reason.PASSWORD, LOCKED)
    archive = open_package(file, limits)
    refuse_doctypes(archive)
    return XlsxFile(archive)


class Survey:
    """The cells of a sheet with something in them; places count from 0."""

    def __init__(
        self,
        archive: ZipFile,
        part: str,
        shows: Mapping[str, Show] | None = None,
        *,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        """Parse the sheet; ``shows`` are styles with zeros. Raises ``Unreadable``."""
        self._limits = limits
        self._rows = 0
        self.marks = Marks()
        self.merged: list[tuple[int, int]] = []
        self.height = 0
        self.width = 0
        self._shows = shows or {}
        self._place = (-1, -1)
        self._type: str | None = None
        self._show: Show | None = None
        self._has_formula = False
        self._text: list[str] | None = None
        self._value = ""
        handlers = {
            "StartElementHandler": self._start,
            "EndElementHandler": self._end,
            "CharacterDataHandler": self._characters,
        }
        parse(archive, part, handlers)

    def check(self, sheet: str, limits: Limits) -> None:
        """Refuse a sheet that is far larger than what is in it.

        Raises ``Unreadable``.
        """
        if self.height * self.width > limits.span:
            raise Unreadable(
                Reason.DAMAGED,
                f"The sheet '{sheet}' spans {self.height * self.width} cells. "
                f"A maximum of {limits.span} is supported.",
            )

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        if local == "c":
            self._place = self._placed(attributes.get("r"))
            self._type = attributes.get("t")
            self._show = self._shows.get(attributes.get("s", ""))
            self._has_formula = False
            self._value = ""
        elif local == "row":
            self._rows += 1
            if self._rows > self._limits.sheet_rows:
                raise self._limits.too_many_sheet_rows("")
            self._place = (_number(attributes.get("r"), self._place[0] + 2) - 1, -1)
        elif local in {"v", "is"}:
            self._reach()
            self._text = [] if local == "v" else None
        elif local == "f":
            self._reach()
            self._has_formula = True
        elif local == "mergeCell":
            self.merged.extend(_rows_of(attributes.get("ref", "")))

    def _end(self, name: str) -> None:
        local = name.rpartition(":")[2]
        if local == "v" and self._text is not None:
            self._value = "".join(self._text)
            self._text = None
        elif local == "c":
            self._mark()

    def _reach(self) -> None:
        self.height = max(self.height, self._place[0] + 1)
        self.width = max(self.width, self._place[1] + 1)

    def _mark(self) -> None:
        row, column = self._place
        if not self._value:
            if self._has_formula and self._type != "str":
                self.marks.note_unsaved(row, column)
        elif self._type == "e":
            self.marks.values[row, column] = ErrorValue(self._value)
        elif self._type in {None, "n"}:
            if _LONG.fullmatch(self._value.strip()) and len(self._value) < _LONGEST:
                self.marks.values[row, column] = int(self._value)
            elif self._show is not None:
                self.marks.note_padded(row, column, self._show)

    def _characters(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)

    def _placed(self, reference: str | None) -> tuple[int, int]:
        found = _REFERENCE.fullmatch(reference or "")
        if found is None:
            return self._place[0], self._place[1] + 1
        return int(found[2]) - 1, _column(found[1])


def has_marks(archive: ZipFile, part: str, shows: Mapping[str, Show]) -> bool:
    """Tell whether the bytes of a sheet look as if a cell had a mark."""
    styles = "|".join(shows).encode()
    styled = re.compile(rb"""\bs\s*=\s*["'](?:%b)["']""" % styles)
    telling = (*_TELLING, styled) if shows else _TELLING
    before = b""
    with archive.open(part) as file:
        while piece := file.read(_CHUNK):
            seen = before + piece
            # A sheet in UTF-16 says so with its first bytes, and is parsed.
            if b"\0" in seen[:2] or _has_error(seen):
                return True
            if any(pattern.search(seen) for pattern in telling):
                return True
            before = piece[-_KEPT:]
    return False


def _has_error(piece: bytes) -> bool:
    """Tell whether a cell with an error may be in a piece of a sheet."""
    is_quoted = b'"e"' in piece or b"'e'" in piece
    return is_quoted and _ERROR.search(piece) is not None


def _column(letters: str) -> int:
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - 64
    return column - 1


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 8 else default  # noqa: PLR2004


def _rows_of(reference: str) -> list[tuple[int, int]]:
    rows = [int(found[2]) for found in _REFERENCE.finditer(reference)]
    return [(rows[0], rows[1])] if len(rows) == 2 else []  # noqa: PLR2004
