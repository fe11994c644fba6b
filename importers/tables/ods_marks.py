"""What calamine does not tell of an .ods: cells with errors, and passwords.

It gives a failed division as the number 0, which would be written as if it were one.
"""

from __future__ import annotations

from typing import BinaryIO
from zipfile import ZipFile

from importers.tables.unreadable import Limits, Reason, Unreadable
from importers.tables.values import ErrorValue
from importers.tables.zip_parts import LOCKED, open_zip, parse, refuse_doctypes

_CONTENT = "content.xml"
_MANIFEST = "META-INF/manifest.xml"
_TYPE = b"application/vnd.oasis.opendocument.spreadsheet"
_MOST_ERRORS = 1_000_000
_CHUNK = 1 << 18


class OdsFile:
    """An archive that was found harmless."""

    gives_durations_as_text = True

    def __init__(self, archive: ZipFile) -> None:
        """Look for errors anywhere; the tables are in one part."""
        self._errors: list[dict[tuple[int, int], ErrorValue]] = []
        if _has_errors(archive):
            self._errors = _Errors(archive).tables

    def errors(self, _sheet: str, place: int) -> dict[tuple[int, int], ErrorValue]:
        """Return the errors of the table in a place by row and column."""
        return self._errors[place] if place < len(self._errors) else {}


def check_ods(file: BinaryIO, limits: Limits) -> OdsFile:
    """Return a workbook that may be parsed. Raises ``Unreadable``."""
    archive = open_zip(file, limits)
    names = set(archive.namelist())
    told = archive.read("mimetype") if "mimetype" in names else _TYPE
    if _CONTENT not in names or not told.startswith(_TYPE):
        raise Unreadable(Reason.DAMAGED, "File is not an OpenDocument spreadsheet")
    if _MANIFEST in names and b"encryption-data" in archive.read(_MANIFEST):
        raise Unreadable(Reason.PASSWORD, LOCKED)
    refuse_doctypes(archive)
    return OdsFile(archive)


class _Errors:
    """The cells with errors of every table; places count from 0."""

    def __init__(self, archive: ZipFile) -> None:
        self.tables: list[dict[tuple[int, int], ErrorValue]] = []
        self._row = self._column = 0
        self._rows = self._columns = 1
        self._text: list[str] | None = None
        handlers = {
            "StartElementHandler": self._start,
            "EndElementHandler": self._end,
            "CharacterDataHandler": self._characters,
        }
        parse(archive, _CONTENT, handlers)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        told = {key.rpartition(":")[2]: text for key, text in attributes.items()}
        match name.rpartition(":")[2]:
            case "table":
                self.tables.append({})
                self._row = 0
            case "table-row":
                self._column = 0
                self._rows = _times(told.get("number-rows-repeated"))
            case "table-cell" | "covered-table-cell":
                self._columns = _times(told.get("number-columns-repeated"))
                types = [
                    text for key, text in attributes.items() if "value-type" in key
                ]
                self._text = [] if "error" in types else None

    def _end(self, name: str) -> None:
        match name.rpartition(":")[2]:
            case "table-row":
                self._row += self._rows
            case "table-cell" | "covered-table-cell":
                if self._text is not None:
                    self._note(ErrorValue("".join(self._text)))
                self._column += self._columns
                self._text = None

    def _note(self, text: ErrorValue) -> None:
        if self._rows * self._columns > _MOST_ERRORS:
            raise Unreadable(
                Reason.DAMAGED, "A cell with an error is repeated too often"
            )
        for row in range(self._row, self._row + self._rows):
            for column in range(self._column, self._column + self._columns):
                self.tables[-1][row, column] = text

    def _characters(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)


def _has_errors(archive: ZipFile) -> bool:
    before = b""
    with archive.open(_CONTENT) as part:
        while piece := part.read(_CHUNK):
            if b"error" in before + piece:
                return True
            before = piece[-8:]
    return False


def _times(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 8 else 1  # noqa: PLR2004
