"""The rows of time travel in the table of routes."""

from __future__ import annotations

from functools import partial

from api.history import handlers as history
from api.history.openapi import (
    CASE_DIFF,
    CASE_HISTORY,
    CASE_WHY,
    DIFF_TIMES,
    HISTORY_PAGE,
    WHY_PROPERTY,
)
from api.openapi.shapes import as_json
from api.wire.permissions import Permission
from api.wire.route import Route, json_route, preflight

_TAG = "Time travel"
_CASE = "/a/{domain}/{case_api}/{case_id}"
_HISTORY = f"{_CASE}/history"
_WHY = f"{_CASE}/why"
_DIFF = f"{_CASE}/diff"


_get = partial(json_route, "GET", permission=Permission.READ_DATA, tag=_TAG)
_preflight = partial(preflight, handler=history.preflight_history)

ROUTES: tuple[Route, ...] = (
    _get(
        _HISTORY,
        history.get_case_history,
        "Get what every entry of the log did to a case",
        answers=(200, 400, 404),
        parameters=HISTORY_PAGE,
        result=as_json(CASE_HISTORY),
    ),
    _preflight(_HISTORY),
    _get(
        _WHY,
        history.get_case_why,
        "Get which form set a value of a case, and which did before",
        answers=(200, 400, 404),
        parameters=(WHY_PROPERTY,),
        result=as_json(CASE_WHY),
    ),
    _preflight(_WHY),
    _get(
        _DIFF,
        history.get_case_diff,
        "Get what differs in a case between two times",
        answers=(200, 400, 404),
        parameters=DIFF_TIMES,
        result=as_json(CASE_DIFF),
    ),
    _preflight(_DIFF),
)
