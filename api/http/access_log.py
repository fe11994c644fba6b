"""The access log: one line for each request, at next to no cost.

A line has the shape that ``logs.py`` gives to every other record, but is written
without one: most of its text is the same for all requests of a route. Lines gather for
a moment and go out several in one piece, never more than a pipe takes whole, so that
the lines of several workers do not mix. What they may say is ``rules/operator.md`` 5.6.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from typing import Protocol, TypedDict, Unpack

import orjson

from api.wire.permissions import Principal
from ledger.clock import now_micros
from ledger.times import format_micros

FLUSH_SECONDS = 0.2
"""How long a line may wait for others."""

_LOGGER = logging.getLogger("api.requests")
_PIECE = 4096
"""Bytes that a pipe takes as one: POSIX promises 512, Linux this many."""


class Served(TypedDict):
    """What is noted of a request: ids and numbers."""

    method: str
    route: str
    status: int
    seconds: float
    principal: Principal | None
    request_id: str


class AccessLog(Protocol):
    """Where the shell notes what it served."""

    def note(self, **served: Unpack[Served]) -> None:
        """Note one request: ids and numbers, no path, no query (rule 5.6)."""

    def flush(self) -> None:
        """Write what waits."""


class NoLines:
    """The access log of a server whose settings turn it off."""

    def note(self, **_: object) -> None:
        """Forget it."""

    def flush(self) -> None:
        """Do nothing."""


class RecordLines:
    """Notes requests as records of ``logging``, for a terminal's coloured lines."""

    def note(self, **served: Unpack[Served]) -> None:
        """Log one request; its id is in every record, from the context."""
        line: dict[str, object] = {
            "method": served["method"],
            "route": served["route"],
            "status": served["status"],
            "ms": _ms(served["seconds"]),
        }
        principal = served["principal"]
        if principal is not None:
            line |= {"domain": principal.domain, "user_id": principal.user_id}
        _LOGGER.info("request", extra=line)

    def flush(self) -> None:
        """Do nothing: records are written at once."""


class JsonLines:
    """Writes requests as JSON, several lines in one piece."""

    def __init__(self, write: Callable[[str], object]) -> None:
        """Keep what writes a piece, which ends with a line."""
        self._write = write
        self._lines: list[str] = []
        self._size = 0
        self._timer: asyncio.TimerHandle | None = None

    def note(self, **served: Unpack[Served]) -> None:
        """Append a line to those that wait."""
        head = _head(served["method"], served["route"], served["status"])
        principal = served["principal"]
        who = "" if principal is None else _who(principal.domain, principal.user_id)
        line = (
            f'{head}{_ms(served["seconds"])}{who},"timestamp":'
            f'"{format_micros(now_micros())}","request_id":"{served["request_id"]}"}}\n'
        )
        if self._size + len(line) > _PIECE:
            self.flush()
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(FLUSH_SECONDS, self._in_time)
        self._lines.append(line)
        self._size += len(line)

    def flush(self) -> None:
        """Write the lines that wait; where nobody reads them they are lost."""
        lines, self._lines, self._size = self._lines, [], 0
        if not lines:
            return
        try:
            self._write("".join(lines))
        except (OSError, ValueError):
            # No request fails because its line could not be written.
            return

    def _in_time(self) -> None:
        self._timer = None
        self.flush()


def access_log(*, wanted: bool, console: bool) -> AccessLog:
    """Return the access log that the settings ask for."""
    if not wanted or not _LOGGER.isEnabledFor(logging.INFO):
        return NoLines()
    return RecordLines() if console else JsonLines(_to_standard_error)


def _to_standard_error(piece: str) -> None:
    sys.stderr.write(piece)
    sys.stderr.flush()


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)


@lru_cache(maxsize=2048)
def _head(method: str, route: str, status: int) -> str:
    """Return the part of a line that all such requests share, up to ``ms``."""
    head = {
        "event": "request",
        "level": "info",
        "logger": _LOGGER.name,
        "method": method,
        "route": route,
        "status": status,
        "ms": 0,
    }
    return orjson.dumps(head).decode()[: -len("0}")]


@lru_cache(maxsize=2048)
def _who(domain: str, user_id: str) -> str:
    """Return the part of a line that names the user; ASCII, so that sizes are true."""
    ascii_domain = encode_basestring_ascii(domain)
    return f',"domain":{ascii_domain},"user_id":{encode_basestring_ascii(user_id)}'
