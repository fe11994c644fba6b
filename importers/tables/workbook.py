"""Read a workbook in a process of its own, which may fail without harm.

A few bytes of a spreadsheet can ask a reader for more memory than there is, and then
the whole process is gone. So the parsers run in ``importers.tables.workbook_child``
under limits of the kernel, and rows come through a pipe that holds a little of them, so
a reader that is ahead waits. A child that dies or takes too long is an ``Unreadable``.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import orjson

from importers.tables.notices import Notice
from importers.tables.rows import Head, Row
from importers.tables.unreadable import Limits, Reason, Unreadable

READERS = {
    "xlsx": ("calamine", "openpyxl"),
    "xls": ("calamine",),
    "ods": ("calamine",),
}
"""Who reads a format, the second one if the first one cannot."""

_MIB = 1024 * 1024
_ROOT = Path(__file__).parents[2]
_PREFIX = 4
_LONGEST_ESCAPE = 6
_TOO_LONG_ON_A_CPU = {-signal.SIGXCPU}


class _TryAnother(Unreadable):
    """This reader could not; another one may."""


class Reading:
    """A child that has read the header and waits for its rows to be taken."""

    def __init__(self, path: Path, order: dict[str, Any], limits: Limits) -> None:
        """Start the child and wait for the header. Raises ``Unreadable``."""
        self._limits = limits
        self._left = float(limits.wait_seconds)
        self._child = _start(path, order)
        try:
            self.head = _head(self._frame())
        except BaseException:
            self.close()
            raise

    def rows(self) -> Iterator[Row]:
        """Yield the rows below the header. Raises ``Unreadable``."""
        while rows := self._frame():
            for number, texts, kinds, *told in rows:
                if told:
                    yield _row(number, tuple(texts), kinds, told)
                else:
                    yield Row(number, tuple(texts), kinds)

    def close(self) -> None:
        """End the child, whatever it does."""
        self._child.kill()
        self._child.wait()
        if self._child.stdout is not None:
            self._child.stdout.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the child."""
        self.close()

    def _frame(self) -> Any:
        """Return what the child says next: a header, rows, or none at the end."""
        length = int.from_bytes(self._bytes(_PREFIX))
        if length > _LONGEST_ESCAPE * self._limits.row_length + 8 * _MIB:
            raise self._gone()
        found = orjson.loads(self._bytes(length))
        if isinstance(found, dict) and "reason" in found:
            kind = _TryAnother if found["try_another"] else Unreadable
            headers = tuple(found["headers"])
            raise kind(Reason(found["reason"]), found["text"], headers=headers)
        return found

    def _bytes(self, length: int) -> bytes:
        parts: list[bytes] = []
        while length:
            part = self._some(length)
            parts.append(part)
            length -= len(part)
        return b"".join(parts)

    def _some(self, most: int) -> bytes:
        # Only the time that is waited counts: whoever takes the rows may be slow.
        if self._child.stdout is None:
            raise self._gone()
        waiter = select.poll()
        waiter.register(self._child.stdout, select.POLLIN)
        began = time.monotonic()
        ready = waiter.poll(self._left * 1000)
        self._left -= time.monotonic() - began
        if not ready or self._left <= 0:
            raise _too_slow(self._limits.wait_seconds)
        part = os.read(self._child.stdout.fileno(), min(most, _MIB))
        if not part:
            raise self._gone()
        return part

    def _gone(self) -> Unreadable:
        """Return why the child ended before it was through."""
        self._child.kill()
        if self._child.wait() in _TOO_LONG_ON_A_CPU:
            return _too_slow(self._limits.cpu_seconds)
        return _TryAnother(
            Reason.RESOURCES,
            f"Reading the file needs more memory than {self._limits.memory // _MIB} MB",
        )


def open_workbook(
    path: Path,
    file_format: str,
    *,
    sheet: str | None,
    limits: Limits,
    header_row: int = 1,
    readers: tuple[str, ...] = (),
) -> Reading:
    """Read the header of the sheet of a name, or of the first worksheet.

    Raises ``Unreadable``.
    """
    *others, last = readers or READERS[file_format]
    order = {
        "format": file_format,
        "sheet": sheet,
        "header_row": header_row,
        "limits": asdict(limits),
    }
    for reader in others:
        try:
            return Reading(path, {**order, "reader": reader}, limits)
        except _TryAnother:
            continue
    return Reading(path, {**order, "reader": last}, limits)


def _start(path: Path, order: dict[str, Any]) -> subprocess.Popen[bytes]:
    # The child gets nothing of this process: no secrets from its environment, no open
    # files but the one to read. It finds the project where this module was found.
    command = [sys.executable, "-P", "-B", "-m", "importers.tables.workbook_child"]
    with path.open("rb") as file:
        return subprocess.Popen(  # noqa: S603 - our own program
            [*command, orjson.dumps(order).decode()],
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            # Ctrl-C at a terminal is for whoever reads, who then ends the child.
            process_group=0,
            env={"PYTHONPATH": str(_ROOT), "PYTHONUTF8": "1"},
        )


def _head(found: dict[str, Any]) -> Head:
    return Head(
        sheet=found["sheet"],
        sheet_names=tuple(found["sheet_names"]),
        headers=tuple(found["headers"]),
        row_count=found["row_count"],
        merged=tuple((first, last) for first, last in found["merged"]),
        hidden=tuple(found["hidden"]),
        notices=tuple(Notice(*told) for told in found["notices"]),
    )


def _row(number: int, texts: tuple[str | None, ...], kinds: str, told: Any) -> Row:
    cleaned, shown, notices = told
    return Row(
        number,
        texts,
        kinds,
        tuple(cleaned),
        shown=tuple((place, text) for place, text in shown),
        notices=tuple(Notice(*one) for one in notices),
    )


def _too_slow(seconds: int) -> Unreadable:
    return Unreadable(
        Reason.RESOURCES, f"Reading the file took more than {seconds} seconds"
    )
