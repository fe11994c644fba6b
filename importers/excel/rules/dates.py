"""Texts that look like dates, and in which order their parts stand. Pure.

A spreadsheet that was opened under another language turns some dates of a column into
real ones, and leaves those that it cannot read as they were typed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

LONGEST = len("00/00/0000")

_TEXT = re.compile(
    r"(?P<first>\d{1,2})(?P<sep>[/.-])(?P<second>\d{1,2})(?P=sep)(?:\d{4}|\d{2})"
    r"|\d{4}(?P<dash>[/.-])\d{1,2}(?P=dash)\d{1,2}",
    re.ASCII,
)
_MONTHS = 12
_PERCENT = 100


class Reading(StrEnum):
    """In which order a date can be read, as reports say it."""

    WRITTEN = "YYYY-MM-DD"
    CELL = "a date cell"
    YEAR_FIRST = "year first"
    DAY_FIRST = "day first"
    MONTH_FIRST = "month first"
    EITHER = "day or month first"


NOTICED = frozenset(Reading) - {Reading.WRITTEN, Reading.CELL}
"""Readings that are told of."""


def reading_of(text: str) -> Reading | None:
    """Return how a text reads as a date, ``None`` for one that does not look so."""
    found = _TEXT.fullmatch(text)
    if found is None:
        return None
    if found["first"] is None:
        is_written = found["dash"] == "-"
        return Reading.WRITTEN if is_written else Reading.YEAR_FIRST
    first, second = int(found["first"]), int(found["second"])
    if first > _MONTHS:
        return Reading.DAY_FIRST
    return Reading.MONTH_FIRST if second > _MONTHS else Reading.EITHER


def shares(counts: Mapping[str, int]) -> str:
    """Return how much of a column reads in each way, the most frequent first."""
    total = sum(counts.values())
    ordered = sorted(counts.items(), key=lambda found: (-found[1], found[0]))
    return ", ".join(
        f"{_share(count, total)} {reading} ({count})" for reading, count in ordered
    )


def _share(count: int, total: int) -> str:
    percent = count * _PERCENT / total
    return f"{percent:.0f} %" if percent >= 1 else "less than 1 %"
