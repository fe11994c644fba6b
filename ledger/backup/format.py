r"""The file of a backup: a line that names it, one zstd frame, a digest. No database.

::

    caseledger backup 1\n
    zstd frame of records: the header, rows, rows, …, how many rows of each table
    SHA-256 of every byte before it, 32 bytes

A record is a letter, the lengths of its two parts, a JSON text and bytes. In rows, a
value of bytes is given in the text as its length; the bytes themselves follow in the
order of rows and columns. So the file is written and read in one go, in bounded memory,
through a pipe if need be.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from struct import Struct
from typing import Any, BinaryIO

import orjson

from ledger.errors import LedgerError
from ledger.storage.compression import (
    DecompressionError,
    StreamCompressor,
    StreamDecompressor,
)
from ledger.times import Instant, Micros

FORMAT = 1
BYTES = "bytea"
"""The type of a column whose values are bytes."""

_NAME = b"caseledger backup "
_FIRST_LINE = _NAME + str(FORMAT).encode() + b"\n"
_LONGEST_LINE = len(_NAME) + 10
_LEVEL = 3
_CHUNK = 1024 * 1024
_DIGEST = 32
_RECORD = Struct("!cII")
_LARGEST_RECORD = 2**31
"""No value of either database is as large; more is asked for by damage alone."""
_HEADER, _ROWS, _COUNTS = b"H", b"R", b"C"


class BadBackup(LedgerError):
    """The file is no backup, or not the one that was written, or too new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogHead:
    """The last entry of a domain's log, as a backup names it."""

    domain: str
    position: int
    appended_on: Micros
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a backup says of itself.

    ``tables`` maps each table to its columns: pairs of a name and a type.
    """

    written_on: Instant
    program: str
    domains: tuple[LogHead, ...]
    tables: Mapping[str, tuple[tuple[str, str], ...]]


Rows = tuple[str, list[list[Any]]]
"""The name of a table and some of its rows, in the order of the header's columns."""


class BackupWriter:
    """Writes a backup; it counts as one only after ``close``."""

    def __init__(self, file: BinaryIO, header: Header) -> None:
        """Write what stands before the rows."""
        self._file = file
        self._sha256 = hashlib.sha256()
        self._compressor = StreamCompressor(_LEVEL)
        self._bytes = _columns_of_bytes(header)
        self._counts = dict.fromkeys(header.tables, 0)
        self._put(_FIRST_LINE)
        self._record(_HEADER, asdict(header))

    def rows(self, table: str, rows: Sequence[Sequence[Any]]) -> None:
        """Write rows of a table."""
        self._counts[table] += len(rows)
        parts: list[bytes] = []
        plain = [_without_bytes(row, self._bytes[table], parts) for row in rows]
        self._record(_ROWS, [table, plain], b"".join(parts))

    def close(self) -> None:
        """Write what proves that the file is whole; the file itself stays open."""
        self._record(_COUNTS, self._counts)
        self._put(self._compressor.flush())
        self._file.write(self._sha256.digest())

    def _record(self, kind: bytes, told: Any, data: bytes = b"") -> None:
        text = orjson.dumps(told)
        head = _RECORD.pack(kind, len(text), len(data))
        for part in (head, text, data):
            self._put(self._compressor.compress(part))

    def _put(self, data: bytes) -> None:
        if data:
            self._sha256.update(data)
            self._file.write(data)


class BackupReader:
    """Reads a backup once, from its first byte to its last."""

    def __init__(self, file: BinaryIO) -> None:
        """Read the header; raises ``BadBackup`` where it makes no sense."""
        self._raw = _Checked(file)
        self._raw.skip_first_line()
        self._plain = _Plain(self._raw)
        kind, told, _ = self._record()
        if kind != _HEADER:
            raise _damaged()
        self.header = _header_of(told)

    def rows(self) -> Iterator[Rows]:
        """Yield all rows; ends only when the file has proved to be whole.

        Raises ``BadBackup``: until then every row is to be doubted.
        """
        columns = _columns_of_bytes(self.header)
        counts = dict.fromkeys(self.header.tables, 0)
        while True:
            kind, told, data = self._record()
            if kind == _COUNTS and told == counts:
                break
            if kind != _ROWS:
                raise _damaged()
            try:
                table, plain = told
                rows = list(_with_bytes(plain, columns[table], data))
            except (ValueError, TypeError, LookupError):
                raise _damaged() from None
            counts[table] += len(rows)
            yield table, rows
        self.check()

    def check(self) -> None:
        """Read what is left; raises ``BadBackup`` unless the digest is right."""
        self._raw.check()

    def _record(self) -> tuple[bytes, Any, bytes]:
        try:
            kind, text, data = _RECORD.unpack(self._plain.take(_RECORD.size))
            if text + data > _LARGEST_RECORD:
                raise _damaged()
            told = orjson.loads(self._plain.take(text))
            return kind, told, self._plain.take(data)
        except (ValueError, DecompressionError):
            raise _damaged() from None


