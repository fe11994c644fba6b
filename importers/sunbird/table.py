"""The rows of a CSV file under the internal names of their columns.

``rules/batch-imports.md`` 2.4.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from importers.sunbird.rules.columns import Code, ObjectType, Refused, read_header
from importers.tables.csvfile import read_values
from importers.tables.notices import Tell, unheard
from importers.tables.unreadable import DEFAULT_LIMITS, Unreadable


@dataclass(frozen=True, slots=True)
class Record:
    """One row with data, counted from 1; ``line`` counts every row of the file.

    Cells without a value are left out. Where two columns have the same meaning, the
    first one with a value counts.
    """

    number: int
    line: int
    values: Mapping[str, str]


def read_records(
    path: Path,
    kind: ObjectType,
    *,
    tell: Tell = unheard,  # noqa: ARG001 - nothing is noticed yet
) -> Generator[Record]:
    """Yield the rows below the header; raises ``Refused``, at the header or later.

    What is noticed of the file goes to ``tell``, before the rows it is about.
    """
    with closing(_lines(path)) as lines:
        names = _names(lines, kind)
        for number, (line, cells) in enumerate(lines, start=1):
            yield Record(number, line, _under(names, cells))


def count_records(path: Path, kind: ObjectType) -> int:
    """Return how many rows there are, having read the whole file.

    Raises ``Refused`` with the first of the checks 6 to 10 that fails.
    """
    with closing(_lines(path)) as lines:
        everything = iter(lines)
        first = next(everything, None)
        # A file that is broken further down is no CSV, whatever its header says.
        count = sum(1 for _ in everything)
    _names(iter(() if first is None else (first,)), kind)
    if not count:
        raise Refused(Code.NO_ROWS, "No data rows in CSV.")
    return count


def _names(
    lines: Iterator[tuple[int, Sequence[str]]], kind: ObjectType
) -> tuple[str | None, ...]:
    header = next(lines, None)
    if header is None:
        raise Refused(Code.EMPTY, "CSV file is Empty.")
    return read_header(kind, header[1])


def _under(names: Sequence[str | None], cells: Sequence[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    # Rows may be shorter than the header, or longer.
    for name, cell in zip(names, cells, strict=False):
        if name is not None and cell:
            values.setdefault(name, cell)
    return values


def _lines(path: Path) -> Generator[tuple[int, Sequence[str]]]:
    """Yield the rows that are not blank, their cells trimmed."""
    try:
        with closing(read_values(path, limits=DEFAULT_LIMITS)) as rows:
            for line, row in enumerate(rows, start=1):
                cells = [cell.strip() for cell in row]
                if any(cells):
                    yield line, cells
    except Unreadable as error:
        raise Refused(Code.NO_CSV, "Please provide valid csv file.") from error
