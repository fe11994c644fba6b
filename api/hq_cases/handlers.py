"""Handlers of HQ's older case APIs (``rules/hq-cases.md``): parse, read, render."""

from __future__ import annotations

from functools import partial

from aiohttp import web

from api.hq_cases.query import MOST_LIMIT, extras_of, filter_of, window_of
from api.hq_cases.written import Manner, write_cases
from api.http.hq import answer, format_of, query_of
from api.http.keys import INDEX_KEEPER, PRINCIPAL
from api.http.requests import at_one_moment, base_address, case_files_address, place_of
from api.wire.formats import Format
from api.wire.hq_query import HqQuery
from api.wire.list_v0_5 import Page, enveloped
from api.wire.object_xml import DECLARATION
from api.wire.problems import case_not_found
from ledger.store import Reader
from projections.cases.by_id import whole_cases
from projections.lists.filter import CaseFilter, Window
from projections.lists.property_names import names_asked
from projections.lists.windows import list_window


async def list_cases(request: web.Request) -> web.Response:
    """Answer a page of the cases that match (rule 2)."""
    query = query_of(request)
    page = query.page(most=MOST_LIMIT)
    window, asked = window_of(query, page), filter_of(query)
    names = names_asked(asked)
    if names:
        request.app[INDEX_KEEPER].note(request[PRINCIPAL].domain, names)
    manner = _manner(request, query)
    render = partial(
        _page, query=query, page=page, asked=asked, window=window, manner=manner
    )
    return answer(await at_one_moment(request, render), written=manner.format)


async def get_case(request: web.Request) -> web.Response:
    """Answer one case, bare (rule 2.7)."""
    manner = _manner(request, query_of(request))
    render = partial(_single, case_id=place_of(request, "case_id"), manner=manner)
    return answer(await at_one_moment(request, render), written=manner.format)


def _manner(request: web.Request, query: HqQuery) -> Manner:
    return Manner(
        format_of(request, query),
        extras_of(query),
        base_address(request),
        case_files_address(request),
    )


def _page(
    r: Reader,
    *,
    query: HqQuery,
    page: Page,
    asked: CaseFilter,
    window: Window,
    manner: Manner,
) -> bytes:
    rows, total = list_window(r, asked, window)
    texts = write_cases(r, rows, manner)
    return enveloped(query.meta(page, total=total), texts, asked=manner.format)


def _single(r: Reader, *, case_id: str, manner: Manner) -> bytes:
    case = whole_cases(r, [case_id]).get(case_id)
    if case is None:
        raise case_not_found(case_id)
    (text,) = write_cases(r, [case], manner)
    head = DECLARATION if manner.format is Format.XML else ""
    return f"{head}{text}".encode()
