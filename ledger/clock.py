"""The clocks: the only place that reads them.

The wall clock says what time it is and may be set by anybody. The steady one only runs
on, through sleep as well, from the start of the machine; it tells how far the wall
clock should have come.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

Clock = Callable[[], int]

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def now_micros() -> int:
    """Return the present as microseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1000


def steady_micros() -> int:
    """Return microseconds since some moment before; nobody can set this clock."""
    return time.clock_gettime_ns(_STEADY) // 1000


@cache
def boot_id() -> str:
    """Return the id of this run of the machine, empty where the system has none.

    Steady times of one run can be compared, whichever process read them.
    """
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""
