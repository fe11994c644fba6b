"""The long histories that a process has at hand from one commit to the next.

Each is good only as long as the case and the log are as they were left: another
process may have written, and what was left by a commit that failed was never true.
"""

from __future__ import annotations

import threading
from typing import NamedTuple

from projections.rule.roll import Roll

LONG = 16
"""Forms from which on a history is kept: a shorter one is read as quickly."""

MOST_BYTES = 32 * 1024 * 1024
"""About how much the histories take in memory at most, together."""


class Key(NamedTuple):
    """Whose history it is, and in which tables."""

    domain: str
    generation: int
    case_id: str


class Mark(NamedTuple):
    """When a history was true: the case's last entry, and the head of the log.

    The digest of the head names all entries before it.
    """

    case_position: int
    position: int
    digest: bytes


class Rolls:
    """Histories by case. Who works with one takes it out and leaves it again."""

    def __init__(self, *, most_bytes: int = MOST_BYTES, long: int = LONG) -> None:
        """Start empty; ``long`` is how many forms a history has that is kept."""
        self._most = most_bytes
        self._long = long
        self._held: dict[Key, tuple[Mark, Roll, int]] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Return how many histories are at hand."""
        return len(self._held)

    def __contains__(self, key: Key) -> bool:
        """Tell whether a history is at hand, true or not any more."""
        return key in self._held

    def take(self, key: Key) -> tuple[Mark, Roll] | None:
        """Return a history, which is nobody else's from then on."""
        with self._lock:
            found = self._held.pop(key, None)
            if found is None:
                return None
            mark, roll, size = found
            self._bytes -= size
        return mark, roll

    def leave(self, key: Key, mark: Mark, roll: Roll) -> None:
        """Keep a history if it is long; those left longest ago make room for it."""
        if len(roll) < self._long:
            return
        self.take(key)
        size = roll.size
        with self._lock:
            self._held[key] = mark, roll, size
            self._bytes += size
            while self._bytes > self._most:
                oldest = next(iter(self._held))
                self._bytes -= self._held.pop(oldest)[2]

    def forget(self, domain: str) -> None:
        """Let go of every history of a domain."""
        with self._lock:
            for key in [key for key in self._held if key.domain == domain]:
                self._bytes -= self._held.pop(key)[2]
