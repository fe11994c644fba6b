"""What a request of the case API says, and how it is answered: shared by handlers.

The rules are those of ``rules/case-api-v2.md`` 1 and 6.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from urllib.parse import parse_qsl, unquote_to_bytes

from aiohttp import web

from api.cases.answers import list_response
from api.cases.fields import FieldFilter
from api.cases.query import ListRequest
from api.http.keys import CONFIG
from api.http.router import raw_part
from api.wire.dialects import JSON_TYPE
from api.wire.problems import as_of_needs_ids, undecodable_path
from projections.lists.filter import CasePage
from projections.rule.case_row import CaseRow

AS_OF = "as_of"

READ_AT_ONCE = 200
"""Cases that are read or rendered without handing over to a thread."""


def chosen_fields(request: web.Request) -> FieldFilter | None:
    """Return which keys of a case are asked for, nothing for all of them."""
    if not request.rel_url.raw_query_string:
        return None
    return FieldFilter.parse(pairs(request.rel_url.raw_query_string))


def fields_of_present(request: web.Request) -> FieldFilter | None:
    """Return the same where no time of the past can be asked for: a 400 says so."""
    query = request.rel_url.raw_query_string
    if not query:
        return None
    if any(name == AS_OF for name, _ in pairs(query)):
        raise as_of_needs_ids()
    return chosen_fields(request)


def pairs(query: str) -> list[tuple[str, str]]:
    """Return the parameters of a query string in their order."""
    return parse_qsl(query, keep_blank_values=True, errors="surrogateescape")


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


def base_address(request: web.Request) -> str:
    """Return how the client reached the server, without a path."""
    return request.app[CONFIG].public_url or f"{request.scheme}://{request.host}"


def own_address(request: web.Request) -> str:
    """Return what was asked for as the client reached it (rule 6.2.2)."""
    return base_address(request) + request.rel_url.raw_path


def json_answer(body: bytes, *, status: int = 200) -> web.Response:
    """Return an answer in JSON."""
    return web.Response(body=body, status=status, content_type=JSON_TYPE)


async def answer_page(
    page: CasePage,
    asked: ListRequest,
    *,
    write: Callable[[CaseRow], str],
    next_url: str | None,
) -> web.Response:
    """Return a page of a list; a long one is written in a thread."""
    deleted = None
    if asked.filter.include_deleted:
        deleted = [row.case_id for row in page.rows if row.deleted_on is not None]
    render = partial(list_response, page.total, next_url=next_url, deleted=deleted)
    if len(page.rows) > READ_AT_ONCE:
        body = await asyncio.to_thread(lambda: render(map(write, page.rows)))
        return json_answer(body)
    return json_answer(render(map(write, page.rows)))


def allowing(methods: str) -> web.Response:
    """Return which methods a page of another origin may use (rule 1.5)."""
    headers = {
        "Allow": methods,
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key",
        "Access-Control-Max-Age": "600",
    }
    return web.Response(headers=headers)
