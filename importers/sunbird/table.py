"""The rows of a text file under the internal names of their columns.

``rules/batch-imports.md`` 2.4.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from importers.sunbird.rules.columns import (
    Code,
    ObjectType,
    Refused,
    check_same,
    read_header,
    told_of_header,
)
from importers.tables.delimited import Delimited, Line, Wanted
from importers.tables.headers import is_blank
from importers.tables.notices import Fault, Tell, unheard
from importers.tables.rows import without_header
from importers.tables.unreadable import DEFAULT_LIMITS, Unreadable


@dataclass(frozen=True, slots=True)
class Record:
    """One row with data, counted from 1; ``line`` counts every row of the file.

    Cells without a value are left out. Where two columns have the same meaning, the
    first one with a value counts. A row with a ``fault`` must not be imported.
    """

    number: int
    line: int
    values: Mapping[str, str]
    fault: Fault | None = None


def open_file(path: Path) -> Delimited:
    """Open a file whose header is its first line with a value; raises ``Refused``."""
    try:
        return Delimited(path, Wanted(header_row=None), DEFAULT_LIMITS)
    except Unreadable as error:
        text = f"Please provide valid csv file. {error.text}"
        raise Refused(Code.NO_CSV, text) from error


def read_records(
    path: Path, kind: ObjectType, *, tell: Tell = unheard
) -> Generator[Record]:
    """Yield the rows below the header; raises ``Refused``, at the header or later.

    What is noticed of the file goes to ``tell``, before the rows it is about.
    """
    file = open_file(path)
    names = _names(file, kind)
    tell(file.notices)
    tell(told_of_header(kind, file.names))
    with closing(_lines(file)) as lines:
        for number, line in enumerate(lines, start=1):
            tell(line.notices)
            if line.fault is None:
                tell(without_header(line.number, line.cells, file.names))
            cells = [cell.strip() for cell in line.cells]
            yield Record(number, line.number, _under(names, cells), line.fault)


def count_records(path: Path, kind: ObjectType) -> int:
    """Return how many rows there are, having read the whole file.

    Raises ``Refused`` with the first of the checks 6 to 10 that fails.
    """
    # A file that is broken further down is no CSV, whatever its header says.
    file = open_file(path)
    names, count = _names(file, kind), 0
    with closing(_lines(file)) as lines:
        for line in lines:
            count += 1
            if line.fault is None:
                values = [cell.strip() for cell in line.cells]
                check_same(file.names, names, values, row=line.number)
    if not count:
        raise Refused(Code.NO_ROWS, "No data rows in CSV.")
    return count


def _names(file: Delimited, kind: ObjectType) -> tuple[str | None, ...]:
    if not file.header:
        raise Refused(Code.EMPTY, "CSV file is Empty.")
    return read_header(kind, file.names)


def _under(names: Sequence[str | None], cells: Sequence[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    # Rows may be shorter than the header.
    for name, cell in zip(names, cells, strict=False):
        if name is not None and cell:
            values.setdefault(name, cell)
    return values


def _lines(file: Delimited) -> Generator[Line]:
    """Yield the rows that are not blank."""
    with closing(file.lines()) as lines:
        for line in lines:
            if not all(map(is_blank, line.cells)):
                yield file.judged(line)
