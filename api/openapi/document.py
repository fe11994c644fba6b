"""The description of the API, OpenAPI 3.1, made from the table of routes. Pure.

What a row of the table says is described as it says; what the shell around every
handler can answer (401, 403, 405, 429, 500 …) is added here. So an endpoint cannot be
served without being described. The components are those that the rows point to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from api.openapi.shapes import Object, Reference, as_json, may_be_missing
from api.openapi.shared import PROBLEM
from api.wire.dialects import CASE_V2, HQ, PROCESS
from api.wire.permissions import Permission
from api.wire.route import PLACEHOLDER, SHAPES, Content, Route

_MEANING = {
    200: "Done",
    201: "Accepted",
    202: "Taken on as a job, whose address is in `Location`",
    204: "Nothing to say",
    303: "Done; a page of the result is at `Location`",
    304: "What the client has is still so",
    400: "The request is at fault; `error` says where",
    401: "Credentials are missing or not valid",
    403: "The credentials do not reach this far",
    404: "There is no such thing",
    405: "The path does not know this method",
    406: "The account of this user is closed",
    409: "The state of things does not allow it; `error` says why",
    410: "There is no such thing any longer",
    412: "The device has something else than the server believes; it begins anew",
    413: "The body is too large",
    415: "The type of the body is not known here",
    422: "The form was kept, but it broke a rule",
    429: "Too many requests; `Retry-After` says when to come again",
    500: "A defect of the server; it was logged",
    503: "The server cannot serve now; it says why",
}
_TOLD_IN_JSON = frozenset((CASE_V2, HQ, PROCESS))
_ALWAYS = (400, 500)
"""A host that is none, and a defect of ours."""
_BEHIND_CREDENTIALS = (401, 403, 429)
_OF_A_DOMAIN = (503,)
"""Whoever is asked about a domain needs the store, also where nobody signs in."""


def document(routes: Iterable[Route], *, version: str, address: str = "/") -> Object:
    """Return the OpenAPI document of every listed route, in plain dicts and lists.

    ``address`` is where clients find the server, from the page of the document if it
    begins with a slash.
    Raises ``ValueError`` where one name stands for two definitions.
    """
    paths: dict[str, Object] = {}
    for route in routes:
        if route.listed:
            item = paths.setdefault(route.written_path, _path_item(route.written_path))
            item[route.method.lower()] = _operation(route)
    components: Object = {"schemas": {}, "parameters": {}}
    plain_paths = _plain(paths, components)
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
        "servers": [{"url": address}],
        "paths": plain_paths,
        "components": {**components, "securitySchemes": _SCHEMES},
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


def _plain(shape: Any, components: Object) -> Any:
    """Return a shape without definitions; add those that it brings to the components.

    Raises ``ValueError`` where one name stands for two definitions.
    """
    if isinstance(shape, Reference):
        definition = _plain(shape.definition, components)
        listed = components[shape.section].setdefault(shape.name, definition)
        if listed != definition:
            raise ValueError(f"{shape.section}: two definitions of {shape.name}")
    if isinstance(shape, Mapping):
        return {key: _plain(value, components) for key, value in shape.items()}
    if isinstance(shape, list):
        return [_plain(value, components) for value in shape]
    return shape


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
    if route.parameters:
        operation["parameters"] = list(route.parameters)
    if route.body is not None:
        shapes = [told["schema"] for told in route.body.values()]
        needed = not any(map(may_be_missing, shapes))
        operation["requestBody"] = {"required": needed, "content": route.body}
    return operation


def _right(route: Route) -> str:
    if route.permission is Permission.MEMBER:
        return "be a member of the domain"
    return str(route.permission.value)


def statuses(route: Route) -> list[int]:
    """Return every status that a route can answer, its shell's included."""
    behind = route.permission is not Permission.OPEN
    added = _ALWAYS + (_BEHIND_CREDENTIALS if behind else ())
    added += _OF_A_DOMAIN if "{domain}" in route.path else ()
    return sorted({*route.answers, *added})


def _responses(route: Route) -> Object:
    return {str(status): _response(route, status) for status in statuses(route)}


def _response(route: Route, status: int) -> Object:
    described: Object = {"description": _MEANING[status]}
    if status in {200, 201, 202} and route.result is not None:
        described["content"] = route.result
    elif status == 429:  # noqa: PLR2004 - the one without a body
        described["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    elif status >= 400 and (problem := _problem(route, status)):  # noqa: PLR2004
        described["content"] = problem
    if status == 401:  # noqa: PLR2004 - the one that asks for credentials
        described["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    return described


def _problem(route: Route, status: int) -> Content | None:
    """Return what a problem is told in; nothing where it is text or an API's own.

    Credentials are asked for in the words of the dialect, whoever answers the rest.
    """
    if route.problem is not None and status != 401:  # noqa: PLR2004
        return route.problem
    return as_json(PROBLEM) if route.dialect in _TOLD_IN_JSON else None
