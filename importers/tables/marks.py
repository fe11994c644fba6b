"""What a fast reader of a sheet does not tell of its cells, by their places. Pure.

Places count from 0. Whole columns often have one format, so what many cells below each
other have in common is kept as runs.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from importers.tables.values import UNSAVED, Padded

Show: TypeAlias = Callable[[int], str]
"""Shows a whole number under a format with zeros."""

_PREFIX = re.compile(r"(?:\[[^\]]*\])*")
_PIECE = re.compile(r'0|\\.|"[^"]*"|_.|\*.|[-+ ()/:]')
_LITERAL = {"0": "0", "_": "", "*": ""}


@dataclass(slots=True)
class _Run:
    first: int
    last: int
    about: Show | None


@dataclass(slots=True)
class Marks:
    """Values in place of those that a reader gives, and runs of cells.

    A run is of formulas that were saved without their result, or of numbers that a
    format shows with zeros.
    """

    values: dict[tuple[int, int], Any] = field(default_factory=dict)
    _runs: dict[int, deque[_Run]] = field(default_factory=dict)
    _by_row: dict[int, list[tuple[int, Any]]] | None = None

    def note_unsaved(self, row: int, column: int) -> None:
        """Note a formula without its result."""
        self._note(row, column, None)

    def note_padded(self, row: int, column: int, show: Show) -> None:
        """Note a number under a format with zeros; rows come in order."""
        self._note(row, column, show)

    def last_row(self) -> int:
        """Return the last row with anything in its own right, -1 if none has."""
        unsaved = (runs[-1].last for runs in self._runs.values() if runs)
        return max([*(row for row, _ in self.values), *unsaved], default=-1)

    def apply(self, row: int, values: list[Any]) -> list[Any]:
        """Return the values of a row with what was noted of it; rows come in order."""
        for column, runs in self._runs.items():
            while runs and runs[0].last < row:
                runs.popleft()
            if runs and runs[0].first <= row:
                _put(values, column, _marked(values, column, runs[0].about))
        for column, value in self._of_row(row):
            _put(values, column, value)
        return values

    def copy(self) -> Marks:
        """Return marks that can be applied from the first row on."""
        runs = {column: deque(found) for column, found in self._runs.items()}
        return Marks(self.values, runs)

    def _of_row(self, row: int) -> Sequence[tuple[int, Any]]:
        if self._by_row is None:
            self._by_row = {}
            for (at, column), value in self.values.items():
                self._by_row.setdefault(at, []).append((column, value))
        return self._by_row.get(row, ())

    def _note(self, row: int, column: int, about: Show | None) -> None:
        runs = self._runs.setdefault(column, deque())
        if runs and runs[-1].about is about and runs[-1].last == row - 1:
            runs[-1].last = row
        else:
            runs.append(_Run(row, row, about))


def show_of(code: str) -> Show | None:
    """Return what shows numbers under a format, if it only puts zeros in front."""
    section = _PREFIX.sub("", _first_section(code), count=1)
    pieces = _PIECE.findall(section)
    if "".join(pieces) != section or pieces.count("0") < 2:  # noqa: PLR2004
        return None

    def show(number: int) -> str:
        digits = list(str(abs(number)).rjust(pieces.count("0"), "0"))
        shown = ""
        zeros = pieces.count("0")
        for piece in reversed(pieces):
            if piece != "0":
                shown = _literal(piece) + shown
                continue
            zeros -= 1
            shown = (digits.pop() if zeros else "".join(digits)) + shown
        return f"-{shown}" if number < 0 else shown

    return show


def padded(value: Any, show: Show) -> Any:
    """Return a whole number as a format shows it, anything else as it is."""
    if type(value) not in {int, float} or value != value // 1 or abs(value) >= _MOST:
        return value
    shown = show(int(value))
    return value if shown == str(int(value)) else Padded(value, shown)


_MOST = 1e15


def _marked(values: Sequence[Any], column: int, about: Show | None) -> Any:
    if about is None:
        return UNSAVED
    return padded(values[column], about) if column < len(values) else None


def _put(values: list[Any], column: int, value: Any) -> None:
    values.extend([None] * (column + 1 - len(values)))
    values[column] = value


def _first_section(code: str) -> str:
    """Return the part of a format for positive numbers."""
    return re.match(r'(?:\\.|"[^"]*"|[^;"\\])*', code)[0]  # type: ignore[index]


def _literal(piece: str) -> str:
    if piece[0] in _LITERAL:
        return _LITERAL[piece[0]]
    return piece[1:] if piece[0] == "\\" else piece.strip('"')
