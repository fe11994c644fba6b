"""The rows of HQ's older case APIs in the table of routes."""

from __future__ import annotations

from api.hq_cases import handlers as cases
from api.hq_cases.openapi import CASES, LIST_FILTERS
from api.http.hq import identify
from api.openapi.shapes import as_json
from api.wire.permissions import Permission
from api.wire.route import Route, hq_route

_TAG = "CommCare HQ's older case APIs"

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
        result=as_json(CASES),
    ),
)
