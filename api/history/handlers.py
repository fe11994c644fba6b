"""Handlers of the history of a case: what happened to it, why, and what differs.

Everything is folded anew from the log, so all of it is done in reader threads.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from urllib.parse import quote

from aiohttp import web

from api.history.wire import (
    FormLink,
    diff_response,
    history_response,
    parse_diff,
    parse_history,
    parse_why,
    why_response,
)
from api.http.keys import PRINCIPAL
from api.http.requests import (
    allowing,
    at_one_moment,
    json_answer,
    ledger_address,
    own_address,
    place_of,
)
from api.wire.permissions import Permission
from api.wire.problems import case_not_found
from ledger.clock import now_micros
from ledger.store import Reader
from projections.cases.by_id import case_any
from projections.past.history import diff, history, why_of
from projections.rule.case_row import CaseRow, to_case

_PREFLIGHT = "OPTIONS, GET"


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
    return await _told(
        request, case_id, lambda r, _: render(case_id, history(r, case_id))
    )


async def get_case_why(request: web.Request) -> web.Response:
    """Answer which form set a value of a case, and which did before."""
    name = parse_why(request.rel_url.raw_query_string)
    case_id = place_of(request, "case_id")
    render = partial(why_response, link=_link(request))
    return await _told(
        request, case_id, lambda r, row: render(case_id, why_of(r, to_case(row), name))
    )


async def get_case_diff(request: web.Request) -> web.Response:
    """Answer what differs in a case between two times."""
    start, end = parse_diff(request.rel_url.raw_query_string, now=now_micros())
    case_id = place_of(request, "case_id")
    render = partial(diff_response, start=start, end=end)
    return await _told(
        request,
        case_id,
        lambda r, _: render(case_id, diff(r, case_id, start=start, end=end)),
    )


async def preflight_history(_request: web.Request) -> web.Response:
    """Answer which methods a page of another origin may use."""
    return allowing(_PREFLIGHT)


async def _told(
    request: web.Request, case_id: str, tell: Callable[[Reader, CaseRow], bytes]
) -> web.Response:
    """Answer what is told of a case; a deleted one is there for admins alone."""
    sees_all = Permission.MANAGE in request[PRINCIPAL].permissions

    def read(r: Reader) -> bytes:
        case = case_any(r, case_id)
        if case is None or (case.deleted_on is not None and not sees_all):
            raise case_not_found(case_id)
        return tell(r, case)

    return json_answer(await at_one_moment(request, read))


def _link(request: web.Request) -> FormLink:
    forms = f"{ledger_address(request)}/forms"
    return lambda form_id: f"{forms}/{quote(form_id, safe='')}/"
