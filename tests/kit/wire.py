"""A wire to PostgreSQL that breaks behind a COMMIT, so that nobody hears of it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit


class Wire:
    """Passes on what two sides say, until a COMMIT was passed on."""

    def __init__(self, url: str) -> None:
        """Listen beside a server."""
        self._to = urlsplit(url)
        self._desk = socket.create_server(("127.0.0.1", 0))
        port = self._desk.getsockname()[1]
        where = f"{self._to.username}:{self._to.password}@127.0.0.1:{port}"
        self.url = self._to._replace(netloc=where).geturl()
        self.breaks = False
        """Whether the next COMMIT is the last thing that passes."""
        self.broke = threading.Event()
        self._sides: list[socket.socket] = [self._desk]
        self._threads: list[threading.Thread] = []
        self._start(self._serve)

    def close(self) -> None:
        """Take no more connections, and cut those that there are."""
        # Whoever waits for one of them is woken by this, and not by a close.
        for side in self._sides:
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for side in self._sides:
            side.close()

    def _start(self, task: Callable[..., None], *sides: socket.socket) -> None:
        thread = threading.Thread(target=task, args=sides, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._desk.accept()
            except OSError:
                return
            server = socket.create_connection((self._to.hostname, self._to.port))
            self._sides += (client, server)
            for way in (self._there, self._back):
                self._start(way, client, server)

    def _there(self, client: socket.socket, server: socket.socket) -> None:
        for data in _said(client):
            if self.breaks and b"COMMIT" in data:
                self.breaks = False
                self.broke.set()
                # Nothing comes back from here on; the server does its work.
                client.shutdown(socket.SHUT_RDWR)
            try:
                server.sendall(data)
            except OSError:
                # It is gone, or was told that its client is: nobody waits for this.
                break
        _hang_up(server)

    def _back(self, client: socket.socket, server: socket.socket) -> None:
        for data in _said(server):
            try:
                client.sendall(data)
            except OSError:
                continue
        _hang_up(client)


def _said(side: socket.socket) -> Iterator[bytes]:
    while True:
        try:
            data = side.recv(65536)
        except OSError:
            return
        if not data:
            return
        yield data


def _hang_up(side: socket.socket) -> None:
    with suppress(OSError):
        side.shutdown(socket.SHUT_WR)


@contextmanager
def wire_to(url: str) -> Iterator[Wire]:
    """Run a wire to a server."""
    wire = Wire(url)
    try:
        yield wire
    finally:
        wire.close()
