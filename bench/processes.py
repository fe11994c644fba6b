"""What the kernel knows about processes: CPU seconds, memory, children."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

_TICKS = os.sysconf("SC_CLK_TCK")
_KEEP_PEAK = 5
"""What written to ``clear_refs`` sets the resident high-water mark back."""


def tree(pid: int) -> list[int]:
    """Return a process and all that descend from it; gone ones are left out."""
    found = [pid] if Path(f"/proc/{pid}").exists() else []
    for child in _children(pid):
        found.extend(tree(child))
    return found


def cpu_seconds(pid: int) -> float:
    """Return user and system time of a process tree, ended children included."""
    return sum(_cpu_of(member) for member in tree(pid))


def resident_mb(pid: int) -> float:
    """Return the memory that a process tree holds now; shared pages count twice."""
    return sum(_status(member, "VmRSS") for member in tree(pid)) / 1024


def high_water_mb(pid: int) -> float:
    """Return the sum of the resident high-water marks of a process tree."""
    return sum(own_high_water_mb(member) for member in tree(pid))


def own_high_water_mb(pid: int) -> float:
    """Return the resident high-water mark of one process, without its children."""
    return _status(pid, "VmHWM") / 1024


def reset_high_water(pid: int) -> None:
    """Start the high-water marks of a process tree anew at what it holds now."""
    for member in tree(pid):
        with suppress(OSError):
            Path(f"/proc/{member}/clear_refs").write_text(str(_KEEP_PEAK))


class PeakWatch:
    """Watches the memory of a process tree that comes and goes by itself."""

    def __init__(self, pid: int) -> None:
        self.peak = 0.0
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.05):
            self.peak = max(self.peak, resident_mb(self._pid))


def timed(
    argv: list[str], *, env: dict[str, str], folder: Path
) -> tuple[float, float, float, str]:
    """Run a program; return wall s, CPU s, peak MB of its tree and its output.

    Raises RuntimeError with the end of what it wrote when it fails.
    """
    before = os.times()
    started = time.perf_counter()
    process = subprocess.Popen(
        argv,
        env=env,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with PeakWatch(process.pid) as watch:
        output, _ = process.communicate()
    wall = time.perf_counter() - started
    after = os.times()
    if process.returncode:
        message = f"{' '.join(argv)} failed: {output[-2000:]}"
        raise RuntimeError(message)
    cpu = (after.children_user - before.children_user) + (
        after.children_system - before.children_system
    )
    return wall, cpu, watch.peak, output


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found.extend(int(child) for child in path.read_text().split())
    return found


def _cpu_of(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0.0
    fields = text.rpartition(")")[2].split()
    return sum(int(value) for value in fields[11:15]) / _TICKS


def _status(pid: int, name: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)
