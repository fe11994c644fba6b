"""What calamine does not tell of an .xls: marks of cells, and passwords.

An .xls is a small file system (MS-CFB) with a stream of records (MS-XLS) in it. Nothing
but the walk to some kinds of records is done here; values are calamine's business.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from importers.tables.marks import Marks, Show, show_of
from importers.tables.unreadable import Limits, Reason, Unreadable
from importers.tables.values import ErrorValue
from importers.tables.zip_parts import LOCKED, OLE

_NAMES = ("workbook", "book")
_LAST = 0xFFFFFFFC
_ENTRY = 128
_MINI = 64
_DIFAT_IN_HEADER = 109
_RECORD = struct.Struct("<HH")
_BOF, _EOF, _FORMULA, _FILEPASS, _BOUNDSHEET, _BOOLERR = (
    0x09,
    0x0A,
    0x06,
    0x2F,
    0x85,
    0x205,
)
_FORMAT, _XF, _NUMBER, _RK, _MULRK = 0x41E, 0xE0, 0x203, 0x27E, 0xBD
_NUMBERS = frozenset({_NUMBER, _RK, _MULRK})
_NONE = b"\xff\xff"
"""What a formula has where its result is no number."""

_TEXTS = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
    0x2B: "#GETTING_DATA",
}


class XlsFile:
    """The records of a workbook, and where each of its sheets begins."""

    def __init__(self, stream: bytes) -> None:
        """Find the sheets. Raises ``Unreadable`` for a password."""
        self._stream = stream
        self._sheets: list[int] = []
        self._shows: dict[int, Show] = {}
        codes: dict[int, Show | None] = {}
        styles = 0
        for kind, body in _records(stream, 0):
            if kind == _FILEPASS:
                raise Unreadable(Reason.PASSWORD, LOCKED)
            if kind == _BOUNDSHEET:
                self._sheets.append(int.from_bytes(body[:4], "little"))
            elif kind == _FORMAT:
                codes[int.from_bytes(body[:2], "little")] = show_of(_text(body[2:]))
            elif kind == _XF:
                show = codes.get(int.from_bytes(body[2:4], "little"))
                if show is not None:
                    self._shows[styles] = show
                styles += 1

    def marks(self, _sheet: str, place: int) -> Marks:
        """Return the marks of the cells of the sheet in a place."""
        marks = Marks()
        if place >= len(self._sheets):
            return marks
        blank: list[tuple[int, int]] = []
        has_results = False
        for kind, body in _records(self._stream, self._sheets[place]):
            code = _error_code(kind, body)
            if code is not None:
                row, column = _RECORD.unpack_from(body)
                text = _TEXTS.get(code, f"#ERROR {code}")
                marks.values[row, column] = ErrorValue(text)
            elif kind == _FORMULA and body[6:7] == b"\x03" and body[12:14] == _NONE:
                blank.append(_RECORD.unpack_from(body))
            else:
                has_results = has_results or kind == _FORMULA
            self._note_shown(marks, kind, body)
        # An empty text is a result as well; but where no formula of a sheet has
        # another one, a program has written them that does not calculate.
        for row, column in () if has_results else blank:
            marks.note_unsaved(row, column)
        return marks

    def _note_shown(self, marks: Marks, kind: int, body: bytes) -> None:
        if not self._shows or kind not in _NUMBERS:
            return
        row, first = _RECORD.unpack_from(body)
        width = 6 if kind == _MULRK else len(body)
        for column, at in enumerate(range(4, len(body) - 5, width), start=first):
            show = self._shows.get(int.from_bytes(body[at : at + 2], "little"))
            if show is not None:
                marks.note_padded(row, column, show)


def check_xls(file: BinaryIO, _limits: Limits) -> XlsFile:
    """Return a workbook that may be parsed; raises ``Unreadable``.

    The checks are those of ``rules/excel-import.md`` 3.2.
    """
    content = file.read()
    file.seek(0)
    if content.startswith(b"PK"):
        raise Unreadable(Reason.DAMAGED, "Excel xlsx file; not supported")
    if not content.startswith(OLE):
        raise Unreadable(Reason.DAMAGED, "File is not an Excel xls file")
    try:
        return XlsFile(_Compound(content).workbook())
    except (struct.error, IndexError, OverflowError, ValueError) as error:
        raise Unreadable(Reason.DAMAGED, "File is cut short or damaged") from error


def _error_code(kind: int, body: bytes) -> int | None:
    """Return the code of a record that is a cell with an error."""
    if kind == _BOOLERR and body[7:8] == b"\x01":
        return body[6]
    if kind == _FORMULA and body[12:14] == b"\xff\xff" and body[6:7] == b"\x02":
        return body[8]
    return None


def _text(body: bytes) -> str:
    """Return a text of BIFF8: its length, how it is kept, its characters."""
    length = int.from_bytes(body[:2], "little")
    if body[2:3] == b"\x01":
        return body[3 : 3 + 2 * length].decode("utf-16-le", "replace")
    return body[3 : 3 + length].decode("latin-1")


def _records(stream: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Yield the records from a place on, up to the end of their part."""
    depth = 0
    while at + _RECORD.size <= len(stream):
        kind, length = _RECORD.unpack_from(stream, at)
        at += _RECORD.size
        yield kind, stream[at : at + length]
        at += length
        # A chart inside a sheet is a part of its own within it.
        depth += (kind & 0xFF == _BOF) - (kind == _EOF)
        if depth <= 0:
            return


