"""Ids of processes: numbers that no parser of JSON damages.

``rules/batch-imports.md`` 2.3.1.
"""

from __future__ import annotations

from threading import Lock

from ledger.times import Micros

_IN_A_MILLISECOND = 100
_SPARE = 10_000


class ProcessIds:
    """Draws numbers of 19 digits that rise; the last four are 0.

    13 digits are milliseconds and two count within one; when they are used up, the
    next millisecond is taken.
    """

    def __init__(self) -> None:
        """Begin with none drawn."""
        self._last = 0
        self._lock = Lock()

    def draw(self, now: Micros) -> int:
        """Return an id that was not drawn before."""
        with self._lock:
            moment = now // 1000 * _IN_A_MILLISECOND
            self._last = max(moment, self._last + 1)
            return self._last * _SPARE
