"""The description of the API, OpenAPI 3.1, made from the table of routes. Pure.

What a row of the table says is described as it says; what the shell around every
handler can answer (401, 403, 405, 429, 500 …) is added here. So an endpoint cannot be
served without being described.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from api.excel.dialect import EXCEL
from api.openapi.components import BODIES, PARAMETERS, RESULTS, SCHEMAS
from api.wire.dialects import CASE_V2, PROCESS
from api.wire.permissions import Permission
from api.wire.route import PLACEHOLDER, SHAPES, Route

Object = dict[str, Any]

_MEANING = {
    200: "Done",
    201: "Accepted",
    202: "Taken on as a job, whose address is in `Location`",
    204: "Nothing to say",
    303: "Done; a page of the result is at `Location`",
    400: "The request is at fault; `error` says where",
    401: "Credentials are missing or not valid",
    403: "The credentials do not reach this far",
    404: "There is no such thing",
    405: "The path does not know this method",
    406: "The account of this user is closed",
    409: "The state of things does not allow it; `error` says why",
    413: "The body is too large",
    415: "The type of the body is not known here",
    422: "The form was kept, but it broke a rule",
    429: "Too many requests; `Retry-After` says when to come again",
    500: "A defect of the server; it was logged",
    503: "The server cannot serve now; it says why",
}
_ALWAYS = (500,)
_BEHIND_CREDENTIALS = (401, 403, 429, 503)


def document(routes: Iterable[Route], *, version: str) -> Object:
    """Return the OpenAPI document of every listed route."""
    paths: dict[str, Object] = {}
    for route in routes:
        if route.listed:
            item = paths.setdefault(route.written_path, _path_item(route.written_path))
            item[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "caseledger",
            "version": version,
            "description": (
                "Cases as the sum of the forms that changed them. Every path is also "
                "served with a slash at its end, and slashes that are doubled count as "
                "one; the case API is also served under "
                "`/a/{domain}/api/v0.6/case`."
            ),
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "parameters": PARAMETERS,
            "securitySchemes": _SCHEMES,
        },
    }


_SCHEMES: Object = {
    "apiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`ApiKey USERNAME:KEY`",
    },
    "basic": {
        "type": "http",
        "scheme": "basic",
        "description": "The password, or an API key as the password.",
    },
}


def _path_item(path: str) -> Object:
    names = PLACEHOLDER.findall(path)
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": _place(name)}
        for name in names
    ]
    return {"parameters": parameters} if parameters else {}


def _place(name: str) -> Object:
    """Return what may stand at a placeholder of a path."""
    if name in SHAPES:
        return {"type": "string", "pattern": f"^{SHAPES[name]}$"}
    return {"type": "string", "minLength": 1}


def _operation(route: Route) -> Object:
    operation: Object = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.tag],
        "responses": _responses(route),
        "security": (
            []
            if route.permission is Permission.OPEN
            else [{"apiKey": []}, {"basic": []}]
        ),
    }
    if route.permission is not Permission.OPEN:
        operation["description"] = f"Needs the permission to {_right(route)}."
    parameters = [
        {"$ref": f"#/components/parameters/{name}"}
        for group in route.parameters
        for name in _group(group)
    ]
    if parameters:
        operation["parameters"] = parameters
    if route.body:
        operation["requestBody"] = {"required": True, "content": BODIES[route.body]}
    return operation


def _right(route: Route) -> str:
    if route.permission is Permission.MEMBER:
        return "be a member of the domain"
    return str(route.permission.value)


def _group(name: str) -> list[str]:
    """Return the parameters that a word in the table stands for."""
    if name == "filters":
        return [key for key in PARAMETERS if key.startswith("filter_")]
    return [name]


def statuses(route: Route) -> list[int]:
    """Return every status that a route can answer, its shell's included."""
    behind = route.permission is not Permission.OPEN
    added = _ALWAYS + (_BEHIND_CREDENTIALS if behind else ())
    return sorted({*route.answers, *added})


def _responses(route: Route) -> Object:
    return {str(status): _response(route, status) for status in statuses(route)}


def _response(route: Route, status: int) -> Object:
    described: Object = {"description": _MEANING[status]}
    if status in {200, 201, 202} and route.result:
        described["content"] = RESULTS[route.result]
    elif status == 429:  # noqa: PLR2004 - the one without a body
        described["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    elif status >= 400 and route.dialect in {CASE_V2, PROCESS}:  # noqa: PLR2004
        described["content"] = RESULTS["problem"]
    elif status >= 400 and status != 401 and route.dialect is EXCEL:  # noqa: PLR2004
        described["content"] = RESULTS["excel_problem"]
    if status == 401:  # noqa: PLR2004 - the one that asks for credentials
        described["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    return described
