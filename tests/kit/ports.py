"""Ports for the servers that tests start."""

from __future__ import annotations

import secrets
import socket
from contextlib import suppress


def free_port() -> int:
    """Return a port of this machine that nobody listens at.

    It is none of those that the system hands out, so nobody is given it while a server
    is not started yet, or is started again.
    """
    while True:
        # Not ``random``: every worker of the tests begins it at the same seed.
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
