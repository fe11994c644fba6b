"""The shapes of jobs in the description of the API."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]

_TEXT: Object = {"type": "string"}
_TEXT_OR_NULL: Object = {"type": ["string", "null"]}
_NUMBER: Object = {"type": "integer", "minimum": 0}
_NUMBER_OR_NULL: Object = {"type": ["integer", "null"]}
_TIME: Object = {
    "type": "string",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$",
}
_TIME_OR_NULL: Object = {"oneOf": [_TIME, {"type": "null"}]}
_OBJECT: Object = {"type": "object"}
_STATES = ["queued", "running", "done", "failed", "cancelled"]
_JOB: Object = {
    "job_id": _TEXT,
    "domain": _TEXT,
    "kind": _TEXT,
    "state": {"enum": _STATES},
    "user_id": _TEXT,
    "options": _OBJECT,
    "progress": {
        "type": "object",
        "properties": {"done": _NUMBER, "total": _NUMBER},
        "description": "How far it is; what else is in it depends on the kind.",
    },
    "result": {"type": ["object", "null"]},
    "problem": _TEXT_OR_NULL,
    "attempts": _NUMBER,
    "cancel_asked": {"type": "boolean"},
    "first_position": _NUMBER_OR_NULL,
    "last_position": _NUMBER_OR_NULL,
    "created_on": _TIME,
    "started_on": _TIME_OR_NULL,
    "finished_on": _TIME_OR_NULL,
}

SCHEMAS: Object = {
    "Job": {
        "type": "object",
        "properties": _JOB,
        "required": list(_JOB),
        "additionalProperties": False,
    },
    "Jobs": {
        "type": "object",
        "properties": {
            "jobs": {"type": "array", "items": {"$ref": "#/components/schemas/Job"}},
            "next": _TEXT_OR_NULL,
        },
        "required": ["jobs", "next"],
        "additionalProperties": False,
    },
}

RESULTS: Object = {
    "job": {"application/json": {"schema": {"$ref": "#/components/schemas/Job"}}},
    "jobs": {"application/json": {"schema": {"$ref": "#/components/schemas/Jobs"}}},
}


def _query(name: str, description: str, schema: Object | None = None) -> Object:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": description,
        "schema": schema or _TEXT,
    }


PARAMETERS: Object = {
    "job_kind": _query("kind", "Only jobs of this kind."),
    "job_state": _query("state", "Only jobs in this state.", {"enum": _STATES}),
    "list_limit": _query(
        "limit",
        "Items on a page.",
        {"type": "integer", "minimum": 1, "maximum": 1000, "default": 50},
    ),
    "list_cursor": _query("cursor", "From `next`, together with the same filters."),
}
