"""The program that parses a workbook, and may die of it.

``python -m importers.tables.workbook_child ORDER < FILE``: the order is JSON. Its
answer is frames, each a length of four bytes and JSON: the header, lists of rows, an
empty list at the end; or what is wrong. ``importers.tables.workbook`` starts it and
reads them.
"""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Callable, Iterator
from dataclasses import astuple
from itertools import chain, islice
from typing import Any, BinaryIO

import orjson

from importers.tables.batches import in_batches, to_rows
from importers.tables.notices import Notice
from importers.tables.ods_marks import check_ods
from importers.tables.rows import (
    GAP,
    WITHOUT_HEADER,
    Row,
    Values,
    first_rows,
    header_notices,
    numbered,
    telling,
    to_headers,
)
from importers.tables.sheets import Sheet, read_with_calamine, read_with_openpyxl
from importers.tables.unreadable import Limits, Reason, Unreadable, no_header
from importers.tables.xls_marks import check_xls
from importers.tables.xlsx_survey import check_xlsx

_FRAME = 256 * 1024
_FILES = 64
_NICE = 10
"""Whoever asks the server something goes before a file that is read ahead."""
_NO_FORMAT = "Cannot detect file format"


def main(order: dict[str, Any]) -> None:
    """Answer an order; what is wrong with the file is an answer as well."""
    limits = Limits(**order["limits"])
    _confine(limits)
    try:
        _answer(order, limits)
    except Unreadable as error:
        _refuse(error)
    except MemoryError:
        most = limits.memory >> 20
        text = f"Reading the file needs more memory than {most} MB"
        _refuse(Unreadable(Reason.RESOURCES, text), try_another=True)
    except BrokenPipeError:
        os._exit(1)  # nobody waits for the rest
    except BaseException as error:  # noqa: BLE001 - a panic of calamine is no Exception
        text = f"The workbook cannot be read: {_reason(error)}"
        _refuse(Unreadable(Reason.DAMAGED, text), try_another=True)


def _confine(limits: Limits) -> None:
    """Take away what a parser of somebody's file must not have, and go last."""
    os.nice(_NICE)
    for what, most in (
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, _FILES),
    ):
        resource.setrlimit(what, (most, most))
    # The soft limit ends it with a signal that says why, the hard one would not.
    seconds = limits.cpu_seconds
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))


def open_sheet(file: BinaryIO, order: dict[str, Any], limits: Limits) -> Sheet:
    """Check a file and parse it. Raises ``Unreadable``, and whatever a parser does."""
    check = {"xlsx": check_xlsx, "xls": check_xls, "ods": check_ods}[order["format"]]
    read: Callable[..., Sheet] = read_with_calamine
    if order["reader"] == "openpyxl":
        read = read_with_openpyxl
    return read(file, check(file, limits), name=order["sheet"], limits=limits)


def _answer(order: dict[str, Any], limits: Limits) -> None:
    sheet = open_sheet(os.fdopen(0, "rb"), order, limits)
    header_row = order["header_row"]
    headers, notices, rows = below(sheet, limits, header_row=header_row)
    with telling(headers):
        first = first_rows(rows)
        row_count = _row_count(sheet, limits, header_row=header_row)
    if not headers:
        _check_blank(first, header_row)
    _send(
        {
            "sheet": sheet.name,
            "sheet_names": sheet.names,
            "headers": headers,
            "row_count": row_count,
            "merged": sheet.merged[:GAP],
            "hidden": sheet.hidden,
            "notices": list(map(astuple, (*_told(sheet), *notices))),
        }
    )
    for frame in _frames(chain(first, rows)):
        _send(frame)
    _send([])


def _told(sheet: Sheet) -> Iterator[Notice]:
    if sheet.name in sheet.hidden:
        yield Notice("Hidden sheet", f"The sheet '{sheet.name}' is hidden")


def below(
    sheet: Sheet, limits: Limits, *, header_row: int = 1
) -> tuple[tuple[str, ...], tuple[Notice, ...], Iterator[Row]]:
    """Return the headers, what is told of them, and the rows below.

    Raises ``Unreadable``.
    """
    rows = islice(sheet.rows(), header_row - 1, None)
    header = next(rows, ())
    headers = to_headers(header, limits)
    found = numbered(rows, limits, first=header_row + 1)
    return headers, header_notices(header), _to_rows(found, headers, limits)


def _check_blank(first: list[Row], header_row: int) -> None:
    """Refuse a table whose values begin further down. Raises ``Unreadable``."""
    for row in first:
        if any(notice.title == WITHOUT_HEADER for notice in row.notices):
            raise no_header(header_row, row.number)


def _row_count(sheet: Sheet, limits: Limits, *, header_row: int) -> int | None:
    """Return how many rows there are below the header; ``None`` if that takes long.

    It is worth its time where there may be too many. Raises ``Unreadable``.
    """
    if not sheet.is_in_memory and sheet.height - header_row <= limits.rows:
        return None
    rows = islice(sheet.rows(), header_row, None)
    last = header_row
    for last, _ in numbered(rows, limits, first=header_row + 1):  # noqa: B007 - the last one is the answer
        pass
    return last - header_row


def _to_rows(
    found: Iterator[tuple[int, Values]], headers: tuple[str, ...], limits: Limits
) -> Iterator[Row]:
    for batch in in_batches(found):
        for row in to_rows(batch, headers):
            if _length(row) > limits.row_length:
                raise Unreadable(
                    Reason.DAMAGED,
                    f"Row {row.number} holds more than {limits.row_length} characters",
                )
            yield row


def _length(row: Row) -> int:
    return sum(map(len, filter(None, row.texts)))


def _frames(rows: Iterator[Row]) -> Iterator[list[tuple[Any, ...]]]:
    frame: list[tuple[Any, ...]] = []
    size = 0
    for row in rows:
        told: tuple[Any, ...] = ()
        if row.cleaned or row.shown or row.notices:
            told = row.cleaned, row.shown, list(map(astuple, row.notices))
        frame.append((row.number, row.texts, row.kinds, *told))
        size += _length(row) + 4 * len(row.texts) + 32
        if size > _FRAME:
            yield frame
            frame, size = [], 0
    if frame:
        yield frame


def _reason(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    # calamine tries every format that it knows, and forgets what was wrong with ours.
    return "it is damaged" if text == _NO_FORMAT else text[:300]


def _refuse(error: Unreadable, *, try_another: bool = False) -> None:
    _send(
        {
            "reason": error.reason,
            "text": error.text,
            "headers": error.headers,
            "try_another": try_another,
        }
    )


def _send(found: Any) -> None:
    body = orjson.dumps(found)
    left = memoryview(len(body).to_bytes(4) + body)
    while left:
        left = left[os.write(1, left) :]


if __name__ == "__main__":
    main(orjson.loads(sys.argv[1]))
