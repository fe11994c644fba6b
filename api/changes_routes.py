"""The rows of the change feed in the table of routes."""

from __future__ import annotations

from api import changes
from api.dialects import CASE_V2
from api.permissions import Permission
from api.route import Route

CHANGES = "Change feed"
_FEED = "/a/{domain}/api/ledger/v1/changes"

CHANGES_ROUTES = (
    Route(
        method="GET",
        path=f"{_FEED}/stream",
        handler=changes.stream_changes,
        permission=Permission.READ_DATA,
        dialect=CASE_V2,
        summary="Follow the log as server-sent events",
        tag=CHANGES,
        answers=(200, 400),
        parameters=("after", "last_event_id"),
        result="event_stream",
    ),
    Route(
        method="GET",
        path=_FEED,
        handler=changes.list_changes,
        permission=Permission.READ_DATA,
        dialect=CASE_V2,
        summary="Read the log entry by entry, with the cases each one changed",
        tag=CHANGES,
        answers=(200, 400),
        parameters=("after", "changes_limit", "wait"),
        result="changes",
    ),
)
