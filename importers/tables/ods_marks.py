"""What calamine does not tell of an .ods: marks of cells, and passwords.

It gives a failed division as the number 0, leaves out tabs and line breaks, and gives
durations as text.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, BinaryIO
from zipfile import ZipFile

from importers.tables.marks import Marks
from importers.tables.unreadable import Limits, Reason, Unreadable
from importers.tables.values import UNSAVED, ErrorValue, Padded
from importers.tables.zip_parts import LOCKED, open_zip, parse, refuse_doctypes

_CONTENT = "content.xml"
_MANIFEST = "META-INF/manifest.xml"
_TYPE = b"application/vnd.oasis.opendocument.spreadsheet"
_MOST_MARKS = 1_000_000
_MIDNIGHT = datetime(2000, 1, 1)  # noqa: DTZ001 - a sheet has no time zone
_BREAKS = {"tab": "\t", "line-break": "\n"}
_BROKEN = "broken"
"""Noted beside the attributes of a cell whose text has tabs or line breaks."""

_LONG = re.compile(r"-?[0-9]{16,4000}")
_DURATION = re.compile(
    r"(-?)P(?:(\d{1,6})D)?(?:T(?:(\d{1,8})H)?(?:(\d{1,8})M)?"
    r"(?:(\d{1,8}(?:\.\d{1,9})?)S)?)?"
)
_TELLING = re.compile(
    rb"""error|:tab\b|line-break|formula|time-value"""
    rb"""|value\s*=\s*["']-?[0-9]{16}|>-?0[0-9]+</"""
)
_KEPT = 64
_CHUNK = 1 << 18


class OdsFile:
    """An archive that was found harmless."""

    def __init__(self, archive: ZipFile, limits: Limits) -> None:
        """Look for marks anywhere; the tables are in one part."""
        self._tables: list[Marks] = []
        if _has_marks(archive):
            self._tables = _Tables(archive, limits).marks

    def marks(self, _sheet: str, place: int) -> Marks:
        """Return the marks of the cells of the table in a place."""
        return self._tables[place] if place < len(self._tables) else Marks()


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
    return OdsFile(archive, limits)


class _Tables:
    """The marks of the cells of every table; places count from 0."""

    def __init__(self, archive: ZipFile, limits: Limits) -> None:
        self.marks: list[Marks] = []
        self._limits = limits
        self._written = 0
        self._title = ""
        self._row = self._column = 0
        self._rows = self._columns = 1
        self._cell: dict[str, str] | None = None
        self._text: list[str] = []
        self._paragraphs = 0
        self._depth = 0
        handlers = {
            "StartElementHandler": self._start,
            "EndElementHandler": self._end,
            "CharacterDataHandler": self._characters,
        }
        parse(archive, _CONTENT, handlers)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        if self._cell is not None:
            self._start_inside(self._cell, local, attributes)
            return
        told = {key.rpartition(":")[2]: text for key, text in attributes.items()}
        match local:
            case "table":
                self.marks.append(Marks())
                self._row = self._written = 0
                self._title = told.get("name", "")
            case "table-row":
                self._written += 1
                if self._written > self._limits.sheet_rows:
                    raise self._limits.too_many_sheet_rows(self._title)
                self._column = 0
                self._rows = _times(told.get("number-rows-repeated"))
            case "table-cell" | "covered-table-cell":
                self._columns = _times(told.get("number-columns-repeated"))
                types = [v for k, v in attributes.items() if "value-type" in k]
                if "error" in types:
                    told["value-type"] = "error"
                self._cell = told
                self._text = []
                self._paragraphs = self._depth = 0

    def _start_inside(
        self, cell: dict[str, str], local: str, attributes: dict[str, str]
    ) -> None:
        """Take a part of the text of a cell; notes beside it are none of it."""
        if local == "annotation" or self._depth:
            self._depth += 1
        elif local == "p":
            if self._paragraphs:
                self._text.append("\n")
            self._paragraphs += 1
        elif local == "s":
            told = {key.rpartition(":")[2]: text for key, text in attributes.items()}
            self._text.append(" " * _times(told.get("c")))
        elif local in _BREAKS:
            self._text.append(_BREAKS[local])
            cell[_BROKEN] = local

    def _end(self, name: str) -> None:
        local = name.rpartition(":")[2]
        if self._depth:
            self._depth -= 1
        elif local == "table-row":
            self._row += self._rows
        elif local in {"table-cell", "covered-table-cell"} and self._cell is not None:
            value = _value(self._cell, "".join(self._text))
            if value is not None:
                self._note(value)
            self._column += self._columns
            self._cell = None

    def _note(self, value: Any) -> None:
        if self._rows * self._columns > _MOST_MARKS:
            raise Unreadable(
                Reason.DAMAGED, "A cell with an error is repeated too often"
            )
        marks = self.marks[-1]
        for row in range(self._row, self._row + self._rows):
            for column in range(self._column, self._column + self._columns):
                marks.values[row, column] = value

    def _characters(self, text: str) -> None:
        if self._cell is not None and self._paragraphs and not self._depth:
            self._text.append(text)


def _value(cell: dict[str, str], text: str) -> Any:
    """Return what stands in place of what calamine gives, ``None`` if that is right."""
    match cell.get("value-type"):
        case "error":
            return ErrorValue(text)
        case "string" if _BROKEN in cell and "string-value" not in cell:
            return text
        case "time":
            return _time(cell.get("time-value", ""))
        case "float":
            return _number(cell.get("value", ""), text.strip())
        case None if cell.get("formula"):
            return UNSAVED
    return None


def _time(text: str) -> Any:
    """Return a time of day, or a duration that is none."""
    found = _DURATION.fullmatch(text)
    if found is None:
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups()[1:])
    length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    if not found[1] and length < timedelta(days=1):
        return (_MIDNIGHT + length).time()
    return -length if found[1] else length


def _number(value: str, shown: str) -> Any:
    if _LONG.fullmatch(value):
        return int(value)
    whole = re.fullmatch(r"(-?[0-9]{1,15})(?:\.0*)?", value)
    is_padded = re.fullmatch(r"-?0[0-9]+", shown) is not None
    if whole and is_padded and int(shown) == int(whole[1]):
        return Padded(int(whole[1]), shown)
    return None


def _has_marks(archive: ZipFile) -> bool:
    before = b""
    with archive.open(_CONTENT) as part:
        while piece := part.read(_CHUNK):
            seen = before + piece
            if b"\0" in seen[:2] or _TELLING.search(seen):
                return True
            before = piece[-_KEPT:]
    return False


def _times(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 8 else 1  # noqa: PLR2004
