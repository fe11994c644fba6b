"""What a request for cases asks for, and how a page of them is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from aiohttp import web

from api.cases.answers import list_response
from api.cases.fields import FieldFilter
from api.cases.query import AS_OF, ListRequest
from api.http.requests import json_answer
from api.wire.parameters import pairs
from api.wire.problems import as_of_needs_ids
from projections.lists.filter import CasePage
from projections.rule.case_row import SeenCase

READ_AT_ONCE = 200
"""Cases that are read or rendered without handing over to a thread."""

Write = Callable[[SeenCase], str]


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


async def answer_page(
    page: CasePage, asked: ListRequest, *, write: Write, next_url: str | None
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
