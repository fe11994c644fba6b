"""Handlers of HQ's older case APIs (``rules/hq-cases.md``): parse, read, render."""

from __future__ import annotations

from collections.abc import Iterator

from aiohttp import web

from api.hq_cases.query import MOST_LIMIT, filter_of, window_of
from api.hq_cases.wire import case_text
from api.http.hq import answer, query_of
from api.http.keys import PRINCIPAL, STORE
from api.wire.formats import Format
from api.wire.list_v0_5 import enveloped
from projections.cases.values import NOBODY
from projections.lists.windows import WindowPage, read_window


async def list_cases(request: web.Request) -> web.Response:
    """Answer a page of the cases that match (rule 2)."""
    query = query_of(request)
    page = query.page(most=MOST_LIMIT)
    window, asked = window_of(query, page), filter_of(query)
    found = await read_window(
        request.app[STORE], request[PRINCIPAL].domain, asked=asked, window=window
    )
    meta = query.meta(page, total=found.total)
    return answer(enveloped(meta, _texts(found), asked=Format.JSON))


def _texts(found: WindowPage) -> Iterator[str]:
    """Yield the cases of a page as they are written."""
    for case in found.rows:
        yield case_text(case, found.touching.get(case.seen.case_id, NOBODY))
