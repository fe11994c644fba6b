"""What happens around every handler, in one place and in this order.

Request id, authentication, permission of the route, the handler, its problems in the
route's dialect, compression, metrics, one line in the log. It is one wrapper made for
each route when the application is built, so that a request pays for no lookups.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import re
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any

from aiohttp import web
from aiohttp.hdrs import ACCEPT_ENCODING, CONTENT_ENCODING, EXPECT, ORIGIN, VARY
from aiohttp.http_exceptions import HttpProcessingError

from api.http.access_log import AccessLog, Served
from api.http.account import Account
from api.http.auth import Authenticator
from api.http.keys import PRINCIPAL
from api.http.logs import REQUEST_ID
from api.http.rates import Rates
from api.wire.dialects import Dialect
from api.wire.forwarded import Networks, forwarded
from api.wire.own_hosts import ANY_HOST, OwnHosts
from api.wire.permissions import Permission, Principal, check
from api.wire.problems import (
    Problem,
    body_too_large,
    damaged,
    defect,
    from_ledger,
    not_ready,
    overloaded,
    store_away,
    unreadable_body,
)
from api.wire.same_origin import comes_from_a_page, require_same_origin
from ledger.clock import now_micros
from ledger.errors import (
    ClockJumped,
    Damaged,
    LedgerError,
    Overloaded,
    StoreUnavailable,
)
from ledger.ids import new_id
from projections.rebuild.generations import StaleTables

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Identify = Callable[[web.Request, str], Awaitable[Principal]]

_DEFECTS = logging.getLogger(__name__)

_REQUEST_ID_HEADER = "X-Request-Id"
_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_WORTH_COMPRESSING = 1024
_COMPRESS_ASIDE = 64 * 1024
_LOOK_SECONDS = 0.02
_GZIP = 16 + zlib.MAX_WBITS
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_next_request = itertools.count(1).__next__


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A handler with what its route promises."""

    handler: Handler
    path: str
    permission: Permission
    dialect: Dialect
    identify: Identify | None = None
    """Who is asking, where an API has a way of its own to say so."""
    takes_files: bool = False
    """Whether the handler itself says how long a body may be."""
    writes: bool = False
    """Whether a page of another site must be kept away from it."""
    is_rated: bool = False
    """Whether calls count against the rate limits of the domain."""
    probed: bool = False
    """Whether it is asked under the name that this machine has for itself."""


class Shell:
    """Makes the wrapper of each route; holds what all of them share."""

    def __init__(
        self,
        authenticator: Authenticator,
        *,
        body_limit: int,
        access_log: AccessLog,
        rates: Rates,
        trusted: Networks = (),
        hosts: OwnHosts = ANY_HOST,
    ) -> None:
        """Keep the parts and a prefix that no other process's request ids have.

        What is said by proxies in the networks ``trusted`` counts.
        """
        self._authenticator = authenticator
        self._rates = rates
        self._trusted = trusted
        self._hosts = hosts
        self._body_limit = body_limit
        self.account = Account(access_log)
        self._prefix = new_id()[:8]
        self._in_flight = 0
        self._stopping = False

    def wrap(self, endpoint: Endpoint) -> Handler:
        """Return what the server calls for a request of this route."""
        handle = endpoint.handler
        always = endpoint.dialect.headers

        async def serve(request: web.Request) -> web.StreamResponse:
            started = perf_counter()
            request_id = self._request_id(request)
            REQUEST_ID.set(request_id)
            self._in_flight += 1
            try:
                request = self._as_sent(request, endpoint)
                await self._admit(request, endpoint)
                response = await handle(request)
            except Exception as error:  # noqa: BLE001 - the one place that catches
                response = self._refusal(error, endpoint, request_id)
                _let_go(request, response)
            finally:
                self._in_flight -= 1
            response.headers[_REQUEST_ID_HEADER] = request_id
            if always:
                response.headers.update(always)
            asked = request.headers
            if ORIGIN in asked or ACCEPT_ENCODING in asked:
                await _suit(request, response)
            if self._stopping:
                response.force_close()
            self._account(request, endpoint, response.status, started)
            return response

        return serve

    async def drain(self, *, seconds: float) -> None:
        """Wait until no request is being served, but not longer than this.

        Connections that are kept alive close with their next answer.
        """
        self._stopping = True
        deadline = perf_counter() + seconds
        # An event would cost something at every request; this costs at the end only.
        while self._in_flight and perf_counter() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_SECONDS)

    def expect(self, endpoint: Endpoint) -> Handler:
        """Return what answers ``Expect: 100-continue``: refuse before the body comes.

        Who may not write, or announces too much, hears so before sending it.
        """

        async def answer(request: web.Request) -> web.StreamResponse | None:
            if request.headers.get(EXPECT, "").lower() != "100-continue":
                return None
            try:
                request = self._as_sent(request, endpoint)
                await self._admit(request, endpoint)
            except Exception as error:  # noqa: BLE001 - as in ``wrap``
                response = self._refusal(error, endpoint, self._request_id(request))
                # The body that follows was not asked for: do not wait for it.
                response.force_close()
                return response
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0
            return None

        return answer  # type: ignore[return-value]

    def _as_sent(self, request: web.Request, endpoint: Endpoint) -> web.Request:
        """Return a request as its client sent it, before proxies passed it on.

        Raises the 400 ``Problem`` for a host that is none, or none of ours.
        """
        said: dict[str, Any] = {}
        address = getattr(request.match_info, "address", None)
        if address is not None:
            said["rel_url"] = address
        host = request.host
        if self._trusted:
            lines = partial(request.headers.getall, default=())
            found = forwarded(request.remote, lines, self._trusted)
            if found is not None:
                said["remote"] = found.address
                said |= {"scheme": found.scheme} if found.scheme else {}
                if found.host:
                    # A whole address as target would be asked to take a host's port.
                    said.setdefault("rel_url", request.rel_url)
                    said["host"] = host = found.host
        self._hosts.check(host, probed=endpoint.probed)
        return request.clone(**said) if said else request

    async def _admit(self, request: web.Request, endpoint: Endpoint) -> None:
        if endpoint.writes and comes_from_a_page(request.headers):
            own = (request.host, *self._hosts.public)
            require_same_origin(request.headers, own)
        if endpoint.permission is not Permission.OPEN:
            domain = request.match_info.get("domain", "")
            identify = endpoint.identify or self._authenticator.authenticate
            principal = await identify(request, domain)
            check(principal.permissions, endpoint.permission)
            request[PRINCIPAL] = principal
            if endpoint.is_rated:
                await self._rates.admit(principal)
        length = request.content_length
        if endpoint.takes_files or length is None:
            return
        if length > self._body_limit:
            raise body_too_large(self._body_limit)

    def _refusal(
        self, error: Exception, endpoint: Endpoint, request_id: str
    ) -> web.Response:
        if isinstance(error, Damaged):
            extra = {"route": endpoint.path, "problem": str(error)}
            _DEFECTS.error("damaged", extra=extra)
            return _render(damaged(str(error)), endpoint.dialect)
        problem = _problem(error, self._body_limit)
        if problem is None:
            extra = {"route": endpoint.path, "error": type(error).__name__}
            _DEFECTS.error("defect", exc_info=error, extra=extra)
            problem = defect(request_id)
        return _render(problem, endpoint.dialect)

    def _request_id(self, request: web.Request) -> str:
        given = request.headers.get(_REQUEST_ID_HEADER)
        if given is not None and _GIVEN_ID.fullmatch(given):
            return given
        return f"{self._prefix}-{_next_request():x}"

    def _account(
        self, request: web.Request, endpoint: Endpoint, status: int, started: float
    ) -> None:
        method = request.method
        self.account.note(
            Served(
                method if method in _METHODS else "OTHER",
                endpoint.path,
                status,
                perf_counter() - started,
                request.get(PRINCIPAL),
                REQUEST_ID.get(),
                now_micros(),
            )
        )