class _Compound:
    """The file system: sectors, chained by a table, and a directory of streams."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._size = 1 << self._number(30, 2)
        self._cutoff = self._number(56)
        self._table = self._allocation()

    def workbook(self) -> bytes:
        """Return the records. Raises ``Unreadable`` if there are none."""
        directory = self._chained(self._number(48))
        entries = [
            directory[at : at + _ENTRY] for at in range(0, len(directory), _ENTRY)
        ]
        # Names of streams do not differ by case.
        by_name = {_name(entry).lower(): entry for entry in reversed(entries)}
        if "encryptedpackage" in by_name:
            raise Unreadable(Reason.PASSWORD, LOCKED)
        for name in _NAMES:
            if name in by_name:
                return self._stream(by_name[name], entries[0])
        raise Unreadable(Reason.DAMAGED, "File is not an Excel xls file")

    def _stream(self, entry: bytes, root: bytes) -> bytes:
        start, size = (
            int.from_bytes(entry[at : at + 4], "little") for at in (116, 120)
        )
        if size >= self._cutoff:
            return self._chained(start)[:size]
        mini = self._chained(int.from_bytes(root[116:120], "little"))
        table = _numbers(self._chained(self._number(60)))
        places = _chain(table, start)
        return b"".join(mini[p * _MINI : (p + 1) * _MINI] for p in places)[:size]

    def _allocation(self) -> list[int]:
        sectors = [self._number(76 + 4 * n) for n in range(_DIFAT_IN_HEADER)]
        following = self._number(68)
        for _ in range(min(self._number(72), len(self._content) // self._size)):
            *more, following = _numbers(self._sector(following))
            sectors += more
        used = [sector for sector in sectors if sector < _LAST]
        return _numbers(b"".join(map(self._sector, used)))

    def _chained(self, start: int) -> bytes:
        return b"".join(map(self._sector, _chain(self._table, start)))

    def _sector(self, number: int) -> bytes:
        at = (number + 1) * self._size
        return self._content[at : at + self._size]

    def _number(self, at: int, length: int = 4) -> int:
        found = self._content[at : at + length]
        if len(found) < length:
            raise IndexError(at)
        return int.from_bytes(found, "little")


def _chain(table: list[int], start: int) -> Iterator[int]:
    """Yield the sectors of a chain; one that goes in circles is broken."""
    for _ in range(len(table)):
        if start >= _LAST:
            return
        yield start
        start = table[start]
    if start < _LAST:
        raise IndexError(start)


def _numbers(content: bytes) -> list[int]:
    return [
        int.from_bytes(content[at : at + 4], "little")
        for at in range(0, len(content) - 3, 4)
    ]


def _name(entry: bytes) -> str:
    length = int.from_bytes(entry[64:66], "little")
    return entry[: max(min(length, 64) - 2, 0)].decode("utf-16-le", "replace")
