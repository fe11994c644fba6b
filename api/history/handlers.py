"""Handlers of time travel: cases as they were, and what made them what they are.

Everything is folded anew from the log, so all of it is done in reader threads.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar
from urllib.parse import quote

from aiohttp import web

from api.cases.answers import bulk_fetch_response, renderer
from api.cases.fields import FieldFilter
from api.cases.wire import BulkFetch
from api.history.wire import (
    FormLink,
    diff_response,
    history_response,
    list_cursor,
    parse_diff,
    parse_history,
    parse_list,
    parse_why,
    why_response,
)
from api.http.keys import PAST, PRINCIPAL, STORE
from api.http.requests import (
    AS_OF,
    allowing,
    answer_page,
    base_address,
    json_answer,
    own_address,
    pairs,
    place_of,
)
from api.wire.parameters import parse_moment
from api.wire.permissions import Permission
from api.wire.problems import case_not_found, case_was_deleted, too_many_cases
from ledger.clock import now_micros
from ledger.errors import NotFound
from ledger.store import Reader, Store
from ledger.times import Micros, format_micros
from projections.cases.by_id import case_any
from projections.past.history import as_of, diff, history, why
from projections.rule.case_row import CaseRow, to_row

T = TypeVar("T")
Write = Callable[[CaseRow], str]

MOST_AS_OF = 100
"""Cases that one request may ask for as they were: each is folded anew."""

_PREFLIGHT = "OPTIONS, GET"


def asked_moment(request: web.Request) -> Micros | None:
    """Return the time that ``as_of`` names, if it is there; raises a 400."""
    times = [
        value
        for name, value in pairs(request.rel_url.raw_query_string)
        if name == AS_OF
    ]
    return parse_moment(AS_OF, times[-1]) if times else None


async def answer_as_of(
    request: web.Request, segment: str, *, write: Write, when: Micros
) -> web.Response:
    """Answer one case as it was, or several whose ids are joined by commas."""
    if "," not in segment:
        read = partial(_one_as_of, case_id=segment, when=when)
        return json_answer(write(await _folded(request, read)).encode())
    asked = BulkFetch(case_ids=tuple(segment.split(",")))
    if len(asked.case_ids) > MOST_AS_OF:
        raise too_many_cases(MOST_AS_OF)
    return json_answer(
        await _folded(
            request, partial(_many_as_of, asked=asked, when=when, write=write)
        )
    )


async def list_cases_as_of(request: web.Request) -> web.Response:
    """Answer a page of the cases that matched the query string at a time."""
    asked, when = parse_list(pairs(request.rel_url.raw_query_string), now=now_micros())
    write = renderer(FieldFilter.parse(asked.field_filter_pairs))
    page = await request.app[PAST].read_page(
        request[PRINCIPAL].domain, when=when, asked=asked.filter, page=asked.page
    )
    next_url = None
    if page.after is not None:
        cursor = list_cursor(asked, when, after=page.after)
        next_url = f"{own_address(request)}?cursor={cursor}"
    return await answer_page(page, asked, write=write, next_url=next_url)


async def get_case_history(request: web.Request) -> web.Response:
    """Answer what every entry of the log did to a case."""
    page = parse_history(request.rel_url.raw_query_string)
    case_id = place_of(request, "case_id")
    render = partial(
        history_response,
        page=page,
        link=_link(request),
        own_address=own_address(request),
    )
    return await _told(request, case_id, lambda r: render(case_id, history(r, case_id)))


async def get_case_why(request: web.Request) -> web.Response:
    """Answer which form set a value of a case, and which did before."""
    name = parse_why(request.rel_url.raw_query_string)
    case_id = place_of(request, "case_id")
    render = partial(why_response, link=_link(request))
    return await _told(
        request, case_id, lambda r: render(case_id, why(r, case_id, name))
    )


async def get_case_diff(request: web.Request) -> web.Response:
    """Answer what differs in a case between two times."""
    start, end = parse_diff(request.rel_url.raw_query_string, now=now_micros())
    case_id = place_of(request, "case_id")
    render = partial(diff_response, start=start, end=end)
    return await _told(
        request,
        case_id,
        lambda r: render(case_id, diff(r, case_id, start=start, end=end)),
    )


async def preflight_past(_request: web.Request) -> web.Response:
    """Answer which methods a page of another origin may use."""
    return allowing(_PREFLIGHT)


def _one_as_of(r: Reader, *, case_id: str, when: Micros) -> CaseRow:
    found = as_of(r, case_id, when)
    if found.deleted_on is not None:
        raise case_was_deleted(case_id, format_micros(when))
    return to_row(found)


def _many_as_of(r: Reader, *, asked: BulkFetch, when: Micros, write: Write) -> bytes:
    found: dict[str, str] = {}
    for case_id in dict.fromkeys(asked.case_ids):
        try:
            case = as_of(r, case_id, when)
        except NotFound:
            continue
        if case.deleted_on is None:
            found[case_id] = write(to_row(case))
    return bulk_fetch_response(asked, by_case_id=found, by_external_id={})


async def _told(
    request: web.Request, case_id: str, tell: Callable[[Reader], bytes]
) -> web.Response:
    """Answer what is told of a case; a deleted one is there for admins alone."""
    sees_all = Permission.MANAGE in request[PRINCIPAL].permissions

    def read(r: Reader) -> bytes:
        case = case_any(r, case_id)
        if case is None or (case.deleted_on is not None and not sees_all):
            raise case_not_found(case_id)
        return tell(r)

    return json_answer(await _folded(request, read))


async def _folded(request: web.Request, fn: Callable[[Reader], T]) -> T:
    """Read at one moment, in a thread: a long history takes its time."""
    store, domain = request.app[STORE], request[PRINCIPAL].domain
    return await store.aside(partial(_at_one_moment, store, domain, fn))


def _at_one_moment(store: Store, domain: str, fn: Callable[[Reader], T]) -> T:
    with store.snapshot(domain) as reader:
        return fn(reader)


def _link(request: web.Request) -> FormLink:
    forms = f"{base_address(request)}/a/{request[PRINCIPAL].domain}/api/ledger/v1/forms"
    return lambda form_id: f"{forms}/{quote(form_id, safe='')}/"
