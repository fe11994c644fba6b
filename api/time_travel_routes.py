"""The rows of time travel in the table of routes."""

from __future__ import annotations

from typing import Any

from api import time_travel
from api.dialects import CASE_V2
from api.permissions import Permission
from api.route import Route

TIME_TRAVEL = "Time travel"
_CASES = "/a/{domain}/{case_api}"
_AS_OF = f"{_CASES}/as_of"
_HISTORY = f"{_CASES}/{{case_id}}/history"
_WHY = f"{_CASES}/{{case_id}}/why"
_DIFF = f"{_CASES}/{{case_id}}/diff"


def _row(path: str, **more: Any) -> Route:
    return Route(
        method="GET",
        path=path,
        permission=Permission.READ_DATA,
        dialect=CASE_V2,
        tag=TIME_TRAVEL,
        **more,
    )


def _preflight(path: str) -> Route:
    return Route(
        method="OPTIONS",
        path=path,
        handler=time_travel.preflight_past,
        permission=Permission.OPEN,
        dialect=CASE_V2,
        listed=False,
    )


AS_OF_ROUTES = (
    _row(
        _AS_OF,
        handler=time_travel.list_cases_as_of,
        summary="List cases as they were at a time",
        answers=(200, 400),
        parameters=("past_time", "filters", "fields", "exclude"),
        result="page",
    ),
    _preflight(_AS_OF),
)
"""Stand before the rows of single cases, whose paths look the same."""

TIME_TRAVEL_ROUTES = (
    _row(
        _HISTORY,
        handler=time_travel.get_case_history,
        summary="Get what every entry of the log did to a case",
        answers=(200, 400, 404),
        parameters=("history_limit", "history_cursor"),
        result="case_history",
    ),
    _preflight(_HISTORY),
    _row(
        _WHY,
        handler=time_travel.get_case_why,
        summary="Get which form set a value of a case, and which did before",
        answers=(200, 400, 404),
        parameters=("why_property",),
        result="case_why",
    ),
    _preflight(_WHY),
    _row(
        _DIFF,
        handler=time_travel.get_case_diff,
        summary="Get what differs in a case between two times",
        answers=(200, 400, 404),
        parameters=("diff_from", "diff_to"),
        result="case_diff",
    ),
    _preflight(_DIFF),
)
