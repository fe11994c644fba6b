"""Handlers of forms in error: list, show, download, try again."""

from __future__ import annotations

from functools import partial

import orjson
from aiohttp import web

from api.errors.wire import NAMES, parse_filter, parse_reprocess, to_wire
from api.http.forms import change_form, form_id_of, xml_of_form
from api.http.keys import PRINCIPAL, STORE, WRITER
from api.http.requests import (
    author_of,
    base_address,
    job_taken,
    json_answer,
    ledger_address,
    own_address,
)
from api.wire.forms import render_form
from api.wire.list_query import ListQuery, cursor_of
from importers.jobs.reprocess import enqueue_reprocess
from ledger.clock import now_micros
from ledger.entry import Kind
from projections.forms.errors import count_errors, latest_errors, look_at_error
from projections.forms.values import FormView


async def list_errors(request: web.Request) -> web.Response:
    """Answer a page of the forms in error, the newest first."""
    query = ListQuery(request.rel_url.raw_query_string, ("state", *NAMES))
    asked, limit = parse_filter(query), query.limit
    (before,) = query.cursor(int) or (None,)
    read = partial(latest_errors, asked=asked, limit=limit + 1, before=before)
    domain = request[PRINCIPAL].domain
    found = await request.app[STORE].scan(domain, read)
    next_url = None
    if len(found) > limit:
        cursor = cursor_of(found[limit - 1].position)
        next_url = query.next_link(own_address(request), cursor)
    base = ledger_address(request)
    errors = [to_wire(error, base=base) for error in found[:limit]]
    return json_answer(orjson.dumps({"errors": errors, "next": next_url}))


async def get_error(request: web.Request) -> web.Response:
    """Answer a form in error: its problem, who sent it and how, all its life."""
    view = await _look(request)
    return json_answer(orjson.dumps(render_form(view, base=base_address(request))))


async def get_error_xml(request: web.Request) -> web.Response:
    """Answer the bytes of a form in error as they came."""
    await _look(request)
    return await xml_of_form(request)


async def reprocess_error(request: web.Request) -> web.Response:
    """Try a form in error again; its problem is told when it fails again."""
    return await change_form(request, Kind.REPROCESS)


async def reprocess_errors(request: web.Request) -> web.Response:
    """Have a job try all forms in error of a kind again."""
    asked, reason = parse_reprocess(await request.read())
    domain = request[PRINCIPAL].domain
    total = await request.app[STORE].scan(domain, partial(count_errors, asked=asked))
    add = partial(
        enqueue_reprocess,
        asked=asked,
        total=total,
        reason=reason,
        author=author_of(request),
        clock=now_micros,
    )
    return job_taken(request, await request.app[WRITER].run(domain, add))


async def _look(request: web.Request) -> FormView:
    domain = request[PRINCIPAL].domain
    look = partial(look_at_error, form_id=form_id_of(request))
    return await request.app[STORE].scan(domain, look)
