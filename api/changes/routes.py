"""The rows of the change feed in the table of routes."""

from __future__ import annotations

from api.changes import handlers as changes
from api.changes.openapi import (
    AFTER,
    CHANGES,
    CHANGES_LIMIT,
    EVENT_STREAM,
    LAST_EVENT_ID,
    WAIT,
)
from api.openapi.shapes import as_json
from api.wire.permissions import Permission
from api.wire.route import LEDGER, Route, json_route

_TAG = "Change feed"
_FEED = f"{LEDGER}/changes"

ROUTES: tuple[Route, ...] = (
    json_route(
        "GET",
        f"{_FEED}/stream",
        changes.stream_changes,
        "Follow the log as server-sent events",
        permission=Permission.READ_DATA,
        tag=_TAG,
        answers=(200, 400),
        parameters=(AFTER, LAST_EVENT_ID),
        result=EVENT_STREAM,
    ),
    json_route(
        "GET",
        _FEED,
        changes.list_changes,
        "Read the log entry by entry, with the cases each one changed",
        permission=Permission.READ_DATA,
        tag=_TAG,
        answers=(200, 400),
        parameters=(AFTER, CHANGES_LIMIT, WAIT),
        result=as_json(CHANGES),
    ),
)
