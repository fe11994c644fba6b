"""The shapes of forms in error in the description of the API."""

from __future__ import annotations

from api.openapi.shapes import (
    NUMBER,
    REASON,
    TEXT,
    TEXT_OR_NULL,
    Object,
    closed,
    json_of,
    list_of,
    query,
    ref,
    wish,
)

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
    "form_id": TEXT,
    "state": _STATE,
    "problem": TEXT_OR_NULL,
    "xmlns": TEXT,
    "user_id": TEXT_OR_NULL,
    "received_on": TEXT,
    "orig_form_id": TEXT_OR_NULL,
    "position": NUMBER,
    "size": NUMBER,
    "attachments": NUMBER,
    "url": TEXT,
    "xml": TEXT,
}

SCHEMAS: Object = {
    "FormInError": closed(_ERROR),
    "FormsInError": closed(
        {"errors": list_of(ref("FormInError")), "next": TEXT_OR_NULL}
    ),
    "ErrorsWish": wish(
        {
            **{name: {**TEXT_OR_NULL, "description": d} for name, d in _WHAT.items()},
            "reason": REASON,
        },
        description="Which XFormErrors; all that match every condition.",
    ),
}

BODIES: Object = {"errors": json_of("ErrorsWish")}

RESULTS: Object = {"errors": json_of("FormsInError")}

PARAMETERS: Object = {
    "error_state": query("state", "Only forms in this state.", _STATE),
    **{f"error_{name}": query(name, text) for name, text in _WHAT.items()},
}
