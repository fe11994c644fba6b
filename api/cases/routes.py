"""The rows of Case Data API v2 in the table of routes, and of the state of a case.

The row of ``as_of`` stands before those of single cases, whose paths look the same.
"""

from __future__ import annotations

from typing import Any

from api.cases import handlers as cases
from api.cases import past, states
from api.cases.openapi import (
    AS_OF,
    CASE,
    CASE_OR_FETCHED,
    CASE_OUTCOME,
    CASE_PAGE,
    CHANGE,
    CHANGE_OR_ROWS,
    CHOICE,
    FETCH_WISH,
    FETCHED,
    FILTERS,
    PAST_TIME,
    WRITING,
    WRITTEN,
    WRITTEN_ONE,
)
from api.http.middleware import Handler
from api.openapi.shapes import as_json
from api.openapi.shared import REASON_WISH
from api.wire.permissions import Permission
from api.wire.route import LEDGER, Route, json_route, preflight

_TAG = "Case Data API v2"
_PAST_TAG = "Time travel"
_STATES_TAG = "Life of cases"

_LIST = "/a/{domain}/{case_api}"
_CASE = "/a/{domain}/{case_api}/{case_id}"
_EXTERNAL = "/a/{domain}/{case_api}/ext/{external_id}"
_FETCH = "/a/{domain}/{case_api}/{bulk_fetch}"
_AS_OF = "/a/{domain}/{case_api}/as_of"
_STATES = f"{LEDGER}/cases/{{case_id}}"


def _case_route(
    method: str, path: str, handler: Handler, summary: str, **more: Any
) -> Route:
    writes = method == "PUT" or (method == "POST" and path != _FETCH)
    return json_route(
        method,
        path,
        handler,
        summary,
        permission=Permission.EDIT_DATA if writes else Permission.READ_DATA,
        tag=_TAG,
        **{"parameters": CHOICE, **more},
    )


def _state(name: str, handler: Handler, summary: str, permission: Permission) -> Route:
    return json_route(
        "POST",
        f"{_STATES}/{name}",
        handler,
        summary,
        permission=permission,
        tag=_STATES_TAG,
        answers=(200, 400, 404, 413),
        body=as_json(REASON_WISH),
        result=as_json(CASE_OUTCOME),
    )


ROUTES: tuple[Route, ...] = (
    _case_route(
        "POST",
        _LIST,
        cases.post_cases,
        "Create one case, or create and update many in one form",
        answers=(200, 400, 409, 413),
        parameters=WRITING,
        body=as_json(CHANGE_OR_ROWS),
        result=as_json(WRITTEN),
    ),
    _case_route(
        "GET",
        _LIST,
        cases.list_cases,
        "List cases",
        answers=(200, 400),
        parameters=(*FILTERS, *CHOICE),
        result=as_json(CASE_PAGE),
    ),
    _case_route(
        "PUT",
        _LIST,
        cases.put_cases,
        "Update or create the case that the body names, or many",
        answers=(200, 400, 409, 413),
        parameters=WRITING,
        body=as_json(CHANGE_OR_ROWS),
        result=as_json(WRITTEN),
    ),
    preflight(_LIST, cases.preflight),
    _case_route(
        "POST",
        _FETCH,
        cases.bulk_fetch,
        "Fetch many cases by their ids and external ids",
        answers=(200, 400, 413),
        body=as_json(FETCH_WISH),
        result=as_json(FETCHED),
    ),
    preflight(_FETCH, cases.preflight_bulk_fetch),
    _case_route(
        "GET",
        _EXTERNAL,
        cases.get_case_by_external_id,
        "Get the case with an external id",
        answers=(200, 400, 404),
        result=as_json(CASE),
    ),
    _case_route(
        "PUT",
        _EXTERNAL,
        cases.put_case_by_external_id,
        "Update the case with an external id, or create it",
        answers=(200, 400, 409, 413),
        parameters=WRITING,
        body=as_json(CHANGE),
        result=as_json(WRITTEN_ONE),
    ),
    preflight(_EXTERNAL, cases.preflight),
    json_route(
        "GET",
        _AS_OF,
        past.list_cases_as_of,
        "List cases as they were at a time",
        permission=Permission.READ_DATA,
        tag=_PAST_TAG,
        answers=(200, 400),
        parameters=(PAST_TIME, *FILTERS, *CHOICE),
        result=as_json(CASE_PAGE),
    ),
    preflight(_AS_OF, past.preflight_past_list),
    _case_route(
        "GET",
        _CASE,
        cases.get_case,
        "Get one case, or several whose ids are joined by commas",
        answers=(200, 400, 404),
        parameters=(AS_OF, *CHOICE),
        result=as_json(CASE_OR_FETCHED),
    ),
    _case_route(
        "PUT",
        _CASE,
        cases.put_case,
        "Update one case",
        answers=(200, 400, 409, 413),
        parameters=WRITING,
        body=as_json(CHANGE),
        result=as_json(WRITTEN_ONE),
    ),
    preflight(_CASE, cases.preflight),
    _state(
        "delete",
        states.delete_case,
        "Flag a case as deleted",
        Permission.EDIT_DATA,
    ),
    _state(
        "restore",
        states.restore_case,
        "Take back that a case is deleted",
        Permission.EDIT_DATA,
    ),
    _state(
        "rebuild",
        states.rebuild_case,
        "Fold a case from nothing",
        Permission.MANAGE,
    ),
)
