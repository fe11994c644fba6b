"""Handlers of the change feed: pages, long polls and server-sent events."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import TypeVar

from aiohttp import web
from aiohttp.hdrs import (
    ACCESS_CONTROL_ALLOW_ORIGIN,
    CACHE_CONTROL,
    CONTENT_TYPE,
    ORIGIN,
)

from api.changes.waiters import CHANGE_WAITERS, ChangeWaiters, Waiter
from api.changes.wire import (
    KEEP_ALIVE,
    Asked,
    event,
    page_body,
    parse_page_query,
    parse_stream_query,
    place_event,
)
from api.http.keys import AUTHENTICATOR, PRINCIPAL, STORE
from api.http.logs import REQUEST_ID
from api.http.requests import json_answer
from api.wire.entries import Cursor, check_cursor, cursor_at, to_wire
from api.wire.permissions import Permission, check
from api.wire.problems import Problem
from ledger.errors import StoreUnavailable
from ledger.log import GENESIS, digest_at
from ledger.store import Reader, Store
from projections.feed.pages import ChangePage, read_changes

T = TypeVar("T")

KEEP_ALIVE_SECONDS = 15.0
"""How long a stream may be silent: proxies cut connections that say nothing."""

_STREAM_PAGE = 100
_AWAY_SECONDS = 1.0
"""How soon a stream asks a store again that is away."""
_TAKE_SECONDS = 30.0
"""How long a client of a stream may refuse to take what was sent."""

logger = logging.getLogger(__name__)


async def list_changes(request: web.Request) -> web.Response:
    """Answer the entries behind a cursor; wait for the first if asked to."""
    asked = parse_page_query(request.rel_url.raw_query_string)
    feed = _Feed(request)
    cursor, page = await feed.first(asked)
    if not page.changes and asked.wait:
        page = await _awaited(feed, cursor, asked)
    changes = [to_wire(change.entry, change.case_ids) for change in page.changes]
    last = changes[-1]["cursor"] if changes else cursor.text
    body = page_body(changes, cursor=last, more=page.more)
    return json_answer(body)


async def stream_changes(request: web.Request) -> web.StreamResponse:
    """Send the entries behind a cursor as they come, until the client hangs up."""
    asked = parse_stream_query(
        request.rel_url.raw_query_string,
        last_event_id=request.headers.get("Last-Event-ID"),
    )
    feed = _Feed(request)
    cursor = await feed.begin(asked)
    with feed.waiting() as waiter:
        response = web.StreamResponse(headers=_stream_headers(request))
        await response.prepare(request)
        # The answer has begun: from here on no problem can be told any more, so the
        # stream just ends and its client asks again with the id of its last event.
        try:
            await _Stream(feed, waiter, response, cursor).run()
        except ConnectionError:
            logger.debug("stream_left")
        except Problem:
            logger.info("stream_not_allowed_any_more")
        except Exception:
            logger.exception("stream_failed")
    return response


def begin_at(r: Reader, asked: Asked) -> Cursor:
    """Return where a reader begins.

    Raises a 400 ``Problem`` for a cursor that is not of this log.
    """
    if asked.at_head:
        return cursor_at(r.domain, r.head.position, r.head.digest)
    cursor = asked.after
    if cursor is None:
        return cursor_at(r.domain, 0, GENESIS)
    check_cursor(cursor, r.domain, digest_at(r, cursor.position))
    return cursor


class _Feed:
    """The feed as one request sees it."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self._store: Store = request.app[STORE]
        self._waiters: ChangeWaiters = request.app[CHANGE_WAITERS]
        self.domain = request[PRINCIPAL].domain

    async def begin(self, asked: Asked) -> Cursor:
        """Return where to begin; raises a 400 for a cursor that is not of this log."""
        return await self._in_snapshot(partial(begin_at, asked=asked))

    async def first(self, asked: Asked) -> tuple[Cursor, ChangePage]:
        """Return where to begin with the page there, both of the same moment.

        Raises a 400 for a cursor that is not of this log.
        """
        async with self._waiters.reading:
            return await self._in_snapshot(partial(_first_page, asked=asked))

    async def read(self, cursor: Cursor, limit: int) -> ChangePage:
        """Return the page behind a cursor of this log."""
        read = partial(read_changes, after=cursor.position, limit=limit)
        async with self._waiters.reading:
            return await self._in_snapshot(read)

    def waiting(self) -> AbstractContextManager[Waiter]:
        """Be one of those who wait for the domain's log."""
        return self._waiters.waiting(self.domain, is_gone=self._is_gone)

    async def still_allowed(self) -> None:
        """Raise a ``Problem`` when the credentials are not good any more."""
        authenticator = self._request.app[AUTHENTICATOR]
        principal = await authenticator.authenticate(self._request, self.domain)
        check(principal.permissions, Permission.READ_DATA)

    def cut(self) -> None:
        """Close the connection without waiting for what it has not taken."""
        if self._request.transport is not None:
            self._request.transport.abort()

    def _is_gone(self) -> bool:
        transport = self._request.transport
        return transport is None or transport.is_closing()

    async def _in_snapshot(self, fn: Callable[[Reader], T]) -> T:
        return await self._store.aside(partial(_read, self._store, self.domain, fn))


