"""Free ports of the loopback, and waiting for something to answer there."""

from __future__ import annotations

import http.client
import socket
import subprocess
import time
from contextlib import suppress

READY_WITHIN = 60.0


def free_port() -> int:
    """Return a port of the loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int, path: str) -> bool:
    """Tell whether a GET of a path is answered with 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    with suppress(OSError, http.client.HTTPException):
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    return False


def wait_for(
    process: subprocess.Popen[bytes],
    port: int,
    path: str,
    *,
    within: float = READY_WITHIN,
) -> None:
    """Wait until a process answers a GET of a path with 200.

    Raises RuntimeError when it ends before, TimeoutError when it takes too long.
    """
    deadline = time.perf_counter() + within
    while not answers(port, path):
        if process.poll() is not None:
            raise RuntimeError(f"the server ended at once, exit {process.returncode}")
        if time.perf_counter() > deadline:
            raise TimeoutError(f"nothing answers on port {port}")
        time.sleep(0.002)
