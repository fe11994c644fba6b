"""The shapes of jobs in the description of the API."""

from __future__ import annotations

from api.openapi.shapes import (
    FLAG,
    NUMBER,
    NUMBER_OR_NULL,
    TEXT,
    TEXT_OR_NULL,
    TIME,
    TIME_OR_NULL,
    Object,
    closed,
    json_of,
    limit,
    list_of,
    query,
    ref,
)

_OBJECT: Object = {"type": "object"}
_STATES = ["queued", "running", "done", "failed", "cancelled"]
_JOB: Object = {
    "job_id": TEXT,
    "domain": TEXT,
    "kind": TEXT,
    "state": {"enum": _STATES},
    "user_id": TEXT,
    "options": _OBJECT,
    "progress": {
        "type": "object",
        "properties": {"done": NUMBER, "total": NUMBER},
        "description": "How far it is; what else is in it depends on the kind.",
    },
    "result": {"type": ["object", "null"]},
    "problem": TEXT_OR_NULL,
    "attempts": NUMBER,
    "cancel_asked": FLAG,
    "first_position": NUMBER_OR_NULL,
    "last_position": NUMBER_OR_NULL,
    "created_on": TIME,
    "started_on": TIME_OR_NULL,
    "finished_on": TIME_OR_NULL,
}

SCHEMAS: Object = {
    "Job": closed(_JOB),
    "Jobs": closed({"jobs": list_of(ref("Job")), "next": TEXT_OR_NULL}),
}

RESULTS: Object = {"job": json_of("Job"), "jobs": json_of("Jobs")}

PARAMETERS: Object = {
    "job_kind": query("kind", "Only jobs of this kind."),
    "job_state": query("state", "Only jobs in this state.", {"enum": _STATES}),
    "list_limit": limit("Items on a page.", default=50),
    "list_cursor": query("cursor", "From `next`, together with the same filters."),
}
