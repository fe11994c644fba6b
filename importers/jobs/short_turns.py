"""Threads of Python take shorter turns while jobs run.

Requests are answered by a thread that must wait for its turn several times; beside a
job that computes, each wait lasts as long as a turn. Shorter turns cost a server
without jobs some of its speed, so they last no longer than the jobs.
"""

from __future__ import annotations

import sys

TURN_SECONDS = 0.0002


class ShortTurns:
    """A block with short turns; several may overlap on one event loop."""

    def __init__(self) -> None:
        """Begin with none under way."""
        self._under_way = 0
        self._before = 0.0

    def __enter__(self) -> None:
        """Shorten the turns, if nobody has yet."""
        if not self._under_way:
            self._before = sys.getswitchinterval()
            sys.setswitchinterval(min(self._before, TURN_SECONDS))
        self._under_way += 1

    def __exit__(self, *_: object) -> None:
        """Let turns be as long as before, unless others still run."""
        self._under_way -= 1
        if not self._under_way:
            sys.setswitchinterval(self._before)
