"""What one thread writes and a client reads at its own pace.

So no transaction stays open for a slow client, and no memory fills with what it has
not taken yet.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from tempfile import SpooledTemporaryFile
from typing import Final

_IN_MEMORY: Final = 1024 * 1024
_PIECE: Final = 128 * 1024


class ClientLeft(Exception):
    """Nobody reads any longer: whoever writes may stop."""


class Spool:
    """Bytes between a thread that writes and a coroutine that reads."""

    def __init__(self) -> None:
        """Begin empty, on the loop that runs."""
        self._loop = asyncio.get_running_loop()
        self._file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed
        self._lock = threading.Lock()
        self._more = asyncio.Event()
        self._written = self._read = 0
        self._ended = self._left = False
        self._error: BaseException | None = None

    def write(self, data: bytes) -> None:
        """Add bytes, in the thread that writes; raises ``ClientLeft``."""
        with self._lock:
            if self._left:
                raise ClientLeft
            self._file.seek(self._written)
            self._file.write(data)
            self._written += len(data)
        self._tell()

    def end(self, error: BaseException | None = None) -> None:
        """Say that nothing follows, or why the rest does not come."""
        with self._lock:
            self._ended, self._error = True, error
            if self._left:
                self._file.close()
        self._tell()

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the bytes as they come; raises what ended them before their end."""
        while True:
            self._more.clear()
            with self._lock:
                self._file.seek(self._read)
                piece = self._file.read(_PIECE)
                self._read += len(piece)
                ended = self._ended and not piece
            if ended:
                if self._error is not None:
                    raise self._error
                return
            if piece:
                yield piece
            else:
                await self._more.wait()

    def leave(self) -> None:
        """Let go of what was not read, and have the thread stop."""
        with self._lock:
            self._left = True
            if self._ended:
                self._file.close()

    def _tell(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._more.set)
        except RuntimeError:
            # The loop has ended, and with it whoever read.
            self._left = True
