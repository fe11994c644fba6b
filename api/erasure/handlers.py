"""Handler of a lawful erasure: tell what would go, or have it go for good."""

from __future__ import annotations

from functools import partial

import orjson
from aiohttp import web

from api.erasure.wire import erasure_to_wire, parse_erasure, preview_to_wire
from api.http.keys import PAST, PRINCIPAL, STORE, WORKER, WRITER
from api.http.requests import author_of, json_answer, place_of
from api.wire.problems import case_not_found
from importers.jobs.repack import EraseAndRepack
from ledger.clock import now_micros
from ledger.entry import Author
from ledger.erasure.erase import EraseCases, search
from ledger.erasure.values import Search
from ledger.errors import Conflict
from ledger.forms.names import is_legal
from ledger.store import Reader
from projections.erasure.preview import preview_erasure, unknown_among
from projections.erasure.values import ErasurePreview


async def erase_case(request: web.Request) -> web.Response:
    """Make the personal data of a case unreadable; it cannot be undone."""
    wish = parse_erasure(await request.read())
    case_id = place_of(request, "case_id")
    if not is_legal(case_id):
        raise case_not_found(case_id)
    if wish.dry_run:
        return await _tell(request, case_id)
    return await _erase(request, case_id, wish.reason)


def look(r: Reader, case_id: str) -> ErasurePreview:
    """Return what an erasure would do; raises a 404 if nothing is known of the case."""
    return preview_erasure(r, [case_id], _found(r, case_id))


async def _tell(request: web.Request, case_id: str) -> web.Response:
    store, domain = request.app[STORE], request[PRINCIPAL].domain
    found = await store.scan(domain, partial(look, case_id=case_id))
    return json_answer(orjson.dumps(preview_to_wire(case_id, found)))


async def _erase(request: web.Request, case_id: str, reason: str) -> web.Response:
    app, domain = request.app, request[PRINCIPAL].domain
    # All of the log is read before the domain is held, and only the rest then.
    found = await app[STORE].scan(domain, partial(_found, case_id=case_id))
    command = _command(case_id, reason, author=author_of(request), found=found)
    try:
        done = await app[WRITER].submit(domain, command)
    except Conflict:
        # The reason was checked, so it is the case that is not there any more.
        raise case_not_found(case_id) from None
    app[WORKER].wake()
    await app[PAST].forget(domain)
    return json_answer(orjson.dumps(erasure_to_wire(case_id, done)))


def _command(
    case_id: str, reason: str, *, author: Author, found: Search
) -> EraseAndRepack:
    command = EraseCases(case_ids=(case_id,), author=author, reason=reason, found=found)
    return EraseAndRepack(command=command, clock=now_micros)


def _found(r: Reader, case_id: str) -> Search:
    found = search(r, [case_id])
    if unknown_among(r, [case_id], found):
        raise case_not_found(case_id)
    return found
