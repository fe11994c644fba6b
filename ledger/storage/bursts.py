"""Rows that a pipeline of PostgreSQL sends along with whatever comes next.

A commit writes to ten tables and waits for none of it before its COMMIT. The driver
would send each statement by itself: calls of the system, and on a small machine a
switch to the server and back, for each. Here they wait for the next statement that the
driver sends, and go in one piece.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from typing import Any, Final, cast

from ledger.storage.arrays import ARRAYS, SCALARS
from ledger.storage.dialect import Dialect, Row
from ledger.storage.scripts import Verb, text_of

FEW: Final = 4
"""Up to so many rows are sent as values, more as arrays.

A server plans values faster, and one that spreads its tables over others sends them
straight to where they belong.
"""
MOST: Final = 64
"""More rows are sent at once, so that the server begins while others are made."""

_BINARY = 1
_OIDS = {"text": 25, "bigint": 20, "bytea": 17}
_ARRAY_OIDS = {"text": 1009, "bigint": 1016, "bytea": 1001}


class _Burst(list[Callable[[], None]]):
    """Commands of the driver that are given to the server in one piece."""

    __slots__ = ()

    def __call__(self) -> None:
        """Run each of them."""
        for command in self:
            command()


class _OnePiece(deque[Callable[[], None]]):
    """What a pipeline still has to send: one burst, or nothing."""

    __slots__ = ()

    def append(self, command: Callable[[], None]) -> None:
        """Add a command to the burst."""
        if self:
            cast("_Burst", self[-1]).append(command)
        else:
            super().append(_Burst([command]))


class _Made:
    """A statement for rows: its text, what its columns are, and how it is sent."""

    __slots__ = ("as_arrays", "formats", "kinds", "name", "sql", "types")

    def __init__(self, sql: str, kinds: Sequence[str], rows: int, name: bytes) -> None:
        """Keep a text for so many rows, or for any number as arrays if that is 0."""
        marks = count(1)
        self.sql = re.sub("%b", lambda _: f"${next(marks)}", sql).encode()
        self.kinds = kinds
        self.as_arrays = not rows
        oids = _OIDS if rows else _ARRAY_OIDS
        self.types = [oids[kind] for kind in kinds] * (rows or 1)
        self.formats = [_BINARY] * len(self.types)
        self.name = name

    def params(self, rows: Sequence[Row]) -> list[bytes | None]:
        """Return the values as the server takes them."""
        if self.as_arrays:
            columns = zip(*rows, strict=True)
            return [
                ARRAYS[kind](values)
                for kind, values in zip(self.kinds, columns, strict=True)
            ]
        scalars = [SCALARS[kind] for kind in self.kinds]
        return [
            None if value is None else scalar(value)
            for row in rows
            for scalar, value in zip(scalars, row, strict=True)
        ]


class Bursts:
    """The statements for rows that one connection has prepared."""

    __slots__ = ("_dialect", "_made", "_number")

    def __init__(self, dialect: Dialect) -> None:
        """Have prepared nothing yet."""
        self._dialect = dialect
        self._made: dict[tuple[Verb, int], _Made] = {}
        self._number = 0

    def add(self, raw: Any, line: Any, verb: Verb, rows: Sequence[Row]) -> None:
        """Have the pipeline ``line`` send rows with the next statement.

        What is wrong with them is told where the pipeline next waits for the server.
        """
        few = len(rows) if len(rows) <= FEW else 0
        made = self._made.get((verb, few))
        new = made is None
        if made is None:
            self._number += 1
            sql, kinds = text_of(verb, self._dialect, few)
            made = _Made(sql, kinds, few, b"rows_%d" % self._number)
        params = made.params(rows)
        server = raw.pgconn
        if new:
            self._made[verb, few] = made
            _queue(line, partial(server.send_prepare, made.name, made.sql, made.types))
        send = server.send_query_prepared
        _queue(line, partial(send, made.name, params, made.formats))

    def forget(self) -> None:
        """Take nothing for prepared: the driver lets go of all after a ROLLBACK.

        Names are never given twice, so what is still there harms nobody.
        """
        self._made.clear()


def in_one_piece(line: Any) -> Any:
    """Have a pipeline send in one piece what it was given meanwhile; return it.

    Nothing if there is none, or one of a version of the driver that keeps what it has
    still to send in another way: then the driver does it alone.
    """
    if not (hasattr(line, "command_queue") and hasattr(line, "result_queue")):
        return None
    if not isinstance(line.command_queue, _OnePiece):
        line.command_queue, waiting = _OnePiece(), line.command_queue
        for command in waiting:
            line.command_queue.append(command)
    return line


def say(raw: Any, line: Any, sql: str) -> None:
    """Have BEGIN or COMMIT sent with the statements beside it."""
    _queue(line, partial(raw.pgconn.send_query_params, sql.encode(), None))


def _queue(line: Any, command: Callable[[], None]) -> None:
    """Have a command sent whose result is only looked at for an error."""
    line.command_queue.append(command)
    line.result_queue.append(None)
