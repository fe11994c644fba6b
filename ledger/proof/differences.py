"""Rows that are kept against rows as the log has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A row that the live tables and a fresh fold do not agree on."""

    table: str
    key: tuple[Any, ...]
    column: str
    live: Any
    fresh: Any

    def __str__(self) -> str:
        """Name the row and column; values of properties are not repeated."""
        key = " ".join(map(str, self.key))
        if self.column == "":
            side = "missing" if self.live is None else "not in the log's fold"
            return f"{self.table} {key}: {side}"
        return f"{self.table} {key}: {self.column} differs"
