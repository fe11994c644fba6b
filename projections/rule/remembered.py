"""What was found out about a log and holds as long as the log is the same. Pure.

The digest of a log names its whole content: what is remembered under it is never out
of date.
"""

from __future__ import annotations

from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Remembered(Generic[T]):
    """A bounded memory that threads share; what was learnt first is forgotten first."""

    def __init__(self, most: int) -> None:
        """Remember nothing yet, and never more than ``most`` things."""
        self._most = most
        self._known: dict[Hashable, T] = {}
        self._lock = Lock()

    def get(self, key: Hashable) -> T | None:
        """Return what is remembered under a key."""
        return self._known.get(key)

    def put(self, key: Hashable, found: T) -> None:
        """Remember something."""
        with self._lock:
            if len(self._known) >= self._most:
                self._known.pop(next(iter(self._known)))
            self._known[key] = found
