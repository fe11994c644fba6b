"""The life of forms and cases in the description of the API."""

from __future__ import annotations

from api.openapi.shapes import (
    FLAG,
    FORM_UPLOAD,
    NUMBER,
    POSITION,
    POSITION_OR_NULL,
    REASON,
    TEXT,
    TEXT_OR_NULL,
    TIME,
    TIME_OR_NULL,
    Object,
    as_json,
    case_changes,
    closed,
    json_of,
    list_of,
    query,
    ref,
    wish,
)

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
_KIND: Object = {"type": "string", "description": "The kind of an entry of the log."}


_META = closed(
    dict.fromkeys(("user_id", "username", "device_id"), TEXT_OR_NULL)
    | dict.fromkeys(("time_start", "time_end", "app_version"), TEXT_OR_NULL)
)
_FORM = closed(
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
        "attachments": list_of(
            closed(
                {
                    "name": TEXT,
                    "content_type": TEXT,
                    "length": NUMBER,
                    "sha256": TEXT,
                    "url": TEXT,
                }
            )
        ),
        "details": {
            "type": "object",
            "description": "What is kept of the request that brought the form.",
        },
        "cases": list_of(closed({"case_id": TEXT, "url": TEXT})),
        "history": list_of(
            closed(
                {
                    "kind": _KIND,
                    "position": POSITION,
                    "when": TIME,
                    "user_id": TEXT_OR_NULL,
                    "reason": TEXT_OR_NULL,
                    "job_id": TEXT_OR_NULL,
                    "problem": TEXT_OR_NULL,
                    "deprecated_form_id": TEXT_OR_NULL,
                }
            )
        ),
    }
)
_FORM_OUTCOME = closed(
    {
        "form_id": TEXT,
        "changed": FLAG,
        "state": _STATE,
        "position": POSITION_OR_NULL,
        "problem": TEXT_OR_NULL,
    }
)
_CASE_OUTCOME = closed({"case_id": TEXT, "changed": FLAG, "position": POSITION_OR_NULL})
_PREDICTED_CASE = closed(
    {
        "case_id": {
            **TEXT,
            "description": "`new:ROW` where the server would make the id.",
        },
        "new": FLAG,
        "rows": list_of(POSITION),
        "before": {"type": ["object", "null"]},
        "after": {"type": "object"},
        "changes": list_of(ref("CaseValueChange")),
    }
)
_PREDICTION = closed(
    {
        "dry_run": {"const": True},
        "verdict": _KIND,
        "problem": TEXT_OR_NULL,
        "form_id": TEXT_OR_NULL,
        "entries": list_of(_KIND),
        "cases": list_of(ref("PredictedCase")),
        "closed_by_cascade": list_of(TEXT),
    }
)

SCHEMAS: Object = {
    "Form": _FORM,
    "FormOutcome": _FORM_OUTCOME,
    "CaseOutcome": _CASE_OUTCOME,
    "PredictedCase": _PREDICTED_CASE,
    "Prediction": _PREDICTION,
}

BODIES: Object = {
    "reason": as_json(wish({"reason": REASON})),
    "dry_run": {
        **case_changes(),
        "text/xml": {"schema": TEXT},
        "application/xml": {"schema": TEXT},
        **FORM_UPLOAD,
    },
}

RESULTS: Object = {
    "form_seen": json_of("Form"),
    "form_outcome": json_of("FormOutcome"),
    "case_outcome": json_of("CaseOutcome"),
    "prediction": json_of("Prediction"),
    "form_xml": {"application/xml": {"schema": TEXT}},
    "attachment": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
}

PARAMETERS: Object = {
    "dry_run_method": query(
        "method",
        "Which method of the case API a JSON object is meant for.",
        {"enum": ["POST", "PUT"], "default": "POST"},
    )
}
