"""Files to import: cases of the data set as a spreadsheet, as CSV and as TSV.

Ten columns: the external id, the name, and eight properties. Numbers are numbers in a
workbook, as people type them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import cache
from io import BytesIO, StringIO

import xlsxwriter

from bench import dataset
from bench.sources import SIZE

COLUMNS = (
    "external_id",
    "name",
    "dob",
    "village",
    "phone",
    "age",
    "is_testing",
    "risk",
    "edd",
    "visits",
)
_NUMBERS = frozenset({"age", "visits"})


def row(i: int) -> list[str]:
    """Return the cells of case ``i``."""
    values = dataset.ten_properties(i, SIZE)
    known = {"external_id": dataset.external_id(i), "name": dataset.case_name(i)}
    return [known.get(name) or values[name] for name in COLUMNS]


def properties(i: int) -> dict[str, str]:
    """Return the properties that an imported case ``i`` has."""
    return dict(zip(COLUMNS[2:], row(i)[2:], strict=True))


@cache
def xlsx(rows: int) -> bytes:
    """Return a workbook of the first cases, the header first."""
    out = BytesIO()
    with xlsxwriter.Workbook(out, {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, COLUMNS)
        for number, cells in enumerate(map(row, range(rows)), start=1):
            for place, (name, text) in enumerate(zip(COLUMNS, cells, strict=True)):
                if name in _NUMBERS:
                    sheet.write_number(number, place, int(text))
                else:
                    sheet.write_string(number, place, text)
    return out.getvalue()


@cache
def delimited(rows: int, separator: str) -> bytes:
    """Return the same table as text."""
    out = StringIO()
    csv.writer(out, delimiter=separator, lineterminator="\n").writerows(_table(rows))
    return out.getvalue().encode()


def _table(rows: int) -> Iterator[list[str]]:
    yield list(COLUMNS)
    yield from map(row, range(rows))
