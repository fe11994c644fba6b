"""Connections that take up a place and bring nothing (``rules/operator.md`` 4.10).

A head must be there soon after its first byte, and a body must go on coming at a least
rate; who does neither is cut off. Of one address only so many may be open. Long polls,
streams and slow answers are ours to make slow: nothing is looked at while a request is
served whose body has come, nor while we ourselves do not read on.

A look a second at all that is open costs less than a timer for each request, and is as
exact as such limits need.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from aiohttp import web
from aiohttp.streams import StreamReader

from api.http.metrics import count_cut
from api.http.wire_state import waits_for_a_head
from api.wire.addresses import counted_as
from api.wire.forwarded import Networks, is_trusted

LOOK_SECONDS = 1.0

_TELL_SECONDS = 60.0
_TOO_LATE = (
    b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
)
_TOO_MANY = (
    b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\nRetry-After: 5\r\n"
    b"Connection: close\r\n\r\n"
)

_EMPTY_LINES = frozenset({b"\r\n", b"\n"})

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """How long a client may take, and how many connections it may have.

    ``body_rate`` is in bytes a second, over each ``body_seconds`` after the first.
    """

    head_seconds: float = 10
    body_seconds: float = 30
    body_rate: int = 500
    per_address: int = 200


class Connections:
    """Watches the open connections of a process."""

    def __init__(
        self,
        limits: ConnectionLimits | None = None,
        *,
        trusted: Networks = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start with none; of addresses in ``trusted`` any number may be open."""
        self.limits = limits or ConnectionLimits()
        self.clock = clock
        self._trusted = trusted
        self._open: dict[web.RequestHandler, _Connection] = {}
        self._of_address: Counter[str] = Counter()
        self._untold: Counter[str] = Counter()
        self._told_at = float("-inf")

    def __len__(self) -> int:
        """Return how many are open."""
        return len(self._open)

    @property
    def received(self) -> int:
        """Return how many bytes have come over those that are open."""
        return sum(connection.came for connection in self._open.values())

    def watch(self, server: web.Server) -> Callable[[], asyncio.Protocol]:
        """Return what makes the protocol of a connection to a server."""
        make_request = server.request_factory

        def noticed(
            message: Any, payload: StreamReader, handler: web.RequestHandler, *rest: Any
        ) -> web.BaseRequest:
            connection = self._open.get(handler)
            if connection is not None:
                connection.serves(payload)
            return make_request(message, payload, handler, *rest)

        server.request_factory = noticed
        return lambda: _Connection(self, server)

    async def keep_watch(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.look()

    def look(self) -> None:
        """Cut off who takes too long, and tell of it once a minute."""
        now = self.clock()
        for connection in tuple(self._open.values()):
            reason = connection.too_slow(now, self.limits)
            if reason is not None:
                self._note(reason)
                connection.cut_off()
        if self._untold and now - self._told_at >= _TELL_SECONDS:
            logger.warning("connections_cut", extra=dict(self._untold))
            self._untold.clear()
            self._told_at = now

    def admit(self, peer: str) -> str | None:
        """Count a connection; return what it counts as, nothing when it is refused."""
        address = counted_as(peer)
        is_full = self._of_address[address] >= self.limits.per_address
        if is_full and not is_trusted(peer, self._trusted):
            self._note("too_many")
            return None
        self._of_address[address] += 1
        return address

    def opened(self, handler: web.RequestHandler, connection: _Connection) -> None:
        """Keep a connection in sight."""
        self._open[handler] = connection

    def closed(self, handler: web.RequestHandler, address: str) -> None:
        """Forget a connection."""
        self._open.pop(handler, None)
        self._of_address[address] -= 1
        if self._of_address[address] <= 0:
            del self._of_address[address]

    def _note(self, reason: str) -> None:
        count_cut(reason)
        self._untold[reason] += 1


class _Connection(asyncio.Protocol):
    """A connection as the server sees it, and what has come over it."""

    __slots__ = (
        "_address",
        "_body",
        "_handler",
        "_head_since",
        "_keeper",
        "_moved",
        "_server",
        "_transport",
        "_window",
        "came",
    )

    def __init__(self, keeper: Connections, server: web.Server) -> None:
        """Know nothing yet."""
        self._keeper = keeper
        self._server = server
        self._handler: web.RequestHandler | None = None
        self._transport: asyncio.Transport | None = None
        self._address = ""
        self.came = 0
        """How many bytes have come."""
        self._body: StreamReader | None = None
        self._head_since: float | None = None
        """When the first byte of a head came that is not there yet."""
        self._moved: tuple[float, int] | None = None
        """When a body last moved, and how much had come then."""
        self._window: tuple[float, int | None] = (0.0, None)
        """Since when a body is measured, and how much had come, if that counts."""

    # -- what the event loop tells ------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection, or refuse it before anything is read."""
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        address = self._keeper.admit(str(peer[0]) if peer else "")
        if address is None:
            self._transport.write(_TOO_MANY)
            self._transport.close()
            return
        self._address = address
        self._head_since = self._keeper.clock()
        self._handler = self._server()
        self._keeper.opened(self._handler, self)
        self._handler.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Note what comes and pass it on."""
        if self._handler is None:
            return
        self.came += len(data)
        if self._head_since is None and self._begins_a_head(data):
            self._head_since = self._keeper.clock()
        self._handler.data_received(data)

    def _begins_a_head(self, data: bytes) -> bool:
        """Tell whether what comes belongs to no body; an empty line is nothing yet."""
        body_is_here = self._body is None or self._body.is_eof()
        return body_is_here and data not in _EMPTY_LINES

    def eof_received(self) -> None:
        """Pass on that nothing more will come."""
        if self._handler is not None:
            self._handler.eof_received()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget the connection."""
        if self._handler is not None:
            self._keeper.closed(self._handler, self._address)
            self._handler.connection_lost(exc)

    def pause_writing(self) -> None:
        """Pass on that the client reads too slowly."""
        if self._handler is not None:
            self._handler.pause_writing()

    def resume_writing(self) -> None:
        """Pass on that the client has read."""
        if self._handler is not None:
            self._handler.resume_writing()

    # -- what the keeper asks -----------------------------------------------

    def serves(self, body: StreamReader) -> None:
        """Note that a head is complete, and that this body belongs to it."""
        self._body = body
        self._head_since = None
        self._moved = None

    def too_slow(self, now: float, limits: ConnectionLimits) -> str | None:
        """Return what of a request takes too long, if anything does."""
        if self._handler is None:
            return None
        if waits_for_a_head(self._handler):
            since = self._head_since
            late = since is not None and now - since >= limits.head_seconds
            return "head" if late else None
        if self._body is None or self._body.is_eof():
            return None
        return self._stands_still(now, limits) or self._trickles(now, limits)

    def _stands_still(self, now: float, limits: ConnectionLimits) -> str | None:
        assert self._transport is not None  # noqa: S101 - it was made
        if self._moved is None or not self._transport.is_reading():
            # The body begins, or we have not read on: both begin anew.
            self._moved = (now, self.came)
            self._window = (now, None)
            return None
        at, came = self._moved
        if came != self.came:
            self._moved = (now, self.came)
            return None
        return "body_still" if now - at >= limits.body_seconds else None

    def _trickles(self, now: float, limits: ConnectionLimits) -> str | None:
        since, before = self._window
        if now - since < limits.body_seconds:
            return None
        self._window = (now, self.came)
        if before is None:
            # The first window is one of grace.
            return None
        least = limits.body_rate * limits.body_seconds
        return "body_slow" if self.came - before < least else None

    def cut_off(self) -> None:
        """Close the connection; who has begun a head is told why."""
        assert self._transport is not None  # noqa: S101 - it was made
        if self._head_since is None:
            self._transport.abort()
            return
        if self.came:
            self._transport.write(_TOO_LATE)
        self._transport.close()
