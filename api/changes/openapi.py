"""The shapes of the change feed in the description of the API."""

from __future__ import annotations

from api.openapi.shapes import (
    FLAG,
    POSITION,
    TEXT,
    TEXT_OR_NULL,
    TEXTS,
    TIME,
    closed,
    content,
    header,
    limit,
    list_of,
    parameter,
    query,
    schema,
)

_LOGGED_CHANGE = schema(
    "LoggedChange",
    closed(
        {
            "position": POSITION,
            "kind": TEXT,
            "form_id": TEXT_OR_NULL,
            "orig_form_id": TEXT_OR_NULL,
            "xmlns": TEXT,
            "user_id": TEXT,
            "received_on": TIME,
            "appended_on": TIME,
            "problem": TEXT_OR_NULL,
            "case_ids": TEXTS,
            "cursor": TEXT,
        }
    ),
)
CHANGES = closed({"changes": list_of(_LOGGED_CHANGE), "cursor": TEXT, "more": FLAG})
EVENT_STREAM = content("text/event-stream", TEXT)

AFTER = parameter(
    "after",
    query(
        "after",
        "The cursor behind which to begin; `now` begins at the present, nothing at "
        "the first entry.",
    ),
)
CHANGES_LIMIT = parameter(
    "changes_limit", limit("How many entries to answer at most.", default=100)
)
WAIT = parameter(
    "wait",
    query(
        "wait",
        "How many seconds to wait for an entry when there is none yet.",
        {"type": "integer", "minimum": 0, "maximum": 60, "default": 0},
    ),
)
LAST_EVENT_ID = parameter(
    "last_event_id",
    header(
        "Last-Event-ID",
        "The id of the last event that was received; it goes before `after`.",
    ),
)
