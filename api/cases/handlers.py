"""Handlers of Case Data API v2 (``rules/case-api-v2.md``): parse, one call, render."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache, partial
from typing import TypeVar
from urllib.parse import unquote

from aiohttp import web

from api.cases.answers import (
    bulk_fetch_response,
    bulk_response,
    renderer,
    write_response,
)
from api.cases.asked import (
    READ_AT_ONCE,
    answer_page,
    chosen_fields,
    fields_of_present,
)
from api.cases.fields import FieldFilter
from api.cases.past import answer_as_of, asked_moment
from api.cases.query import ListRequest, parse_list_query
from api.cases.wire import (
    MAX_FETCH,
    BulkFetch,
    WriteRequest,
    parse_bulk_fetch,
    parse_put_external,
    parse_single_update,
    parse_write,
)
from api.http.idempotency import idempotency_key
from api.http.keys import (
    CONFIG,
    INDEX_KEEPER,
    POINT_READS,
    PRINCIPAL,
    STORE,
    WRITER,
)
from api.http.requests import (
    allowing,
    author_of,
    decoded,
    json_answer,
    own_address,
    parsed,
    place_of,
)
from api.http.router import raw_part
from api.wire.dialects import CASE_V2
from api.wire.parameters import pairs
from api.wire.problems import (
    Problem,
    case_not_found,
    form_failed,
    several_cases,
    too_many_cases,
)
from ledger.cases.change import Intent
from ledger.clock import now_micros
from ledger.commands.case_changes import ChangeCases
from ledger.entry import Answer, IdempotencyKey, Kind, Receipt
from ledger.store import Reader
from ledger.times import Instant, format_micros
from projections.cases.by_id import find_external, get_cases
from projections.lists.pages import read_page
from projections.lists.property_names import names_asked
from projections.rule.case_row import SeenCase

T = TypeVar("T")

_PARSED_ASIDE = 256 * 1024
"""Bytes of a body from which on parsing would hold up other requests."""

_REMEMBERED_QUERY = 1024
"""Characters of a query string up to which its meaning is remembered."""

_FALSE = {"", "false", "f", "no", "n", "0"}
_PREFLIGHT = "OPTIONS, GET, POST, PUT"
_PREFLIGHT_FETCH = "OPTIONS, GET, POST"


async def get_case(request: web.Request) -> web.Response:
    """Answer one case, or several whose ids are joined by commas (rules 4.1, 4.2)."""
    segment = place_of(request, "case_id")
    chosen = when = None
    if request.rel_url.raw_query_string:
        chosen, when = chosen_fields(request), asked_moment(request)
    if when is not None:
        return await answer_as_of(request, segment, write=renderer(chosen), when=when)
    if "," in segment:
        asked = BulkFetch(case_ids=tuple(segment.split(",")))
        return await _fetched(request, asked, chosen)
    domain = request[PRINCIPAL].domain
    case = await request.app[POINT_READS].get_case(domain, segment)
    if case is None:
        raise case_not_found(segment)
    return json_answer(renderer(chosen)(case).encode())


async def get_case_by_external_id(request: web.Request) -> web.Response:
    """Answer the one case with an external id (rule 4.3)."""
    external_id = _external_id(request)
    chosen = fields_of_present(request)
    domain = request[PRINCIPAL].domain
    cases = await request.app[POINT_READS].find_external(domain, external_id)
    if not cases:
        raise case_not_found(external_id)
    if len(cases) > 1:
        raise several_cases(external_id, [case.case_id for case in cases])
    return json_answer(renderer(chosen)(cases[0]).encode())


async def bulk_fetch(request: web.Request) -> web.Response:
    """Answer many cases by id and external id, stubs for those missing (rule 4.2)."""
    chosen = fields_of_present(request)
    asked = await parsed(await request.read(), parse_bulk_fetch, aside=_PARSED_ASIDE)
    return await _fetched(request, asked, chosen)


async def list_cases(request: web.Request) -> web.Response:
    """Answer a page of the cases that match the query string (rule 6)."""
    asked = _list_request(request.rel_url.raw_query_string)
    store, domain = request.app[STORE], request[PRINCIPAL].domain
    names = names_asked(asked.filter)
    if names:
        request.app[INDEX_KEEPER].note(domain, names)
    write = renderer(FieldFilter.parse(asked.field_filter_pairs))
    page = await read_page(store, domain, asked=asked.filter, page=asked.page)
    next_url = None
    if page.after is not None:
        next_url = f"{own_address(request)}?cursor={asked.cursor(page.after)}"
    return await answer_page(page, asked, write=write, next_url=next_url)


async def post_cases(request: web.Request) -> web.Response:
    """Create the case of an object, or apply the rows of an array (rules 5.1, 5.3)."""
    return await _write(request, partial(_parse_either, request, Intent.CREATE))


async def put_cases(request: web.Request) -> web.Response:
    """Update or create the case that an object names, or apply rows (rule D5)."""
    return await _write(request, partial(_parse_either, request, Intent.PUT))


async def put_case(request: web.Request) -> web.Response:
    """Update the case that the URL names (rule 5.2.1)."""
    case_id = place_of(request, "case_id")
    return await _write(request, partial(parse_single_update, case_id=case_id))


async def put_case_by_external_id(request: web.Request) -> web.Response:
    """Update the case with the external id of the URL, or create it (rule 5.2.2)."""
    external_id = _external_id(request)
    return await _write(request, partial(parse_put_external, external_id=external_id))


async def preflight(_request: web.Request) -> web.Response:
    """Answer which methods a page of another origin may use (rule 1.5)."""
    return allowing(_PREFLIGHT)


async def preflight_bulk_fetch(_request: web.Request) -> web.Response:
    """Answer the same for bulk fetch."""
    return allowing(_PREFLIGHT_FETCH)


# -- reading -----------------------------------------------------------------


async def _fetched(
    request: web.Request, asked: BulkFetch, chosen: FieldFilter | None
) -> web.Response:
    count = len(asked.case_ids) + len(asked.external_ids)
    if count > MAX_FETCH:
        raise too_many_cases(MAX_FETCH)
    write = renderer(chosen)

    def read_and_render(r: Reader) -> bytes:
        cases = get_cases(r, asked.case_ids)
        external = find_external(r, asked.external_ids)
        return bulk_fetch_response(
            asked,
            by_case_id={case_id: write(case) for case_id, case in cases.items()},
            by_external_id={key: write(found[0]) for key, found in external.items()},
        )

    is_short = count <= READ_AT_ONCE
    return json_answer(await _read(request, read_and_render, is_short=is_short))


async def _read(
    request: web.Request, fn: Callable[[Reader], T], *, is_short: bool = True
) -> T:
    """Read in one transaction; what may take long runs in a thread of its own."""
    store = request.app[STORE]
    read = store.read if is_short else store.scan
    return await read(request[PRINCIPAL].domain, fn)


def _list_request(query: str) -> ListRequest:
    """Return what a query string asks for: clients ask the same again and again."""
    now = format_micros(now_micros())
    if _is_worth_remembering(query):
        return _known_query(query, _midnight(now))
    return _read_query(query, now)


def _is_worth_remembering(query: str) -> bool:
    """Tell whether a query string is short, also when it is unpacked.

    A cursor is asked for once, and a short one may hold a thousand times its length.
    ``now()`` means another time whenever it is asked.
    """
    if len(query) > _REMEMBERED_QUERY:
        return False
    plain = unquote(query) if "%" in query else query
    return "cursor" not in plain and "now" not in plain


def _read_query(query: str, now: Instant) -> ListRequest:
    return parse_list_query(pairs(query), now=now)


_known_query = lru_cache(maxsize=256)(_read_query)


def _midnight(now: Instant) -> Instant:
    """Return the beginning of a day in UTC, at which ``today()`` is the same."""
    return f"{now[:10]}T00:00:00.000000Z"


# -- writing -----------------------------------------------------------------


async def _write(
    request: web.Request, parse: Callable[[bytes], WriteRequest]
) -> web.Response:
    write = renderer(chosen_fields(request))
    body = await request.read()
    dry_run = _dry_run(request)
    wish = await parsed(body, parse, aside=_PARSED_ASIDE)
    render = partial(_answer, wish.is_bulk, write)
    principal = request[PRINCIPAL]
    command = ChangeCases(
        changes=wish.changes,
        author=author_of(request),
        render=_dry_answer if dry_run else render,
        idempotency=_idempotency(request, body),
        dry_run=dry_run,
    )
    answer: Answer = await request.app[WRITER].submit(principal.domain, command)
    return json_answer(answer.body, status=answer.status)


def _parse_either(request: web.Request, single: Intent, body: bytes) -> WriteRequest:
    return parse_write(body, single=single, limit=request.app[CONFIG].row_limit)


def _answer(
    is_bulk: bool,  # noqa: FBT001 - bound by partial
    write: Callable[[SeenCase], str],
    receipt: Receipt,
) -> Answer:
    """Return the answer to a write; a form that failed is named (rule 8.5)."""
    if receipt.kind is Kind.ERROR:
        return _refused(form_failed(receipt.problem or "", receipt.form_id))
    written = map(write, receipt.cases)
    if is_bulk:
        return Answer(200, bulk_response(receipt.form_id, written))
    return Answer(200, write_response(receipt.form_id or "", next(written)))


def _dry_answer(receipt: Receipt) -> Answer:
    """Return what the write would have met; nothing was saved, so no form is named."""
    if receipt.kind is Kind.ERROR:
        return _refused(Problem(400, receipt.problem or ""))
    return Answer(200, b'{"dry_run":true,"errors":[]}')


def _refused(problem: Problem) -> Answer:
    rendered = CASE_V2.render(problem)
    return Answer(rendered.status, rendered.body)


def _idempotency(request: web.Request, body: bytes) -> IdempotencyKey | None:
    key = idempotency_key(request)
    if key is None:
        return None
    # What is asked is the method, the whole address and the body together.
    digest = hashlib.sha256(
        f"{request.method} {request.rel_url.raw_path_qs}\n".encode()
    )
    digest.update(body)
    return IdempotencyKey(
        key=key, user_id=request[PRINCIPAL].user_id, request_sha256=digest.digest()
    )


def _dry_run(request: web.Request) -> bool:
    query = request.rel_url.raw_query_string
    if not query:
        return False
    values = [value for name, value in pairs(query) if name == "dry_run"]
    return bool(values) and values[-1].lower() not in _FALSE


# -- requests and answers ----------------------------------------------------


def _external_id(request: web.Request) -> str:
    """Return the id behind ``ext/``, up to the final slash that is not encoded."""
    external_id = decoded(raw_part(request, "external_id").removesuffix("/"))
    if not external_id:
        raise case_not_found("ext")
    return external_id
