"""What any request says, and how it is answered: shared by handlers of all families."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypeVar
from urllib.parse import unquote_to_bytes

from aiohttp import web
from aiohttp.hdrs import USER_AGENT

from api.http.keys import CONFIG, PRINCIPAL, STORE, WORKER
from api.http.router import raw_part
from api.wire.dialects import JSON_TYPE
from api.wire.jobs import job_body
from api.wire.permissions import Principal
from api.wire.problems import Problem, undecodable_path
from ledger.entry import Author
from ledger.errors import Conflict
from ledger.forms.names import printable
from ledger.jobs.values import Job
from ledger.store import Reader, Store

T = TypeVar("T")

PARSED_ASIDE = 100_000
"""Bytes of a body from which on parsing would hold up other requests."""


# -- the request -------------------------------------------------------------


def place_of(request: web.Request, name: str) -> str:
    """Return what stands at a placeholder of the path; ids may hold ``%2F``.

    Raises a 400 ``Problem`` for what is no text.
    """
    return decoded(raw_part(request, name))


def decoded(raw: str) -> str:
    """Return a part of a path as text; raises a 400 ``Problem``."""
    if "%" not in raw and raw.isascii():
        return raw
    try:
        return unquote_to_bytes(raw.encode("utf-8", "surrogateescape")).decode()
    except UnicodeDecodeError:
        raise undecodable_path() from None


def author_of(request: web.Request) -> Author:
    """Return who is behind a request, nobody where the route is open.

    What a client calls itself stands for the device of what the server writes for it.
    """
    principal: Principal | None = request.get(PRINCIPAL)
    if principal is None:
        return Author()
    return Author(
        user_id=principal.user_id,
        username=principal.username,
        device_id=request.headers.get(USER_AGENT, ""),
    )


def base_address(request: web.Request) -> str:
    """Return how the client reached the server, before the path of any route."""
    return request.app[CONFIG].public_url or f"{request.scheme}://{request.host}"


def own_path(request: web.Request, path: str) -> str:
    """Return a path of ours as a page that the client has open may link to it."""
    return request.app[CONFIG].public_path + path


def own_address(request: web.Request) -> str:
    """Return what was asked for as the client reached it."""
    return base_address(request) + request.rel_url.raw_path


def ledger_address(request: web.Request) -> str:
    """Return the address of our own API for the domain of a request."""
    return f"{base_address(request)}/a/{request[PRINCIPAL].domain}/api/ledger/v1"


# -- on the way --------------------------------------------------------------


async def parsed(
    body: bytes, parse: Callable[[bytes], T], *, aside: int = PARSED_ASIDE
) -> T:
    """Parse a body, in a thread when it is so long that others would wait."""
    if len(body) > aside:
        return await asyncio.to_thread(parse, body)
    return parse(body)


async def at_one_moment(request: web.Request, fn: Callable[[Reader], T]) -> T:
    """Read in one snapshot, in a thread: all that is seen is of one moment."""
    store, domain = request.app[STORE], request[PRINCIPAL].domain
    return await store.aside(partial(_in_snapshot, store, domain, fn))


def _in_snapshot(store: Store, domain: str, fn: Callable[[Reader], T]) -> T:
    with store.snapshot(domain) as reader:
        return fn(reader)


@contextmanager
def state_may_forbid() -> Iterator[None]:
    """Answer 409 to what the ledger refuses within: the request itself is sound.

    It is the state of a form, a job or an import that forbids it.
    """
    try:
        yield
    except Conflict as refused:
        raise Problem(409, printable(refused.text)) from None


# -- the answer --------------------------------------------------------------


def json_answer(body: bytes, *, status: int = 200) -> web.Response:
    """Return an answer in JSON."""
    return web.Response(body=body, status=status, content_type=JSON_TYPE)


def job_taken(request: web.Request, job: Job) -> web.Response:
    """Answer that a job was added, and where to look for it."""
    request.app[WORKER].wake()
    response = json_answer(job_body(job), status=202)
    response.headers["Location"] = f"{ledger_address(request)}/jobs/{job.job_id}/"
    return response


def allowing(methods: str) -> web.Response:
    """Return which methods a page of another origin may use."""
    headers = {
        "Allow": methods,
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key",
        "Access-Control-Max-Age": "600",
    }
    return web.Response(headers=headers)


def case_files_address(request: web.Request) -> str:
    """Return the address before the id of a case and the name of one of its files."""
    return f"{base_address(request)}/a/{request[PRINCIPAL].domain}/api/case/attachment"
