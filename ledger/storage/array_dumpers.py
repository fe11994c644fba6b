"""Arrays for PostgreSQL in its binary format, made a column at a time.

The driver's own way of dumping a list looks at every element in Python; for the
columns of a commit, whose types are known, that is most of what the driver costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct, pack
from typing import Any

from psycopg.adapt import Dumper
from psycopg.pq import Format

from ledger.storage.arrays import Blobs, Numbers, Texts

_TEXT, _BIGINT, _BYTEA = 25, 20, 17
_TEXTS, _BIGINTS, _BYTEAS = 1009, 1016, 1001

_HEADER = Struct("!5i")
_LENGTH = Struct("!i").pack
_NUMBER = Struct("!iq").pack
_NULL = _LENGTH(-1)


class _TextsDumper(Dumper):
    format = Format.BINARY
    oid = _TEXTS

    def dump(self, obj: Texts) -> bytes:
        return _variable(_TEXT, [v if v is None else v.encode() for v in obj.values])


class _BlobsDumper(Dumper):
    format = Format.BINARY
    oid = _BYTEAS

    def dump(self, obj: Blobs) -> bytes:
        return _variable(_BYTEA, obj.values)


class _NumbersDumper(Dumper):
    format = Format.BINARY
    oid = _BIGINTS

    def dump(self, obj: Numbers) -> bytes:
        values = obj.values
        head = _head(_BIGINT, values)
        if None not in values:
            flat = [part for value in values for part in (8, value)]
            return head + pack("!" + "iq" * len(values), *flat)
        return head + b"".join(_NULL if v is None else _NUMBER(8, v) for v in values)


def register(raw: Any) -> None:
    """Teach a driver's connection to send columns."""
    for column, dumper in (
        (Texts, _TextsDumper),
        (Numbers, _NumbersDumper),
        (Blobs, _BlobsDumper),
    ):
        raw.adapters.register_dumper(column, dumper)


def _head(kind: int, values: Sequence[Any]) -> bytes:
    return _HEADER.pack(1, int(None in values), kind, len(values), 1)


def _variable(kind: int, values: Sequence[bytes | None]) -> bytes:
    parts = [_head(kind, values)]
    for value in values:
        if value is None:
            parts.append(_NULL)
        else:
            parts += (_LENGTH(len(value)), value)
    return b"".join(parts)
