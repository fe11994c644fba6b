"""The access log: one line for each request, at next to no cost.

A line has the shape that ``logs.py`` gives to every other record, but is written
without one: most of its text is the same for all requests of a route. Lines gather for
a moment (``account.py``) and go out several in one piece, never more than a pipe takes
whole, so that the lines of several workers do not mix. What they may say is
``rules/operator.md`` 5.6.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from typing import NamedTuple, Protocol

import orjson

from api.http.logs import REQUEST_ID
from api.wire.permissions import Principal
from ledger.times import Micros, format_micros

_LOGGER = logging.getLogger("api.requests")
_PIECE = 4096
"""Bytes that a pipe takes as one: POSIX promises 512, Linux this many."""


class Served(NamedTuple):
    """What is noted of a request: ids and numbers, no path, no query (rule 5.6)."""

    method: str
    route: str
    status: int
    seconds: float
    principal: Principal | None
    request_id: str
    moment: Micros
    """When it was answered."""


class AccessLog(Protocol):
    """Where lines of what was served go."""

    def write(self, served: Sequence[Served]) -> None:
        """Write a line for each request, in order."""


class NoLines:
    """The access log of a server whose settings turn it off."""

    def write(self, served: Sequence[Served]) -> None:
        """Forget them."""


class RecordLines:
    """Notes requests as records of ``logging``, for a terminal's coloured lines."""

    def write(self, served: Sequence[Served]) -> None:
        """Log each request; its id is in its record, from the context."""
        before = REQUEST_ID.get()
        for request in served:
            REQUEST_ID.set(request.request_id)
            line: dict[str, object] = {
                "method": request.method,
                "route": request.route,
                "status": request.status,
                "ms": _ms(request.seconds),
            }
            principal = request.principal
            if principal is not None:
                line |= {"domain": principal.domain, "user_id": principal.user_id}
            _LOGGER.info("request", extra=line)
        REQUEST_ID.set(before)


class JsonLines:
    """Writes requests as JSON, several lines in one piece."""

    def __init__(self, write: Callable[[str], object]) -> None:
        """Keep what writes a piece, which ends with a line."""
        self._write = write

    def write(self, served: Sequence[Served]) -> None:
        """Write the lines in pieces; where nobody reads them they are lost."""
        piece: list[str] = []
        size = 0
        for line in map(_line, served):
            if size + len(line) > _PIECE:
                self._put(piece)
                piece, size = [], 0
            piece.append(line)
            size += len(line)
        self._put(piece)

    def _put(self, piece: Sequence[str]) -> None:
        try:
            if piece:
                self._write("".join(piece))
        except (OSError, ValueError):
            # No request fails because its line could not be written.
            return


def access_log(*, wanted: bool, console: bool) -> AccessLog:
    """Return the access log that the settings ask for."""
    if not wanted or not _LOGGER.isEnabledFor(logging.INFO):
        return NoLines()
    return RecordLines() if console else JsonLines(_to_standard_error)


def _to_standard_error(piece: str) -> None:
    sys.stderr.write(piece)
    sys.stderr.flush()


def _line(served: Served) -> str:
    method, route, status, seconds, principal, request_id, moment = served
    who = "" if principal is None else _who(principal.domain, principal.user_id)
    return (
        f'{_head(method, route, status)}{_ms(seconds)}{who},"timestamp":'
        f'"{format_micros(moment)}","request_id":"{request_id}"}}\n'
    )


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
