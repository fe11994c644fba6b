"""Columns as parameters of PostgreSQL: the values of an array, and their bytes.

The binary format, made a column at a time: the driver's own way of dumping a list looks
at every element in Python. For the columns of a commit, whose types are known, that is
most of what the driver costs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from struct import Struct, pack
from typing import Any, Final

_TEXT, _BIGINT, _BYTEA = 25, 20, 17

_HEADER = Struct("!5i")
_LENGTH = Struct("!i").pack
_NUMBER = Struct("!iq").pack
_NULL = _LENGTH(-1)


class Column:
    """The values of one column, on their way to the server."""

    __slots__ = ("values",)

    def __init__(self, values: Sequence[Any]) -> None:
        """Keep the values."""
        self.values = values


class Texts(Column):
    """A column of texts."""

    __slots__ = ()


class Numbers(Column):
    """A column of whole numbers."""

    __slots__ = ()


class Blobs(Column):
    """A column of bytes."""

    __slots__ = ()


COLUMNS: dict[str, type[Column]] = {"text": Texts, "bigint": Numbers, "bytea": Blobs}
"""The class of a column by the type of its elements."""


def column_of(values: list[Any]) -> Column:
    """Return a list of texts or of whole numbers as a column."""
    numbers = bool(values) and isinstance(values[0], int)
    return Numbers(values) if numbers else Texts(values)


def array_of_texts(values: Sequence[str | None]) -> bytes:
    """Return texts as an array."""
    return _variable(_TEXT, [v if v is None else v.encode() for v in values])


def array_of_blobs(values: Sequence[bytes | None]) -> bytes:
    """Return values of bytes as an array."""
    return _variable(_BYTEA, values)


def array_of_numbers(values: Sequence[int | None]) -> bytes:
    """Return whole numbers as an array."""
    head = _head(_BIGINT, values)
    if None not in values:
        flat = [part for value in values for part in (8, value)]
        return head + pack("!" + "iq" * len(values), *flat)
    return head + b"".join(_NULL if v is None else _NUMBER(8, v) for v in values)


ARRAYS: Final[dict[str, Callable[[Sequence[Any]], bytes]]] = {
    "text": array_of_texts,
    "bigint": array_of_numbers,
    "bytea": array_of_blobs,
}
"""What makes an array of a column by the type of its elements."""
SCALARS: Final[dict[str, Callable[[Any], bytes]]] = {
    "text": str.encode,
    "bigint": Struct("!q").pack,
    "bytea": bytes,
}
"""What makes the bytes of a single value."""


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
