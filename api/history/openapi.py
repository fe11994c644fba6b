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
    json_of,
    limit,
    list_of,
    query,
    ref,
)

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

SCHEMAS: Object = {
    "CaseValueChange": closed({"name": TEXT, **_FROM_TO}),
    "HistoryEntry": closed({**_ENTRY, "changes": list_of(ref("CaseValueChange"))}),
    "ValueEntry": closed({**_ENTRY, **_FROM_TO}),
    "CaseHistory": closed(
        {
            "case_id": TEXT,
            "matching_records": {"type": "integer"},
            "history": list_of(ref("HistoryEntry")),
            "next": {**TEXT, "description": "Absent on the last page."},
        },
        optional=("next",),
    ),
    "CaseWhy": closed(
        {
            "case_id": TEXT,
            "property": TEXT,
            "value": _VALUE,
            "set_by": {"oneOf": [ref("ValueEntry"), {"type": "null"}]},
            "earlier": list_of(ref("ValueEntry")),
            "entries": list_of(ref("ValueEntry")),
        }
    ),
    "CaseDiff": closed(
        {
            "case_id": TEXT,
            "from": TIME,
            "to": TIME,
            "changes": list_of(ref("CaseValueChange")),
        }
    ),
}

RESULTS: Object = {
    "case_history": json_of("CaseHistory"),
    "case_why": json_of("CaseWhy"),
    "case_diff": json_of("CaseDiff"),
}

_ISO = "ISO 8601, in UTC if no offset is given."

PARAMETERS: Object = {
    "as_of": query("as_of", f"The case as the log stood at this time: {_ISO}"),
    "past_time": query(
        "time",
        f"The time of the list: {_ISO} Needed unless a cursor brings it.",
    ),
    "history_limit": limit("Entries on a page.", default=100),
    "history_cursor": query(
        "cursor",
        "The position of the last entry that was read; from `next`.",
        NUMBER,
    ),
    "why_property": query(
        "property",
        "A key of the case such as `owner_id`, the name of a property, or "
        "`properties.NAME`, `indices.NAME`, `attachments.NAME`.",
        required=True,
    ),
    "diff_from": query("from", f"The time to compare from: {_ISO}", required=True),
    "diff_to": query("to", f"The time to compare to: {_ISO} Without it now."),
}
