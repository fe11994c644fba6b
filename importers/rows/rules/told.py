"""What is told of rows while they are decided, as the progress of a job keeps it. Pure.

It has the shape of what readers tell (``importers/tables/notices.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from importers.tables.notices import Notice

ALIKE = "Same case in several rows"
_ALIKE = "These rows made or changed one case, one after the other"
_MOST_RANGES = 1000

Kept = Sequence[Mapping[str, Any]]

Place = tuple[str, int]
"""A file and a row of it."""


def with_told(before: Kept, found: Iterable[Notice], *, file: str) -> list[Any]:
    """Return what is kept with more notices; the same of several rows is one."""
    groups = {(g["file"], g["title"], g["column"]): dict(g) for g in before}
    for notice in found:
        key = (file, notice.title, notice.column)
        group = groups.setdefault(
            key,
            {
                "title": notice.title,
                "text": notice.text,
                "column": notice.column,
                "file": file,
                "rows": [],
                "sample": notice.sample or None,
            },
        )
        if notice.row is not None:
            group["rows"] = _with_row(group["rows"], notice.row)
    return list(groups.values())


class Touched:
    """The cases that rows have made or changed so far, and which row did so first."""

    def __init__(self) -> None:
        """Begin with none."""
        self._first: dict[str, Place] = {}

    def __len__(self) -> int:
        """Return how many cases there are."""
        return len(self._first)

    def take(self, place: Place, case_ids: Iterable[str]) -> list[Notice]:
        """Take the cases of a row; return what is told of it and of rows before.

        What rows of other files did is told of this row alone.
        """
        firsts = {self._first.setdefault(case_id, place) for case_id in case_ids}
        if not firsts - {place}:
            return []
        here = {number for file, number in {*firsts, place} if file == place[0]}
        return [Notice(ALIKE, _ALIKE, row=number) for number in sorted(here)]


def _with_row(ranges: Iterable[Sequence[int]], row: int) -> list[list[int]]:
    """Return ranges of rows with one more; endlessly many are not kept."""
    joined: list[list[int]] = []
    for first, last in sorted([*map(tuple, ranges), (row, row)]):
        if joined and first <= joined[-1][1] + 1:
            joined[-1][1] = max(joined[-1][1], last)
        else:
            joined.append([first, last])
    return joined[:_MOST_RANGES]
