"""Handlers of what devices ask for (``rules/restore.md``)."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from aiohttp import web
from aiohttp.hdrs import ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE

from api.http.keys import AUTHENTICATOR, PRINCIPAL, STORE
from api.http.requests import case_files_address
from api.restore.produce import Wish, produce
from api.restore.query import read_query
from api.restore.spool import ClientLeft, Spool
from api.restore.wire import CONTENT_TYPE as XML_TYPE
from api.wire.auth_types import AuthType, auth_type
from api.wire.permissions import Principal
from api.wire.problems import NotAMember, Problem, unauthenticated
from ledger.errors import StoreUnavailable
from ledger.forms.names import printable
from ledger.store import Store

logger = logging.getLogger(__name__)


async def identify_device(request: web.Request, domain: str) -> Principal:
    """Return who asks, in any way of 1.2; raises a ``Problem``, ``NotFound``.

    The member of another domain gets a 401, as a phone then asks for a name again.
    """
    kind = auth_type(request.query, request.headers.get(AUTHORIZATION))
    if kind is AuthType.NOAUTH:
        raise unauthenticated()
    try:
        return await request.app[AUTHENTICATOR].authenticate_in(request, domain)
    except NotAMember:
        text = f"The user was not in the domain {domain}"
        raise Problem(401, printable(text)) from None


async def restore(request: web.Request) -> web.StreamResponse:
    """Send a device its cases, all or what is new since its last sync log."""
    wish = Wish(
        principal=request[PRINCIPAL],
        query=read_query(request.rel_url.raw_query_string),
        auth_type=auth_type(request.query, request.headers.get(AUTHORIZATION)).value,
        app_id=request.match_info.get("app_id", ""),
        attachments=case_files_address(request),
    )
    store, spool = request.app[STORE], Spool()
    making = asyncio.create_task(store.aside(partial(_make, store, wish, spool)))
    try:
        return await _send(request, spool)
    finally:
        spool.leave()
        making.add_done_callback(_settled)


def _make(store: Store, wish: Wish, spool: Spool) -> None:
    """Write a restore, or why there is none, in a thread."""
    try:
        produce(store, wish, spool.write)
    except BaseException as error:  # noqa: BLE001 - it is raised where it is read
        spool.end(error)
    else:
        spool.end()


def _settled(making: asyncio.Task[None]) -> None:
    """Look at how the thread ended: whoever reads was told all of it."""
    if not making.cancelled():
        making.exception()


async def _send(request: web.Request, spool: Spool) -> web.StreamResponse:
    """Send what is written; what goes wrong before that is a problem with a status."""
    pieces = spool.pieces()
    first = await anext(pieces)
    response = web.StreamResponse(headers={CONTENT_TYPE: f"{XML_TYPE}; charset=utf-8"})
    if "gzip" in request.headers.get(ACCEPT_ENCODING, ""):
        response.enable_compression(web.ContentCoding.gzip)
    await response.prepare(request)
    # From here on a connection that breaks tells the device that there was more.
    try:
        await response.write(first)
        async for piece in pieces:
            await response.write(piece)
        await response.write_eof()
    except (ConnectionError, ClientLeft):
        logger.debug("client_left")
    except Exception as error:
        if not isinstance(error, StoreUnavailable):
            logger.exception("restore_broken_off")
        if request.transport is not None:
            request.transport.abort()
    return response
