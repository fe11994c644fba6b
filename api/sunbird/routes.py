"""The rows of Sunbird's bulk upload in the table of routes.

``rules/batch-imports.md`` 2.1: every address is served with and without ``api/`` in
front. They come before those of other APIs that have a placeholder in the same place
(rule R0.2).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from api.openapi.shapes import as_json
from api.sunbird import handlers as sunbird
from api.sunbird.dialect import (
    LOCATION_UPLOAD,
    ORG_UPLOAD,
    STATUS,
    USER_UPLOAD,
    dialect_of,
)
from api.sunbird.openapi import (
    LOCATIONS,
    ORGANISATIONS,
    UPLOAD_STATUS,
    UPLOAD_TAKEN,
    USERS,
)
from api.sunbird.sign_in import identify
from api.wire.permissions import Permission
from api.wire.route import Content, Route

_TAG = "Sunbird bulk upload"


def _route(
    method: str,
    place: str,
    handler: Callable[..., Any],
    summary: str,
    *,
    api_id: str,
    **more: Any,
) -> Route:
    return Route(
        method=method,
        path=f"/a/{{domain}}/{place}",
        handler=handler,
        summary=summary,
        permission=Permission.EDIT_DATA,
        dialect=dialect_of(api_id),
        tag=_TAG,
        identify=identify,
        **more,
    )


def _upload(
    place: str, handler: Callable[..., Any], summary: str, *, api_id: str, body: Content
) -> Route:
    return _route(
        "POST",
        place,
        handler,
        summary,
        api_id=api_id,
        answers=(200, 400, 404, 413),
        body=body,
        result=as_json(UPLOAD_TAKEN),
    )


ROUTES: tuple[Route, ...] = (
    _upload(
        "{user_upload}",
        sunbird.upload_users,
        "Upload users",
        api_id=USER_UPLOAD,
        body=USERS,
    ),
    _upload(
        "{org_upload}",
        sunbird.upload_organisations,
        "Upload organisations",
        api_id=ORG_UPLOAD,
        body=ORGANISATIONS,
    ),
    _upload(
        "{location_upload}",
        sunbird.upload_locations,
        "Upload locations of one type",
        api_id=LOCATION_UPLOAD,
        body=LOCATIONS,
    ),
    _route(
        "GET",
        "{upload_status}/{process_id}",
        sunbird.upload_process,
        "Show how an upload stands, and its rows in the end",
        api_id=STATUS,
        answers=(200, 404),
        result=as_json(UPLOAD_STATUS),
    ),
)
