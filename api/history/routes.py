"""The rows of time travel in the table of routes."""

from __future__ import annotations

from functools import partial

from api.cases import past
from api.history import handlers as time_travel
from api.wire.permissions import Permission
from api.wire.route import json_route, preflight

TIME_TRAVEL = "Time travel"
_CASES = "/a/{domain}/{case_api}"
_AS_OF = f"{_CASES}/as_of"
_HISTORY = f"{_CASES}/{{case_id}}/history"
_WHY = f"{_CASES}/{{case_id}}/why"
_DIFF = f"{_CASES}/{{case_id}}/diff"


_get = partial(json_route, "GET", permission=Permission.READ_DATA, tag=TIME_TRAVEL)
_preflight = partial(preflight, handler=time_travel.preflight_history)

AS_OF_ROUTES = (
    _get(
        _AS_OF,
        past.list_cases_as_of,
        "List cases as they were at a time",
        answers=(200, 400),
        parameters=("past_time", "filters", "fields", "exclude"),
        result="page",
    ),
    preflight(_AS_OF, past.preflight_past_list),
)
"""Stand before the rows of single cases, whose paths look the same."""

TIME_TRAVEL_ROUTES = (
    _get(
        _HISTORY,
        time_travel.get_case_history,
        "Get what every entry of the log did to a case",
        answers=(200, 400, 404),
        parameters=("history_limit", "history_cursor"),
        result="case_history",
    ),
    _preflight(_HISTORY),
    _get(
        _WHY,
        time_travel.get_case_why,
        "Get which form set a value of a case, and which did before",
        answers=(200, 400, 404),
        parameters=("why_property",),
        result="case_why",
    ),
    _preflight(_WHY),
    _get(
        _DIFF,
        time_travel.get_case_diff,
        "Get what differs in a case between two times",
        answers=(200, 400, 404),
        parameters=("diff_from", "diff_to"),
        result="case_diff",
    ),
    _preflight(_DIFF),
)
