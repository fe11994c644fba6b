"""The shapes of forms in error in the description of the API."""

from __future__ import annotations

from api.openapi.shapes import (
    NUMBER,
    REASON,
    TEXT,
    TEXT_OR_NULL,
    Object,
    closed,
    list_of,
    parameter,
    query,
    schema,
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

_FORM_IN_ERROR = schema(
    "FormInError",
    closed(
        {
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
    ),
)
FORMS_IN_ERROR = schema(
    "FormsInError", closed({"errors": list_of(_FORM_IN_ERROR), "next": TEXT_OR_NULL})
)
ERRORS_WISH = schema(
    "ErrorsWish",
    wish(
        {
            **{name: {**TEXT_OR_NULL, "description": d} for name, d in _WHAT.items()},
            "reason": REASON,
        },
        description="Which XFormErrors; all that match every condition.",
    ),
)

FILTERS = (
    parameter("error_state", query("state", "Only forms in this state.", _STATE)),
    *(parameter(f"error_{name}", query(name, text)) for name, text in _WHAT.items()),
)
