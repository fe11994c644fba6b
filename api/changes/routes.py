"""The rows of the change feed in the table of routes."""

from __future__ import annotations

from api.changes import handlers as changes
from api.wire.permissions import Permission
from api.wire.route import LEDGER, Route, json_route

CHANGES = "Change feed"
_FEED = f"{LEDGER}/changes"

ROUTES: tuple[Route, ...] = (
    json_route(
        "GET",
        f"{_FEED}/stream",
        changes.stream_changes,
        "Follow the log as server-sent events",
        permission=Permission.READ_DATA,
        tag=CHANGES,
        answers=(200, 400),
        parameters=("after", "last_event_id"),
        result="event_stream",
    ),
    json_route(
        "GET",
        _FEED,
        changes.list_changes,
        "Read the log entry by entry, with the cases each one changed",
        permission=Permission.READ_DATA,
        tag=CHANGES,
        answers=(200, 400),
        parameters=("after", "changes_limit", "wait"),
        result="changes",
    ),
)