def _read(store: Store, domain: str, fn: Callable[[Reader], T]) -> T:
    with store.snapshot(domain) as reader:
        return fn(reader)


def _first_page(r: Reader, asked: Asked) -> tuple[Cursor, ChangePage]:
    cursor = begin_at(r, asked)
    return cursor, read_changes(r, cursor.position, limit=asked.limit)


async def _awaited(feed: _Feed, cursor: Cursor, asked: Asked) -> ChangePage:
    """Return the page as soon as it has an entry, or when the time is up."""
    now = asyncio.get_running_loop().time
    until = now() + asked.wait
    with feed.waiting() as waiter:
        waiter.position = cursor.position
        while True:
            waiter.looks()
            page = await feed.read(cursor, asked.limit)
            left = until - now()
            if page.changes or left <= 0 or waiter.over:
                break
            await waiter.wait(seconds=left)
    await feed.still_allowed()
    return page


class _Stream:
    """One client that is sent entries as they come."""

    def __init__(
        self,
        feed: _Feed,
        waiter: Waiter,
        response: web.StreamResponse,
        cursor: Cursor,
    ) -> None:
        self._feed = feed
        self._waiter = waiter
        self._response = response
        self._cursor = cursor

    async def run(self) -> None:
        """Send until the client is gone, may not read any more, or the server stops."""
        waiter = self._waiter
        taken = await self._send(place_event(self._cursor.text))
        while taken and not waiter.over:
            waiter.looks()
            page = await self._page()
            if page is None:
                # Time and again, so that a client that hung up is noticed.
                await waiter.wait(seconds=_AWAY_SECONDS)
                taken = await self._send(KEEP_ALIVE)
            elif page.changes:
                taken = await self._send_page(page)
            elif not await waiter.wait(seconds=KEEP_ALIVE_SECONDS):
                taken = await self._send(KEEP_ALIVE)

    async def _page(self) -> ChangePage | None:
        """Return what comes next; nothing while the store is away."""
        try:
            await self._feed.still_allowed()
            return await self._feed.read(self._cursor, _STREAM_PAGE)
        except StoreUnavailable:
            return None

    async def _send_page(self, page: ChangePage) -> bool:
        """Send entry by entry: what a client did not take is not yet its past."""
        for change in page.changes:
            sent = event(to_wire(change.entry, change.case_ids))
            if self._waiter.over or not await self._send(sent):
                return False
        entry = page.changes[-1].entry
        self._cursor = cursor_at(entry.domain, entry.position, entry.digest)
        self._waiter.position = entry.position
        return True

    async def _send(self, data: bytes) -> bool:
        """Send, and wait while the client is slow; tell whether it took it."""
        writing = self._response.write(data)
        taken = await self._waiter.patiently(writing, seconds=_TAKE_SECONDS)
        if not taken:
            self._feed.cut()
        return taken


def _stream_headers(request: web.Request) -> dict[str, str]:
    """Return the headers of a stream, which the shell comes too late to add."""
    headers = {
        CONTENT_TYPE: "text/event-stream; charset=utf-8",
        CACHE_CONTROL: "no-store",
        # nginx would keep events back to fill its buffer.
        "X-Accel-Buffering": "no",
        "X-Request-Id": REQUEST_ID.get(),
    }
    if ORIGIN in request.headers:
        headers[ACCESS_CONTROL_ALLOW_ORIGIN] = "*"
    return headers
