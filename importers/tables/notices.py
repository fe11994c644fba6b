"""What a reader tells of a file that it could read all the same. Pure.

A notice never stops an import: it says what was assumed, left out or read in another
way than somebody may have meant. ``Notices`` puts those together that say the same of
several rows, in a shape that the progress of a job keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

_MOST_RANGES = 1000
"""How many ranges of rows are kept of one thing; those behind are not told."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about a file, a column or a cell that whoever sent it should know.

    ``text`` is the same for every row that it is true of and shows no value of the
    file; ``sample`` may, and is dropped with the file.
    """

    title: str
    text: str
    column: str = ""
    row: int | None = None
    sample: str = ""


Tell: TypeAlias = Callable[[Iterable[Notice]], None]
"""Takes what a reader tells while it reads."""


def unheard(_: Iterable[Notice]) -> None:
    """Take notices of a file that tells them elsewhere, or to nobody."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row of a file must not be imported; ``sample`` are its cells."""

    text: str
    sample: str = ""

    def __str__(self) -> str:
        """Return both for people."""
        return f"{self.text}: {self.sample}" if self.sample else self.text


class Notices:
    """Notices so far, each thing once with its rows; the first sample is kept."""

    def __init__(self) -> None:
        """Begin with none."""
        self._groups: dict[tuple[str, str, str], dict[str, Any]] = {}

    def add(self, found: Iterable[Notice], *, file: str = "") -> None:
        """Take notices of a file, those of rows in the order of the rows."""
        for notice in found:
            key = (file, notice.title, notice.column)
            group = self._groups.get(key)
            if group is None:
                group = self._groups[key] = {
                    "title": notice.title,
                    "text": notice.text,
                    "column": notice.column,
                    "file": file,
                    "rows": [],
                    "sample": notice.sample or None,
                }
            if notice.row is not None:
                _add(group["rows"], notice.row)

    def to_json(self) -> list[dict[str, Any]]:
        """Return what was told, in the order in which it first came."""
        return [dict(group) for group in self._groups.values()]


def lines_of(kept: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield what ``Notices.to_json`` kept as lines for people."""
    for group in kept:
        rows = ", ".join(
            str(first) if first == last else f"{first}-{last}"
            for first, last in group["rows"]
        )
        places = [
            *([f"file {group['file']}"] if group["file"] else []),
            *([f"column {group['column']}"] if group["column"] else []),
            *([f"row {rows}" if rows.isdecimal() else f"rows {rows}"] if rows else []),
        ]
        where = f" ({', '.join(places)})" if places else ""
        sample = f": {group['sample']}" if group["sample"] else ""
        yield f"{group['title']}{where}: {group['text']}{sample}"


def _add(ranges: list[list[int]], row: int) -> None:
    if ranges and ranges[-1][0] <= row <= ranges[-1][1] + 1:
        ranges[-1][1] = max(ranges[-1][1], row)
    elif len(ranges) < _MOST_RANGES:
        ranges.append([row, row])
