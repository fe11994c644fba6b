"""Processes of their own that begin with everything imported.

Importing the program takes longer than most of what tests do with a server. So one
process imports it, and is forked for each order: what comes of it is a process like
any other, with its own folder, environment, files and signals, that calls the ``main``
of a module.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO, NamedTuple, NoReturn, TextIO

_ROOT = Path(__file__).parents[2]
_IMPORTED = (
    *("api.process", "api.cli.commands.server", "api.cli.server"),
    *("ledger.storage.server", "ledger.migrations.upgrade"),
    *("tests.kit.children", "uvloop"),
)
CASELEDGER = "api.cli"
_LONGEST = 65_536


class Child:
    """A process that was started, as ``subprocess.Popen`` shows one."""

    def __init__(self, reports: BinaryIO) -> None:
        """Learn who it is; ``reports`` has a line with its id, and one at its end."""
        self._reports = reports
        self.pid = int(reports.readline())
        self.returncode: int | None = None
        self.stdout: TextIO | None = None

    def poll(self) -> int | None:
        """Return the exit code, if it has ended."""
        return self._ended(within=0)

    def wait(self, timeout: float = 60) -> int:
        """Return the exit code when it ends; raises as ``Popen.wait`` does."""
        code = self._ended(within=timeout)
        if code is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Tell it to stop."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Stop it in the middle of whatever it does."""
        self.send_signal(signal.SIGKILL)

    def _ended(self, *, within: float) -> int | None:
        if self.returncode is None and _can_be_read(self._reports, within=within):
            self.returncode = int(self._reports.readline())
            self._reports.close()
        return self.returncode


def start(
    module: str,
    *words: str,
    folder: Path = _ROOT,
    environ: Mapping[str, str] = os.environ,
    stdin: int | None = None,
    stdout: int = 1,
    stderr: int = 2,
) -> Child:
    """Start a program: a module with a ``main`` that takes words, returns the code.

    The files are descriptors; without one there is no standard input.
    """
    order = json.dumps([module, list(words), str(folder), dict(environ)]) + "\n"
    reports, told = os.pipe()
    with Path(os.devnull).open("rb") as nothing:
        first = nothing.fileno() if stdin is None else stdin
        files = [first, stdout, stderr, told]
        socket.send_fds(_nursery(), [order.encode()], files)
    os.close(told)
    return Child(os.fdopen(reports, "rb"))


@cache
def _nursery() -> socket.socket:
    """Start the process that is forked; it ends with this one."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(theirs.fileno())],
            cwd=_ROOT,
            stdin=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(),),
        )

    def close() -> None:
        ours.close()
        process.wait()

    atexit.register(close)
    return ours


def _can_be_read(file: BinaryIO, *, within: float) -> bool:
    return bool(select.select([file], [], [], within)[0])


def _be_forked(orders: socket.socket) -> None:
    """Import the program, then fork for each order until nobody can give one."""
    for name in _IMPORTED:
        if find_spec(name):
            import_module(name)
    gc.freeze()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    attendants: list[int] = []
    while True:
        order, files, _, _ = socket.recv_fds(orders, _LONGEST, 4)
        attendants = [pid for pid in attendants if os.waitpid(pid, os.WNOHANG)[0] == 0]
        if not order:
            return
        while not order.endswith(b"\n"):
            order += orders.recv(_LONGEST)
        attendant = os.fork()
        if attendant == 0:
            orders.close()
            _attend(Order(*json.loads(order)), files)
            return
        attendants.append(attendant)
        for file in files:
            os.close(file)


class Order(NamedTuple):
    """What a process shall be."""

    module: str
    words: list[str]
    folder: str
    environ: dict[str, str]


def _attend(order: Order, files: list[int]) -> None:
    """Fork once more, and tell who that is and how it ended."""
    *standard, told = files
    pid = os.fork()
    if pid == 0:
        os.close(told)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _become(order, standard)
    for file in standard:
        os.close(file)
    os.write(told, b"%d\n" % pid)
    _, status = os.waitpid(pid, 0)
    os.write(told, b"%d\n" % os.waitstatus_to_exitcode(status))


def _become(order: Order, standard: list[int]) -> NoReturn:
    """Be that process from here on."""
    for number, file in enumerate(standard):
        os.dup2(file, number)
        os.close(file)
    os.chdir(order.folder)
    os.environ.clear()
    os.environ.update(order.environ)
    sys.exit(import_module(order.module).main(order.words))


if __name__ == "__main__":
    _be_forked(socket.socket(fileno=int(sys.argv[1])))
