"""The one table of routes: what is served where, to whom, in which dialect.

The table is the source of the server's router (``api/http/router.py``) and of the API's
description (``api/openapi/document.py``). Of two rows that fit a path the first counts.
"""

from __future__ import annotations

from typing import Any

from api.about import handlers as process_pages
from api.cases import handlers as case_v2
from api.changes.routes import CHANGES_ROUTES
from api.erasure.routes import ERASURE_ROUTES
from api.errors.routes import ERROR_ROUTES
from api.excel.routes import EXCEL_ROUTES
from api.forms.routes import LIFE_ROUTES
from api.haplo.routes import HAPLO_ROUTES
from api.history.routes import AS_OF_ROUTES, TIME_TRAVEL_ROUTES
from api.http.middleware import Handler
from api.jobs.routes import JOB_ROUTES
from api.proof.routes import PROOF_ROUTES
from api.receiver.handlers import (
    announce,
    announce_secure,
    receive_form,
    receive_secure_form,
    receive_server_form,
)
from api.sunbird.routes import SUNBIRD_ROUTES
from api.undo.routes import UNDO_ROUTES
from api.webhooks.routes import WEBHOOKS_ROUTES
from api.wire.dialects import OPENROSA, PROCESS
from api.wire.permissions import Permission
from api.wire.route import Route, json_route, preflight

CASES = "Case Data API v2"
DEVICES = "Devices"
PROCESS_TAG = "Process"

_LIST = "/a/{domain}/{case_api}"
_CASE = "/a/{domain}/{case_api}/{case_id}"
_EXTERNAL = "/a/{domain}/{case_api}/ext/{external_id}"
_FETCH = "/a/{domain}/{case_api}/{bulk_fetch}"
_CHOICE = ("fields", "exclude")
_WRITING = (*_CHOICE, "dry_run", "idempotency_key")


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
        tag=CASES,
        **{"parameters": _CHOICE, **more},
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
    preflight(_LIST, case_v2.preflight),
    _case_route(
        "POST",
        _FETCH,
        case_v2.bulk_fetch,
        "Fetch many cases by their ids and external ids",
        answers=(200, 400, 413),
        body="bulk_fetch",
        result="fetched",
    ),
    preflight(_FETCH, case_v2.preflight_bulk_fetch),
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
    preflight(_EXTERNAL, case_v2.preflight),
    *AS_OF_ROUTES,
    _case_route(
        "GET",
        _CASE,
        case_v2.get_case,
        "Get one case, or several whose ids are joined by commas",
        answers=(200, 400, 404),
        parameters=("as_of", *_CHOICE),
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
    preflight(_CASE, case_v2.preflight),
)

_RECEIVER = "/a/{domain}/receiver"
_TAKEN = (201, 400, 403, 404, 406, 413, 422)


def _receiver(
    place: str,
    take: Handler,
    announce: Handler,
    *,
    operation: str,
    permission: Permission = Permission.OPEN,
) -> tuple[Route, Route]:
    """Return the rows of one receiver address (rules/submission.md 1.1).

    The secure addresses authenticate in their handlers, because the query string says
    how; so their rows are open.
    """

    def row(method: str, handler: Handler, **more: Any) -> Route:
        return Route(
            method=method,
            path=_RECEIVER + place,
            handler=handler,
            permission=permission,
            dialect=OPENROSA,
            tag=DEVICES,
            **more,
        )

    return (
        row(
            "POST",
            take,
            summary="Submit a form",
            operation=operation,
            answers=(*_TAKEN, 401) if "secure" in place else _TAKEN,
            body="form",
            result="openrosa",
        ),
        row(
            "HEAD",
            announce,
            summary="Ask how large a form may be",
            operation=f"announce_{operation}",
            answers=(204, 401, 403, 404, 406) if "secure" in place else (204, 404),
        ),
    )


DEVICE_ROUTES = (
    *_receiver("", receive_form, announce, operation="submit_form"),
    *_receiver(
        "/submission", receive_form, announce, operation="submit_form_as_odk_does"
    ),
    *_receiver(
        "/secure",
        receive_secure_form,
        announce_secure,
        operation="submit_form_securely",
    ),
    *_receiver(
        "/secure/{app_id}",
        receive_secure_form,
        announce_secure,
        operation="submit_form_of_app_securely",
    ),
    *_receiver(
        "/api",
        receive_server_form,
        announce,
        operation="submit_form_from_server",
        permission=Permission.EDIT_DATA,
    ),
    *_receiver("/{app_id}", receive_form, announce, operation="submit_form_of_app"),
)

PROCESS_ROUTES = (
    _page("/healthz", process_pages.get_health, "Is the process up?", result="status"),
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
    _page(
        "/api/docs", process_pages.get_docs, "This description as a page", listed=False
    ),
    _page(
        "/api/docs/{file}",
        process_pages.get_docs_file,
        "What the page needs",
        listed=False,
    ),
)

ROUTES: tuple[Route, ...] = (
    *CASE_ROUTES,
    *PROOF_ROUTES,
    *CHANGES_ROUTES,
    *WEBHOOKS_ROUTES,
    *JOB_ROUTES,
    *UNDO_ROUTES,
    *ERROR_ROUTES,
    *TIME_TRAVEL_ROUTES,
    *LIFE_ROUTES,
    *ERASURE_ROUTES,
    *EXCEL_ROUTES,
    *HAPLO_ROUTES,
    *SUNBIRD_ROUTES,
    *DEVICE_ROUTES,
    *PROCESS_ROUTES,
)