def _problem(error: Exception, limit: int) -> Problem | None:
    """Return what a client is told of an exception, nothing when it is a defect."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, StaleTables | ClockJumped):
        return not_ready(str(error))
    if isinstance(error, StoreUnavailable):
        return store_away()
    if isinstance(error, Overloaded):
        return overloaded()
    if isinstance(error, LedgerError):
        return from_ledger(error)
    return _wire_problem(error, limit)


def _let_go(request: web.Request, response: web.StreamResponse) -> None:
    """Close a connection whose body broke off, without reading on.

    The server would otherwise meet the same broken body again while it clears the
    line, and fill the log with it.
    """
    if request.content.exception() is not None:
        response.force_close()
        request.content.feed_eof()


def _wire_problem(error: Exception, limit: int) -> Problem | None:
    """Return what is told of a body that did not arrive as it should."""
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return body_too_large(limit)
    if isinstance(
        error, web.RequestPayloadError | HttpProcessingError | ConnectionError
    ):
        return unreadable_body()
    return None


def _render(problem: Problem, dialect: Dialect) -> web.Response:
    if problem.empty and not dialect.says_all:
        return web.Response(status=problem.status, headers=problem.headers)
    rendered = dialect.render(problem)
    return web.Response(
        status=rendered.status,
        body=rendered.body,
        content_type=rendered.content_type,
        charset=rendered.charset or _charset(rendered.content_type),
        headers=problem.headers,
    )


def _charset(content_type: str) -> str | None:
    return "utf-8" if content_type.startswith("text/") else None


async def _suit(request: web.Request, response: web.StreamResponse) -> None:
    """Suit an answer to what the request says of its sender."""
    if ORIGIN in request.headers:
        # Credentials travel in a header that pages must set themselves, never in a
        # cookie, so any page may read what it was able to ask for.
        response.headers["Access-Control-Allow-Origin"] = "*"
    if "gzip" in request.headers.get(ACCEPT_ENCODING, ""):
        await _compress(response)


async def _compress(response: web.StreamResponse) -> None:
    if not isinstance(response, web.Response) or response.prepared:
        return
    body = response.body
    if not isinstance(body, bytes) or len(body) <= _WORTH_COMPRESSING:
        return
    if CONTENT_ENCODING in response.headers:
        return
    if len(body) > _COMPRESS_ASIDE:
        response.body = await asyncio.to_thread(_gzip, body)
    else:
        response.body = _gzip(body)
    response.headers[CONTENT_ENCODING] = "gzip"
    response.headers[VARY] = ACCEPT_ENCODING


def _gzip(body: bytes) -> bytes:
    """Return the gzip of a body at the level where speed matters more than size."""
    packer = zlib.compressobj(1, zlib.DEFLATED, _GZIP)
    return packer.compress(body) + packer.flush()
