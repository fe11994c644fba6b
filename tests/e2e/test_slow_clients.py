"""The server as it is run cuts off slow clients by itself (rules/operator.md 4.10)."""

from __future__ import annotations

import socket
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from tests.e2e.test_cli import fetch, serving

HEAD = b"POST /a/demo/receiver HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize("sent", [b"", HEAD, HEAD + b"Content-Length: 99\r\n\r\n<data"])
def test_nobody_keeps_a_connection_by_sending_nothing(sqlite_url, monkeypatch, sent):
    """Whichever event loop it runs on, before a head, in one and in a body."""
    monkeypatch.setenv("CASELEDGER_HEAD_SECONDS", "1")
    monkeypatch.setenv("CASELEDGER_BODY_SECONDS", "1")
    with serving(sqlite_url) as (_, base):
        port = urlsplit(base).port
        assert port is not None
        with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
            line.sendall(sent)
            # A reset can come in the place of the end.
            with suppress(ConnectionResetError):
                while line.recv(1000):
                    pass
        assert fetch(f"{base}/healthz")
