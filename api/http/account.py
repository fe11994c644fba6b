"""What was served is counted, and gets its line in the log, a moment later.

A request leaves a note and is answered. Many notes at once cost less than each alone,
and none is lost: whoever asks for the figures, or stops the server, settles first.
"""

from __future__ import annotations

import asyncio
from typing import Final

from api.http.access_log import AccessLog, Served
from api.http.metrics import count_requests

SETTLE_SECONDS: Final = 0.2
"""How long a request may wait to be counted."""
_MOST: Final = 1024


class Account:
    """The requests that a process has served and not yet told of."""

    def __init__(self, log: AccessLog) -> None:
        """Start without any; ``log`` is where their lines go."""
        self._log = log
        self._served: list[Served] = []
        self._timer: asyncio.TimerHandle | None = None

    def note(self, served: Served) -> None:
        """Remember a request for a moment."""
        self._served.append(served)
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(SETTLE_SECONDS, self._in_time)
        elif len(self._served) >= _MOST:
            self.settle()

    def settle(self) -> None:
        """Count what waits, and write its lines, in the order of the answers."""
        served, self._served = self._served, []
        count_requests(served)
        self._log.write(served)

    def _in_time(self) -> None:
        self._timer = None
        self.settle()
