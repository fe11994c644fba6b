"""What became of the rows of an import: counts, errors in groups, warnings. Pure.

Everything here goes into the progress of the job and comes back from there, so rows
are kept as ranges. Wire names are those of ``rules/excel-import.md`` 14 and 18.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from importers.excel.rules.dates import NOTICED, Reading, shares
from importers.excel.rules.outcome import Done, RowOutcome
from importers.excel.rules.wishes import RowError, Skip
from importers.tables.notices import Notice

DATE_TEXTS = "Text looks like a date"
_DATES = "Dates are written YYYY-MM-DD; this text is kept as it is"
_LONGEST_SAMPLE = 100
_Ranges = list[list[int]]


@dataclass(slots=True)
class Group:
    """Rows with the same thing to be said of them, as ranges of row numbers."""

    title: str
    column: str
    sheet: str
    description: str
    rows: _Ranges = field(default_factory=list)
    sample: str | None = None
    candidates: list[str] | None = None

    def add(self, number: int) -> None:
        """Add a row; rows may come a little out of order."""
        rows = self.rows
        if not rows or number > rows[-1][1] + 1:
            rows.append([number, number])
        elif number == rows[-1][1] + 1:
            rows[-1][1] = number
        elif number < rows[-1][0]:
            self.rows = _merged([*rows, [number, number]])


@dataclass(slots=True)
class Report:
    """The account of an import so far."""

    created: int = 0
    updated: int = 0
    failed: int = 0
    blank: int = 0
    unmatched: int = 0
    chunks: int = 0
    cases: int = 0
    """How many cases the created and updated rows have made or changed."""
    failed_chunks: list[int] = field(default_factory=list)
    errors: list[Group] = field(default_factory=list)
    warnings: list[Group] = field(default_factory=list)
    dates: dict[str, dict[str, int]] = field(default_factory=dict)
    """How the dates of a column read, by sheet and column."""

    @property
    def rows(self) -> int:
        """Return how many rows have ended as one of the five."""
        skipped = self.blank + self.unmatched
        return self.created + self.updated + self.failed + skipped

    def take(self, done: Done, sheet: str) -> None:
        """Add what became of the rows of a command."""
        self.chunks += done.chunks
        self.failed_chunks += done.failed_chunks
        self.created += done.created
        self.updated += done.updated
        for number, found in done.rows:
            self.note(number, found, sheet)
        for notice in done.told:
            self.tell(notice, sheet)

    def note(self, number: int, found: RowOutcome, sheet: str) -> None:
        """Add why a row was not stored."""
        if found is Skip.BLANK:
            self.blank += 1
        elif isinstance(found, Skip):
            self.unmatched += 1
        else:
            self.failed += 1
            self._fail(number, found, sheet)

    def warn(
        self, title: str, column: str, *, text: str, sheet: str, row: int | None = None
    ) -> None:
        """Add a warning, of a row where one is named."""
        notice = Notice(title, text, column, row)
        self.tell(notice, sheet)

    def tell(self, notice: Notice, sheet: str) -> None:
        """Add what a reader tells of a sheet, as a warning; the first sample stays."""
        title, column = notice.title, notice.column
        group = _group(self.warnings, title, column, sheet=sheet, text=notice.text)
        if notice.row is not None:
            group.add(notice.row)
        if group.sample is None and notice.sample:
            group.sample = notice.sample[:_LONGEST_SAMPLE]

    def tell_first(self, notice: Notice, sheet: str) -> None:
        """Add a warning that stands before all others."""
        self.tell(notice, sheet)
        wanted = (notice.title, notice.column, sheet)
        self.warnings.sort(key=lambda g: (g.title, g.column, g.sheet) != wanted)

    def tell_dates(
        self, column: str, found: Mapping[Reading, Sequence[int]], *, sheet: str
    ) -> None:
        """Add how dates of a column read, by row; warn of those that are texts."""
        counts = self.dates.setdefault(f"{sheet}\n{column}", {})
        for reading, rows in found.items():
            counts[reading.value] = counts.get(reading.value, 0) + len(rows)
        noticed = (found[reading] for reading in NOTICED & found.keys())
        for row in sorted(chain.from_iterable(noticed)):
            self.tell(Notice(DATE_TEXTS, "", column, row), sheet)
        if NOTICED & counts.keys():
            text = _DATES
            if len(counts) > 1:
                text = f"{_DATES}. The column has several orders: {shares(counts)}"
            self.tell(Notice(DATE_TEXTS, text, column), sheet)

    def _fail(self, number: int, error: RowError, sheet: str) -> None:
        group = _group(
            self.errors, error.title, error.column, sheet=sheet, text=error.text
        )
        group.add(number)
        if group.sample is None and error.value:
            shown = error.value[:_LONGEST_SAMPLE]
            group.sample = f'Sample: Cell in row {number} contains "{shown}"'
        if group.candidates is None and error.candidates:
            group.candidates = list(error.candidates)


def to_json(report: Report) -> dict[str, Any]:
    """Return a report as the progress of a job keeps it."""
    kept = {name: getattr(report, name) for name in _PLAIN}
    return {
        **kept,
        "failed_chunks": list(report.failed_chunks),
        "errors": [_kept(group) for group in _in_row_order(report.errors)],
        "warnings": [_kept(group) for group in report.warnings],
        "dates": report.dates,
    }


def from_json(kept: Mapping[str, Any]) -> Report:
    """Return a report as ``to_json`` wrote it; an empty one of nothing."""
    return Report(
        **{name: kept.get(name, 0) for name in _PLAIN},
        failed_chunks=list(kept.get("failed_chunks", ())),
        errors=[Group(**group) for group in kept.get("errors", ())],
        warnings=[Group(**group) for group in kept.get("warnings", ())],
        dates={name: dict(found) for name, found in kept.get("dates", {}).items()},
    )


def row_numbers(ranges: Iterable[Iterable[int]]) -> Iterator[int]:
    """Yield the rows of ranges."""
    for first, last in ranges:
        yield from range(first, last + 1)


def count_of(ranges: Iterable[Iterable[int]]) -> int:
    """Return how many rows ranges have."""
    return sum(last - first + 1 for first, last in ranges)


def row_ranges(ranges: Iterable[Iterable[int]]) -> str:
    """Return ranges as people write them: ``2-40, 57``."""
    return ", ".join(
        str(first) if first == last else f"{first}-{last}" for first, last in ranges
    )


def _in_row_order(errors: list[Group]) -> list[Group]:
    """Return the errors as they first appear in the file (rule 12.1).

    Some rows are decided before others that stand above them.
    """
    sheets = list(dict.fromkeys(group.sheet for group in errors))
    return sorted(errors, key=lambda g: (sheets.index(g.sheet), g.rows[0][0]))


def _group(
    groups: list[Group], title: str, column: str, *, sheet: str, text: str
) -> Group:
    """Return the group of a title and a column; the last description stays."""
    for group in groups:
        if (group.title, group.column, group.sheet) == (title, column, sheet):
            group.description = text
            return group
    groups.append(Group(title, column, sheet, text))
    return groups[-1]


def _merged(ranges: _Ranges) -> _Ranges:
    merged: _Ranges = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1][1] = max(merged[-1][1], last)
        else:
            merged.append([first, last])
    return merged


def _kept(group: Group) -> dict[str, Any]:
    return {
        "title": group.title,
        "column": group.column,
        "sheet": group.sheet,
        "description": group.description,
        "rows": [list(rows) for rows in group.rows],
        "sample": group.sample,
        "candidates": group.candidates,
    }


_PLAIN = ("created", "updated", "failed", "blank", "unmatched", "chunks", "cases")
