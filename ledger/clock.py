"""The wall clock: the only place that reads it."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], int]


def now_micros() -> int:
    """Return the present as microseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1000
