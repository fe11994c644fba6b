"""The one table of routes: what is served where, to whom, in which dialect.

The table is the source of the server's router and of the API's description
(``openapi.py``). Rows stand hottest first, because the router tries them in order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from api import case_v2, process_pages
from api.dialects import CASE_V2, PROCESS, Dialect
from api.middleware import Endpoint, Handler, Shell
from api.permissions import Permission
from api.problems import method_not_allowed, unknown_path

PLACES = {
    "case_api": r"api/case/v2|api/v0\.6/case",
    "bulk_fetch": "bulk-fetch|bulk_fetch",
    "external_id": r"[\s\S]+",
    "app_id": r"[\w-]+",
    "file": r"[\w./-]+",
}
"""What may stand at a placeholder; one path segment where nothing is said."""

CANONICAL = {"case_api": "api/case/v2", "bulk_fetch": "bulk-fetch"}
"""How placeholders that only stand for spellings are written in documents."""

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_TAKES_ITS_SLASHES = "{external_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One row of the table.

    ``answers`` lists every status that the route itself can answer; what the shell
    around it answers is added by ``openapi.py``. ``listed`` rows are described there.
    """

    method: str
    path: str
    handler: Handler
    permission: Permission
    dialect: Dialect
    summary: str = ""
    tag: str = ""
    answers: tuple[int, ...] = (200,)
    parameters: tuple[str, ...] = ()
    body: str = ""
    result: str = ""
    listed: bool = True

    @property
    def name(self) -> str:
        """Return the name of the handler, which is the id of the operation."""
        return self.handler.__name__

    @property
    def written_path(self) -> str:
        """Return the path as documents write it."""
        return _PLACEHOLDER.sub(
            lambda found: CANONICAL.get(found[1], found[0]), self.path
        )


CASES = "Case Data API v2"
DEVICES = "Devices"
PROCESS_TAG = "Process"

_LIST = "/a/{domain}/{case_api}"
_CASE = "/a/{domain}/{case_api}/{case_id}"
_EXTERNAL = "/a/{domain}/{case_api}/ext/{external_id}"
_FETCH = "/a/{domain}/{case_api}/{bulk_fetch}"
_CHOICE = ("fields", "exclude")
_WRITING = (*_CHOICE, "dry_run", "idempotency_key")


def _case_route(  # noqa: PLR0913 - a row of a table
    method: str,
    path: str,
    handler: Handler,
    summary: str,
    *,
    answers: tuple[int, ...],
    parameters: tuple[str, ...] = _CHOICE,
    body: str = "",
    result: str = "",
) -> Route:
    writes = method == "PUT" or (method == "POST" and path != _FETCH)
    return Route(
        method=method,
        path=path,
        handler=handler,
        permission=Permission.EDIT_DATA if writes else Permission.READ_DATA,
        dialect=CASE_V2,
        summary=summary,
        tag=CASES,
        answers=answers,
        parameters=parameters,
        body=body,
        result=result,
    )


def _page(path: str, handler: Handler, summary: str, **more: Any) -> Route:
    return Route(
        method="GET",
        path=path,
        handler=handler,
        permission=Permission.OPEN,
        dialect=PROCESS,
        summary=summary,
        tag=PROCESS_TAG,
        **more,
    )


def _preflight(path: str, handler: Handler) -> Route:
    return Route(
        method="OPTIONS",
        path=path,
        handler=handler,
        permission=Permission.OPEN,
        dialect=CASE_V2,
        listed=False,
    )


