"""Columns as parameters of PostgreSQL: the values of an array, and their type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


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
