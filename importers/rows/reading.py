"""Reading rows in portions, on while what was read before is being committed.

Reading blocks, so it is done in threads; a portion is what one commit decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any, Generic, Self, TypeVar

from importers.jobs.pace import Pace
from importers.jobs.threads import in_thread

R = TypeVar("R")
T = TypeVar("T")
G = TypeVar("G", bound=Generator[Any])

_MOST_BYTES = 1_000_000


class Ahead(Generic[T]):
    """Calls a function in a thread, always once more than was asked for."""

    def __init__(self, read: Callable[[], T]) -> None:
        """Begin to read when entered."""
        self._read = read
        self._next: asyncio.Task[T]

    async def __aenter__(self) -> Self:
        """Begin to read."""
        self._begin()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Wait for the thread, so that what it reads can be closed."""
        with suppress(Exception):
            await self._next

    async def next(self) -> T:
        """Return what was read next; raises whatever broke the reading off."""
        found = await self._next
        self._begin()
        return found

    def _begin(self) -> None:
        self._next = asyncio.create_task(in_thread(self._read))


def in_portions(
    rows: Iterator[R], pace: Pace, *, length: Callable[[R], int] = lambda _: 0
) -> Iterator[tuple[R, ...]]:
    """Yield rows, as many at a time as the pace says when they are read.

    ``length`` tells about how many bytes a row has, where rows may be large.
    """
    while portion := tuple(_some(rows, pace.most, length)):
        yield portion


async def skip(rows: Iterator[R], count: int) -> None:
    """Pass the rows that were taken before."""
    await in_thread(_pass, rows, count)


@contextmanager
def closing_rows(rows: G) -> Iterator[G]:
    """Close a reader at the end, unless a thread still reads: the process stops."""
    try:
        yield rows
    finally:
        with suppress(ValueError):
            rows.close()


def _some(rows: Iterator[R], most: int, length: Callable[[R], int]) -> Iterator[R]:
    total = 0
    for row in islice(rows, most):
        yield row
        total += length(row)
        if total >= _MOST_BYTES:
            return


def _pass(rows: Iterator[R], count: int) -> None:
    for _ in islice(rows, count):
        pass
