"""Handlers of undo: try it, or have a job do it."""

from __future__ import annotations

from functools import partial

import orjson
from aiohttp import web

from api.http.keys import PRINCIPAL, STORE, WRITER
from api.http.requests import author_of, job_taken, json_answer, state_may_forbid
from api.undo.trying import try_undo
from api.undo.wire import parse_job_undo, parse_undo, preview_to_wire
from importers.jobs.undo import enqueue_undo
from importers.jobs.values import UndoRequest
from ledger.clock import now_micros


async def undo(request: web.Request) -> web.Response:
    """Take back what a form, a job or a user did."""
    wish, dry_run = parse_undo(await request.read())
    return await _answer(request, wish, dry_run=dry_run)


async def undo_job(request: web.Request) -> web.Response:
    """Take back what the job did that the path names."""
    body = await request.read()
    wish, dry_run = parse_job_undo(body, request.match_info["job_id"])
    return await _answer(request, wish, dry_run=dry_run)


async def _answer(
    request: web.Request, wish: UndoRequest, *, dry_run: bool
) -> web.Response:
    store, domain = request.app[STORE], request[PRINCIPAL].domain
    author = author_of(request)
    with state_may_forbid():
        if dry_run:
            found = await store.aside(partial(try_undo, store, domain, wish))
            return json_answer(orjson.dumps(preview_to_wire(found)))
        add = partial(enqueue_undo, wish=wish, author=author, clock=now_micros)
        return job_taken(request, await request.app[WRITER].run(domain, add))
