"""The rows of HQ's older case APIs in the table of routes."""

from __future__ import annotations

from api.hq_cases import handlers as cases
from api.hq_cases.openapi import CASE, CASES, EXTRAS, LIST_FILTERS
from api.http.hq import identify
from api.openapi.shapes import TEXT, Object, as_json, content
from api.wire.permissions import Permission
from api.wire.route import Content, Route, hq_route

_TAG = "CommCare HQ's older case APIs"


def _in_either(shape: Object) -> Content:
    """Return an answer that is JSON of a shape, or XML."""
    return {**as_json(shape), **content("application/xml", TEXT)}


ROUTES: tuple[Route, ...] = (
    hq_route(
        "GET",
        "/a/{domain}/{hq_case}",
        cases.list_cases,
        "List cases in the manner of CommCare HQ",
        permission=Permission.READ_DATA,
        tag=_TAG,
        identify=identify,
        operation="list_hq_cases",
        parameters=LIST_FILTERS,
        result=_in_either(CASES),
    ),
    hq_route(
        "GET",
        "/a/{domain}/{hq_case}/{case_id}",
        cases.get_case,
        "Get one case in the manner of CommCare HQ",
        permission=Permission.READ_DATA,
        tag=_TAG,
        identify=identify,
        operation="get_hq_case",
        answers=(200, 400, 404),
        parameters=EXTRAS,
        result=_in_either(CASE),
    ),
)
