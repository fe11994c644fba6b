"""The shapes of time travel in the description of the API."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]

_TEXT: Object = {"type": "string"}
_TEXT_OR_NULL: Object = {"type": ["string", "null"]}
_TIME: Object = {
    "type": "string",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$",
}
_VALUE: Object = {
    "type": ["string", "boolean", "object", "null"],
    "description": "An index and an attachment are objects; null is no value.",
}


def _ref(name: str) -> Object:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(name: str) -> Object:
    return {"application/json": {"schema": _ref(name)}}


def _closed(properties: Object, *, optional: tuple[str, ...] = ()) -> Object:
    """Return an object that has these keys and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def _list(name: str) -> Object:
    return {"type": "array", "items": _ref(name)}


def _query(name: str, description: str, schema: Object, **more: Any) -> Object:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": description,
        "schema": schema,
        **more,
    }


_ENTRY: Object = {
    "position": {"type": "integer", "minimum": 1},
    "kind": _TEXT,
    "received_on": _TIME,
    "appended_on": _TIME,
    "user_id": _TEXT,
    "form_id": _TEXT_OR_NULL,
    "xmlns": _TEXT,
    "form": {**_TEXT_OR_NULL, "description": "The address of the form."},
}
_FROM_TO: Object = {"from": _VALUE, "to": _VALUE}

SCHEMAS: Object = {
    "CaseValueChange": _closed({"name": _TEXT, **_FROM_TO}),
    "HistoryEntry": _closed({**_ENTRY, "changes": _list("CaseValueChange")}),
    "ValueEntry": _closed({**_ENTRY, **_FROM_TO}),
    "CaseHistory": _closed(
        {
            "case_id": _TEXT,
            "matching_records": {"type": "integer"},
            "history": _list("HistoryEntry"),
            "next": {**_TEXT, "description": "Absent on the last page."},
        },
        optional=("next",),
    ),
    "CaseWhy": _closed(
        {
            "case_id": _TEXT,
            "property": _TEXT,
            "value": _VALUE,
            "set_by": {"oneOf": [_ref("ValueEntry"), {"type": "null"}]},
            "earlier": _list("ValueEntry"),
            "entries": _list("ValueEntry"),
        }
    ),
    "CaseDiff": _closed(
        {
            "case_id": _TEXT,
            "from": _TIME,
            "to": _TIME,
            "changes": _list("CaseValueChange"),
        }
    ),
}

RESULTS: Object = {
    "case_history": _json("CaseHistory"),
    "case_why": _json("CaseWhy"),
    "case_diff": _json("CaseDiff"),
}

_ISO = "ISO 8601, in UTC if no offset is given."

PARAMETERS: Object = {
    "as_of": _query("as_of", f"The case as the log stood at this time: {_ISO}", _TEXT),
    "past_time": _query(
        "time",
        f"The time of the list: {_ISO} Needed unless a cursor brings it.",
        _TEXT,
    ),
    "history_limit": _query(
        "limit",
        "Entries on a page.",
        {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100},
    ),
    "history_cursor": _query(
        "cursor",
        "The position of the last entry that was read; from `next`.",
        {"type": "integer", "minimum": 0},
    ),
    "why_property": _query(
        "property",
        "A key of the case such as `owner_id`, the name of a property, or "
        "`properties.NAME`, `indices.NAME`, `attachments.NAME`.",
        _TEXT,
        required=True,
    ),
    "diff_from": _query(
        "from", f"The time to compare from: {_ISO}", _TEXT, required=True
    ),
    "diff_to": _query("to", f"The time to compare to: {_ISO} Without it now.", _TEXT),
}
