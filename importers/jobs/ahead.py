"""Reading on while what was read before is being committed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, Self, TypeVar

T = TypeVar("T")


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
        self._next = asyncio.create_task(asyncio.to_thread(self._read))