def check_file(file: BinaryIO) -> None:
    """Read a file to its end; raises ``BadBackup`` unless it is a whole backup."""
    raw = _Checked(file)
    raw.skip_first_line()
    raw.check()


class _Checked:
    """The bytes of a file but for the digest at its end, which they must have."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._sha256 = hashlib.sha256()
        self._held = b""
        self._first = b""

    def skip_first_line(self) -> None:
        """Read the line that names the format; raises ``BadBackup``."""
        got = self._read()
        line, end, self._first = got.partition(b"\n")
        if not end or not line.startswith(_NAME) or len(line) > _LONGEST_LINE:
            raise BadBackup("this is no backup of caseledger, or only its beginning")
        number = line.removeprefix(_NAME)
        if number != str(FORMAT).encode():
            raise BadBackup(
                f"the backup has the format {number.decode(errors='replace')!r}, and "
                f"this program reads the format {FORMAT}: use a newer caseledger"
            )

    def read(self) -> bytes:
        """Return the next bytes, none at the end."""
        first, self._first = self._first, b""
        return first or self._read()

    def check(self) -> None:
        """Read to the end and compare the digest; raises ``BadBackup``."""
        while self._read():
            pass
        if self._held != self._sha256.digest():
            raise _damaged()

    def _read(self) -> bytes:
        while got := self._file.read(_CHUNK):
            both = self._held + got
            data, self._held = both[:-_DIGEST], both[-_DIGEST:]
            if data:
                self._sha256.update(data)
                return data
        return b""


class _Plain:
    """What a zstd frame holds, taken piece by piece."""

    def __init__(self, raw: _Checked) -> None:
        self._raw = raw
        self._decompressor = StreamDecompressor()
        self._left = memoryview(b"")

    def take(self, size: int) -> bytes:
        """Return exactly so many bytes; raises ``BadBackup`` when there are fewer."""
        parts = []
        while size:
            if not self._left:
                self._left = memoryview(self._more())
            part, self._left = self._left[:size], self._left[size:]
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _more(self) -> bytes:
        while not self._decompressor.eof:
            data = b""
            if self._decompressor.needs_input and not (data := self._raw.read()):
                break
            if plain := self._decompressor.decompress(data, _CHUNK):
                return plain
        raise _damaged()


def _damaged() -> BadBackup:
    return BadBackup("the backup is damaged or cut short")


def _columns_of_bytes(header: Header) -> dict[str, list[int]]:
    return {
        table: [n for n, (_, kind) in enumerate(columns) if kind == BYTES]
        for table, columns in header.tables.items()
    }


def _without_bytes(
    row: Sequence[Any], columns: Sequence[int], parts: list[bytes]
) -> list[Any]:
    """Return a row with lengths for its bytes, which are added to ``parts``."""
    values = list(row)
    for column in columns:
        if (found := values[column]) is not None:
            parts.append(found)
            values[column] = len(found)
    return values


def _with_bytes(
    rows: Sequence[list[Any]], columns: Sequence[int], data: bytes
) -> Iterator[list[Any]]:
    """Yield rows with their bytes in the place of lengths; raises ``ValueError``."""
    at = 0
    for row in rows:
        for column in columns:
            if (length := row[column]) is not None:
                row[column] = data[at : at + length]
                at += length
        yield row
    if at != len(data):
        raise ValueError(at)


def _header_of(told: Any) -> Header:
    try:
        heads = tuple(LogHead(**head) for head in told["domains"])
        tables = {
            name: tuple((column, kind) for column, kind in columns)
            for name, columns in told["tables"].items()
        }
        return Header(
            written_on=told["written_on"],
            program=told["program"],
            domains=heads,
            tables=tables,
        )
    except (ValueError, TypeError, LookupError, AttributeError):
        raise _damaged() from None
