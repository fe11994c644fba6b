"""The rows of what the process says about itself in the table of routes."""

from __future__ import annotations

from typing import Any

from api.about import handlers as about
from api.about.openapi import DESCRIPTION, SCHEMA, STATUS
from api.http.middleware import Handler
from api.openapi.shapes import PLAIN_TEXT, as_json
from api.wire.dialects import PROCESS
from api.wire.permissions import Permission
from api.wire.route import Route


def _page(path: str, handler: Handler, summary: str, **more: Any) -> Route:
    return Route(
        method="GET",
        path=path,
        handler=handler,
        permission=Permission.OPEN,
        dialect=PROCESS,
        summary=summary,
        tag="Process",
        **more,
    )


ROUTES: tuple[Route, ...] = (
    _page("/healthz", about.get_health, "Is the process up?", result=as_json(STATUS)),
    _page(
        "/readyz",
        about.get_readiness,
        "Can it serve: is the database there, and current?",
        answers=(200, 503),
        result=as_json(STATUS),
    ),
    _page("/metrics", about.get_metrics, "Metrics for Prometheus", result=PLAIN_TEXT),
    _page(
        "/api/openapi.json",
        about.get_description,
        "This description",
        result=as_json(DESCRIPTION),
    ),
    _page("/api/docs", about.get_docs, "This description as a page", listed=False),
    _page(
        "/api/docs/{file}",
        about.get_docs_file,
        "What the page needs",
        listed=False,
    ),
    _page(
        "/api/schemas/{schema}",
        about.get_schema,
        "A schema of forms, of answers to devices, or of control files",
        answers=(200, 304, 404),
        result=SCHEMA,
    ),
)
