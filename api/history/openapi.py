"""The shapes of time travel in the description of the API."""

from __future__ import annotations

from api.openapi.shapes import (
    NUMBER,
    POSITION,
    TEXT,
    TEXT_OR_NULL,
    TIME,
    Object,
    closed,
    limit,
    list_of,
    parameter,
    query,
    schema,
)
from api.openapi.shared import MOMENT

_VALUE: Object = {
    "type": ["string", "boolean", "object", "null"],
    "description": "An index and an attachment are objects; null is no value.",
}
_ENTRY: Object = {
    "position": POSITION,
    "kind": TEXT,
    "received_on": TIME,
    "appended_on": TIME,
    "user_id": TEXT,
    "form_id": TEXT_OR_NULL,
    "xmlns": TEXT,
    "form": {**TEXT_OR_NULL, "description": "The address of the form."},
}
_FROM_TO: Object = {"from": _VALUE, "to": _VALUE}

CASE_VALUE_CHANGE = schema("CaseValueChange", closed({"name": TEXT, **_FROM_TO}))

_HISTORY_ENTRY = schema(
    "HistoryEntry", closed({**_ENTRY, "changes": list_of(CASE_VALUE_CHANGE)})
)
CASE_HISTORY = schema(
    "CaseHistory",
    closed(
        {
            "case_id": TEXT,
            "matching_records": {"type": "integer"},
            "history": list_of(_HISTORY_ENTRY),
            "next": {**TEXT, "description": "Absent on the last page."},
        },
        optional=("next",),
    ),
)
HISTORY_PAGE = (
    parameter("history_limit", limit("Entries on a page.", default=100)),
    parameter(
        "history_cursor",
        query(
            "cursor",
            "The position of the last entry that was read; from `next`.",
            NUMBER,
        ),
    ),
)

_VALUE_ENTRY = schema("ValueEntry", closed({**_ENTRY, **_FROM_TO}))
CASE_WHY = schema(
    "CaseWhy",
    closed(
        {
            "case_id": TEXT,
            "property": TEXT,
            "value": _VALUE,
            "set_by": {"oneOf": [_VALUE_ENTRY, {"type": "null"}]},
            "earlier": list_of(_VALUE_ENTRY),
            "entries": list_of(_VALUE_ENTRY),
        }
    ),
)
WHY_PROPERTY = parameter(
    "why_property",
    query(
        "property",
        "A key of the case such as `owner_id`, the name of a property, or "
        "`properties.NAME`, `indices.NAME`, `attachments.NAME`.",
        required=True,
    ),
)

CASE_DIFF = schema(
    "CaseDiff",
    closed(
        {
            "case_id": TEXT,
            "from": TIME,
            "to": TIME,
            "changes": list_of(CASE_VALUE_CHANGE),
        }
    ),
)
DIFF_TIMES = (
    parameter(
        "diff_from",
        query("from", f"The time to compare from: {MOMENT}", required=True),
    ),
    parameter(
        "diff_to", query("to", f"The time to compare to: {MOMENT} Without it now.")
    ),
)
