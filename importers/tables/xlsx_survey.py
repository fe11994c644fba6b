"""What a fast reader of an .xlsx does not tell: where errors are, how far cells reach.

calamine gives a cell with an error as blank. A look at the bytes of a sheet says
whether there is any, and only then the sheet is parsed once more.
"""

from __future__ import annotations

import re
from typing import BinaryIO
from zipfile import ZipFile

from importers.tables.unreadable import Limits, Reason, Unreadable
from importers.tables.values import ErrorValue
from importers.tables.zip_parts import (
    LOCKED,
    OLE,
    open_zip,
    parse,
    refuse_doctypes,
    worksheets,
)

_ERROR = (b't="e"', b"t='e'")
_CHUNK = 1 << 18
_SHARED_STRINGS = "xl/sharedStrings.xml"
_REFERENCE = re.compile(r"([A-Z]{1,3})(\d{1,7})")


class XlsxFile:
    """An archive that was found harmless, and where its worksheets are."""

    gives_durations_as_text = False

    def __init__(self, archive: ZipFile) -> None:
        """Find the worksheets. Raises ``Unreadable``."""
        self.archive = archive
        self.sheets = worksheets(archive)

    def is_large(self, sheet: str | None, limits: Limits) -> bool:
        """Tell whether a sheet, or the first one, is more than calamine can hold.

        It needs more memory for a cell than the XML of the cell is long. To try would
        take that memory before it fails.
        """
        first = next(iter(self.sheets), "")
        parts = {self.sheets.get(sheet or first), _SHARED_STRINGS}
        found = [i for i in self.archive.infolist() if i.filename in parts]
        return sum(info.file_size for info in found) > limits.memory // 2

    def errors(self, sheet: str, _place: int) -> dict[tuple[int, int], ErrorValue]:
        """Return the errors of a sheet by row and column."""
        part = self.sheets[sheet]
        if not has_errors(self.archive, part):
            return {}
        return Survey(self.archive, part).errors


def check_xlsx(file: BinaryIO, limits: Limits) -> XlsxFile:
    """Return a workbook that may be parsed; raises ``Unreadable``.

    The checks are those of ``rules/excel-import.md`` 3.2.
    """
    if file.read(len(OLE)) == OLE:
        raise Unreadable(Reason.PASSWORD, LOCKED)
    archive = open_zip(file, limits)
    refuse_doctypes(archive)
    return XlsxFile(archive)


class Survey:
    """The cells of a sheet with something in them; places count from 0."""

    def __init__(self, archive: ZipFile, part: str) -> None:
        """Parse the sheet. Raises ``Unreadable``."""
        self.errors: dict[tuple[int, int], ErrorValue] = {}
        self.merged: list[tuple[int, int]] = []
        self.height = 0
        self.width = 0
        self._place = (-1, -1)
        self._is_error = False
        self._text: list[str] | None = None
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
            self._is_error = attributes.get("t") == "e"
        elif local == "row":
            self._place = (_number(attributes.get("r"), self._place[0] + 2) - 1, -1)
        elif local in {"v", "is"}:
            self.height = max(self.height, self._place[0] + 1)
            self.width = max(self.width, self._place[1] + 1)
            self._text = [] if self._is_error else None
        elif local == "mergeCell":
            self.merged.extend(_rows_of(attributes.get("ref", "")))

    def _end(self, name: str) -> None:
        if self._text is not None and name.rpartition(":")[2] == "v":
            self.errors[self._place] = ErrorValue("".join(self._text))
            self._text = None

    def _characters(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)

    def _placed(self, reference: str | None) -> tuple[int, int]:
        found = _REFERENCE.fullmatch(reference or "")
        if found is None:
            return self._place[0], self._place[1] + 1
        return int(found[2]) - 1, _column(found[1])


def has_errors(archive: ZipFile, part: str) -> bool:
    """Tell whether the bytes of a sheet look as if a cell had an error."""
    before = b""
    with archive.open(part) as file:
        while piece := file.read(_CHUNK):
            seen = before + piece
            # A sheet in UTF-16 says so with its first bytes, and is parsed.
            if any(mark in seen for mark in _ERROR) or b"\0" in seen[:2]:
                return True
            before = piece[-8:]
    return False


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