CASE_ROUTES = (
    _case_route(
        "POST",
        _LIST,
        case_v2.post_cases,
        "Create one case, or create and update many in one form",
        answers=(200, 400, 409, 413),
        parameters=_WRITING,
        body="write",
        result="written",
    ),
    _case_route(
        "GET",
        _LIST,
        case_v2.list_cases,
        "List cases",
        answers=(200, 400),
        parameters=("filters", *_CHOICE),
        result="page",
    ),
    _case_route(
        "PUT",
        _LIST,
        case_v2.put_cases,
        "Update or create the case that the body names, or many",
        answers=(200, 400, 409, 413),
        parameters=_WRITING,
        body="write",
        result="written",
    ),
    _preflight(_LIST, case_v2.preflight),
    _case_route(
        "POST",
        _FETCH,
        case_v2.bulk_fetch,
        "Fetch many cases by their ids and external ids",
        answers=(200, 400, 413),
        body="bulk_fetch",
        result="fetched",
    ),
    _preflight(_FETCH, case_v2.preflight_bulk_fetch),
    _case_route(
        "GET",
        _EXTERNAL,
        case_v2.get_case_by_external_id,
        "Get the case with an external id",
        answers=(200, 400, 404),
        result="case",
    ),
    _case_route(
        "PUT",
        _EXTERNAL,
        case_v2.put_case_by_external_id,
        "Update the case with an external id, or create it",
        answers=(200, 400, 409, 413),
        parameters=_WRITING,
        body="change",
        result="written_one",
    ),
    _preflight(_EXTERNAL, case_v2.preflight),
    _case_route(
        "GET",
        _CASE,
        case_v2.get_case,
        "Get one case, or several whose ids are joined by commas",
        answers=(200, 400, 404),
        result="case_or_fetched",
    ),
    _case_route(
        "PUT",
        _CASE,
        case_v2.put_case,
        "Update one case",
        answers=(200, 400, 409, 413),
        parameters=_WRITING,
        body="change",
        result="written_one",
    ),
    _preflight(_CASE, case_v2.preflight),
)

PROCESS_ROUTES = (
    _page(
        "/healthz", process_pages.get_health, "Is the process up?", result="status"
    ),
    _page(
        "/readyz",
        process_pages.get_readiness,
        "Can it serve: is the database there, and current?",
        answers=(200, 503),
        result="status",
    ),
    _page(
        "/metrics", process_pages.get_metrics, "Metrics for Prometheus", result="text"
    ),
    _page(
        "/api/openapi.json",
        process_pages.get_description,
        "This description",
        result="object",
    ),
    _page("/api/docs", process_pages.get_docs, "This description as a page", listed=False),
    _page(
        "/api/docs/{file}",
        process_pages.get_docs_file,
        "What the page needs",
        listed=False,
    ),
)

ROUTES: tuple[Route, ...] = (*CASE_ROUTES, *PROCESS_ROUTES)


def install(app: web.Application, shell: Shell, routes: Iterable[Route]) -> None:
    """Add the routes to a server's router, and what answers everything else.

    Each path is served with and without a slash at its end, never by a redirect; a
    method that a path does not know is refused after authentication.
    """
    by_path: dict[str, list[Route]] = {}
    for route in routes:
        by_path.setdefault(route.path, []).append(route)
    for path, rows in by_path.items():
        resource = app.router.add_resource(pattern(path))
        for route in (*rows, _refusing(path, rows)):
            endpoint = _endpoint(route)
            resource.add_route(
                route.method,
                shell.wrap(endpoint),
                expect_handler=shell.expect(endpoint),
            )
    nothing = _endpoint(_NOTHING)
    app.router.add_route(
        "*", "/{path:.*}", shell.wrap(nothing), expect_handler=shell.expect(nothing)
    )


def pattern(path: str) -> str:
    """Return a path as the router takes it."""
    found = _PLACEHOLDER.sub(
        lambda name: f"{{{name[1]}:{PLACES.get(name[1], '[^/]+')}}}", path
    )
    return found if path.endswith(_TAKES_ITS_SLASHES) else found + "{slash:/*}"


def _refusing(path: str, rows: Sequence[Route]) -> Route:
    """Return the row for every method that a path does not serve."""
    allowed = [row.method for row in rows]

    async def refuse_method(_request: web.Request) -> web.Response:
        raise method_not_allowed(allowed)

    open_to_all = all(row.permission is Permission.OPEN for row in rows)
    return Route(
        method="*",
        path=path,
        handler=refuse_method,
        permission=Permission.OPEN if open_to_all else Permission.MEMBER,
        dialect=rows[0].dialect,
        listed=False,
    )


async def _refuse_path(_request: web.Request) -> web.Response:
    raise unknown_path()


_NOTHING = Route(
    method="*",
    path="unknown",
    handler=_refuse_path,
    permission=Permission.OPEN,
    dialect=PROCESS,
    listed=False,
)


def _endpoint(route: Route) -> Endpoint:
    return Endpoint(
        handler=route.handler,
        path=route.written_path,
        permission=route.permission,
        dialect=route.dialect,
    )
