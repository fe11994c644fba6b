"""Cases as they were: single ones and lists, folded anew from the log.

So all of it is done in reader threads.
"""

from __future__ import annotations

from functools import partial

from aiohttp import web

from api.cases.answers import bulk_fetch_response, renderer
from api.cases.asked import Write, answer_page
from api.cases.fields import FieldFilter
from api.cases.query import AS_OF, parse_past_list, past_cursor
from api.cases.wire import BulkFetch
from api.http.keys import PAST, PRINCIPAL
from api.http.requests import allowing, at_one_moment, json_answer, own_address
from api.wire.parameters import pairs, parse_moment
from api.wire.problems import case_was_deleted, too_many_cases
from ledger.clock import now_micros
from ledger.errors import NotFound
from ledger.store import Reader
from ledger.times import Micros, format_micros
from projections.past.history import as_of
from projections.rule.case_row import SeenCase, seen, to_row

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
        return json_answer(write(await at_one_moment(request, read)).encode())
    asked = BulkFetch(case_ids=tuple(segment.split(",")))
    if len(asked.case_ids) > MOST_AS_OF:
        raise too_many_cases(MOST_AS_OF)
    return json_answer(
        await at_one_moment(
            request, partial(_many_as_of, asked=asked, when=when, write=write)
        )
    )


async def list_cases_as_of(request: web.Request) -> web.Response:
    """Answer a page of the cases that matched the query string at a time."""
    asked, when = parse_past_list(
        pairs(request.rel_url.raw_query_string), now=now_micros()
    )
    write = renderer(FieldFilter.parse(asked.field_filter_pairs))
    page = await request.app[PAST].read_page(
        request[PRINCIPAL].domain, when=when, asked=asked.filter, page=asked.page
    )
    next_url = None
    if page.after is not None:
        cursor = past_cursor(asked, when, after=page.after)
        next_url = f"{own_address(request)}?cursor={cursor}"
    return await answer_page(page, asked, write=write, next_url=next_url)


async def preflight_past_list(_request: web.Request) -> web.Response:
    """Answer which methods a page of another origin may use."""
    return allowing(_PREFLIGHT)


def _one_as_of(r: Reader, *, case_id: str, when: Micros) -> SeenCase:
    found = as_of(r, case_id, when)
    if found.deleted_on is not None:
        raise case_was_deleted(case_id, format_micros(when))
    return seen(to_row(found))


def _many_as_of(r: Reader, *, asked: BulkFetch, when: Micros, write: Write) -> bytes:
    found: dict[str, str] = {}
    for case_id in dict.fromkeys(asked.case_ids):
        try:
            case = as_of(r, case_id, when)
        except NotFound:
            continue
        if case.deleted_on is None:
            found[case_id] = write(seen(to_row(case)))
    return bulk_fetch_response(asked, by_case_id=found, by_external_id={})
