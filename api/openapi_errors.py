"""The shapes of forms in error in the description of the API."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]

_TEXT: Object = {"type": "string"}
_TEXT_OR_NULL: Object = {"type": ["string", "null"]}
_NUMBER: Object = {"type": "integer", "minimum": 0}
_STATE: Object = {"enum": ["error", "submission_error"]}
_WHAT = {
    "problem": "How the problem begins, such as `InvalidCaseIndex`.",
    "xmlns": "The form's xmlns.",
    "user_id": "Who was authenticated.",
    "form_id": "The form's id.",
    "received_from": "Received at this time or after it.",
    "received_to": "Received before this time.",
}
_ERROR: Object = {
    "form_id": _TEXT,
    "state": _STATE,
    "problem": _TEXT_OR_NULL,
    "xmlns": _TEXT,
    "user_id": _TEXT_OR_NULL,
    "received_on": _TEXT,
    "orig_form_id": _TEXT_OR_NULL,
    "position": _NUMBER,
    "size": _NUMBER,
    "attachments": _NUMBER,
    "url": _TEXT,
    "xml": _TEXT,
}


def _json(name: str) -> Object:
    schema = {"$ref": f"#/components/schemas/{name}"}
    return {"application/json": {"schema": schema}}


def _query(name: str, description: str, schema: Object = _TEXT) -> Object:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": description,
        "schema": schema,
    }


SCHEMAS: Object = {
    "FormInError": {
        "type": "object",
        "properties": _ERROR,
        "required": list(_ERROR),
        "additionalProperties": False,
    },
    "FormsInError": {
        "type": "object",
        "properties": {
            "errors": {
                "type": "array",
                "items": {"$ref": "#/components/schemas/FormInError"},
            },
            "next": _TEXT_OR_NULL,
        },
        "required": ["errors", "next"],
        "additionalProperties": False,
    },
    "ErrorsWish": {
        "type": "object",
        "description": "Which XFormErrors; all that match every condition.",
        "properties": {
            **{name: {**_TEXT_OR_NULL, "description": d} for name, d in _WHAT.items()},
            "reason": {"type": ["string", "null"], "maxLength": 1000},
        },
        "additionalProperties": False,
    },
}

BODIES: Object = {"errors": _json("ErrorsWish")}

RESULTS: Object = {"errors": _json("FormsInError")}

PARAMETERS: Object = {
    "error_state": _query("state", "Only forms in this state.", _STATE),
    **{f"error_{name}": _query(name, text) for name, text in _WHAT.items()},
}
