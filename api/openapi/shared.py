"""The shapes that rows of several families name, and the one of problems. Pure."""

from __future__ import annotations

from api.openapi.shapes import (
    FLAG,
    NUMBER,
    NUMBER_OR_NULL,
    POSITION,
    POSITION_OR_NULL,
    REASON,
    TEXT,
    TEXT_OR_NULL,
    TIME,
    TIME_OR_NULL,
    Object,
    closed,
    content,
    header,
    limit,
    list_of,
    parameter,
    query,
    schema,
    wish,
)

PROBLEM = schema(
    "Problem",
    {
        "type": "object",
        "properties": {
            "error": TEXT,
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"row": POSITION, "field": TEXT, "message": TEXT},
                    "required": ["message"],
                },
            },
            "form_id": TEXT_OR_NULL,
            "xform_id": TEXT_OR_NULL,
            "request_id": TEXT,
        },
        "required": ["error"],
    },
)

# -- jobs --------------------------------------------------------------------

JOB_STATES = ("queued", "running", "done", "failed", "cancelled", "interrupted")
JOB = schema(
    "Job",
    closed(
        {
            "job_id": TEXT,
            "domain": TEXT,
            "kind": TEXT,
            "state": {"enum": list(JOB_STATES)},
            "user_id": TEXT,
            "options": {"type": "object"},
            "progress": {
                "type": "object",
                "properties": {"done": NUMBER, "total": NUMBER},
                "description": (
                    "How far it is; what else is in it depends on the kind."
                ),
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
    ),
)

# -- forms -------------------------------------------------------------------

KIND: Object = {"type": "string", "description": "The kind of an entry of the log."}
_STATE: Object = {
    "enum": [
        "normal",
        "archived",
        "deprecated",
        "duplicate",
        "error",
        "submission_error",
        "deleted",
    ]
}
_META = closed(
    dict.fromkeys(("user_id", "username", "device_id"), TEXT_OR_NULL)
    | dict.fromkeys(("time_start", "time_end", "app_version"), TEXT_OR_NULL)
)
_ATTACHMENT = closed(
    {
        "name": TEXT,
        "content_type": TEXT,
        "length": NUMBER,
        "sha256": TEXT,
        "url": TEXT,
    }
)
_STEP = closed(
    {
        "kind": KIND,
        "position": POSITION,
        "when": TIME,
        "user_id": TEXT_OR_NULL,
        "reason": TEXT_OR_NULL,
        "job_id": TEXT_OR_NULL,
        "problem": TEXT_OR_NULL,
        "deprecated_form_id": TEXT_OR_NULL,
    }
)
FORM = schema(
    "Form",
    closed(
        {
            "domain": TEXT,
            "form_id": TEXT,
            "state": _STATE,
            "xmlns": TEXT,
            "user_id": {**TEXT_OR_NULL, "description": "Who was authenticated."},
            "meta": {"oneOf": [_META, {"type": "null"}]},
            "received_on": TIME,
            "edited_on": TIME_OR_NULL,
            "deleted_on": TIME_OR_NULL,
            "server_modified_on": TIME,
            "problem": TEXT_OR_NULL,
            "orig_form_id": TEXT_OR_NULL,
            "deprecated_form_id": {
                **TEXT_OR_NULL,
                "description": "The id under which the version before this one lives.",
            },
            "in_force_form_id": {
                **TEXT_OR_NULL,
                "description": "The id of the version that the cases are folded from.",
            },
            "caused_by_form_id": TEXT_OR_NULL,
            "form_position": POSITION,
            "version": {**POSITION, "description": "The entry that holds the bytes."},
            "xml": TEXT,
            "attachments": list_of(_ATTACHMENT),
            "details": {
                "type": "object",
                "description": "What is kept of the request that brought the form.",
            },
            "cases": list_of(closed({"case_id": TEXT, "url": TEXT})),
            "history": list_of(_STEP),
        }
    ),
)
FORM_OUTCOME = schema(
    "FormOutcome",
    closed(
        {
            "form_id": TEXT,
            "changed": FLAG,
            "state": _STATE,
            "position": POSITION_OR_NULL,
            "problem": TEXT_OR_NULL,
        }
    ),
)
FORM_XML = content("application/xml", TEXT)
REASON_WISH = wish({"reason": REASON})

# -- parameters --------------------------------------------------------------

MOMENT = "ISO 8601, in UTC if no offset is given."
"""What the descriptions of parameters say that are read by ``parse_moment``."""

PAGED = (
    parameter("list_limit", limit("Items on a page.", default=50)),
    parameter(
        "list_cursor", query("cursor", "From `next`, together with the same filters.")
    ),
)
IDEMPOTENCY_KEY = parameter(
    "idempotency_key",
    header(
        "Idempotency-Key",
        "The same key and request get the same answer, written once.",
        {
            "type": "string",
            "minLength": 1,
            "maxLength": 255,
            "pattern": "^[ -~]+$",
        },
    ),
)
