"""The life of forms and cases in the description of the API."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]

_TEXT: Object = {"type": "string"}
_TEXT_OR_NULL: Object = {"type": ["string", "null"]}
_FLAG: Object = {"type": "boolean"}
_POSITION: Object = {"type": "integer", "minimum": 1}
_POSITION_OR_NULL: Object = {"type": ["integer", "null"], "minimum": 1}
_TIME: Object = {
    "type": "string",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$",
}
_TIME_OR_NULL: Object = {"oneOf": [_TIME, {"type": "null"}]}
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


def _json(schema: Object) -> Object:
    return {"application/json": {"schema": schema}}


def _ref(name: str) -> Object:
    return {"$ref": f"#/components/schemas/{name}"}


def _closed(properties: Object) -> Object:
    """Return an object that has these keys and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(items: Object) -> Object:
    return {"type": "array", "items": items}


_META = _closed(
    dict.fromkeys(("user_id", "username", "device_id"), _TEXT_OR_NULL)
    | dict.fromkeys(("time_start", "time_end", "app_version"), _TEXT_OR_NULL)
)
_FORM = _closed(
    {
        "domain": _TEXT,
        "form_id": _TEXT,
        "state": _STATE,
        "xmlns": _TEXT,
        "user_id": {**_TEXT_OR_NULL, "description": "Who was authenticated."},
        "meta": {"oneOf": [_META, {"type": "null"}]},
        "received_on": _TIME,
        "edited_on": _TIME_OR_NULL,
        "deleted_on": _TIME_OR_NULL,
        "server_modified_on": _TIME,
        "problem": _TEXT_OR_NULL,
        "orig_form_id": _TEXT_OR_NULL,
        "deprecated_form_id": {
            **_TEXT_OR_NULL,
            "description": "The id under which the version before this one lives.",
        },
        "in_force_form_id": {
            **_TEXT_OR_NULL,
            "description": "The id of the version that the cases are folded from.",
        },
        "caused_by_form_id": _TEXT_OR_NULL,
        "form_position": _POSITION,
        "version": {**_POSITION, "description": "The entry that holds the bytes."},
        "xml": _TEXT,
        "attachments": _list(
            _closed(
                {
                    "name": _TEXT,
                    "content_type": _TEXT,
                    "length": {"type": "integer", "minimum": 0},
                    "sha256": _TEXT,
                    "url": _TEXT,
                }
            )
        ),
        "details": {
            "type": "object",
            "description": "What is kept of the request that brought the form.",
        },
        "cases": _list(_closed({"case_id": _TEXT, "url": _TEXT})),
        "history": _list(
            _closed(
                {
                    "kind": _KIND,
                    "position": _POSITION,
                    "when": _TIME,
                    "user_id": _TEXT_OR_NULL,
                    "reason": _TEXT_OR_NULL,
                    "job_id": _TEXT_OR_NULL,
                    "problem": _TEXT_OR_NULL,
                    "deprecated_form_id": _TEXT_OR_NULL,
                }
            )
        ),
    }
)
_FORM_OUTCOME = _closed(
    {
        "form_id": _TEXT,
        "changed": _FLAG,
        "state": _STATE,
        "position": _POSITION_OR_NULL,
        "problem": _TEXT_OR_NULL,
    }
)
_CASE_OUTCOME = _closed(
    {"case_id": _TEXT, "changed": _FLAG, "position": _POSITION_OR_NULL}
)
_PREDICTED_CASE = _closed(
    {
        "case_id": {
            **_TEXT,
            "description": "`new:ROW` where the server would make the id.",
        },
        "new": _FLAG,
        "rows": _list({"type": "integer", "minimum": 1}),
        "before": {"type": ["object", "null"]},
        "after": {"type": "object"},
        "changes": _list(_ref("CaseValueChange")),
    }
)
_PREDICTION = _closed(
    {
        "dry_run": {"const": True},
        "verdict": _KIND,
        "problem": _TEXT_OR_NULL,
        "form_id": _TEXT_OR_NULL,
        "entries": _list(_KIND),
        "cases": _list(_ref("PredictedCase")),
        "closed_by_cascade": _list(_TEXT),
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
    "reason": _json(
        {
            "type": "object",
            "properties": {"reason": {**_TEXT_OR_NULL, "maxLength": 1000}},
            "additionalProperties": False,
        }
    ),
    "dry_run": {
        **_json(
            {
                "anyOf": [
                    _ref("Change"),
                    {"type": "array", "items": _ref("Row"), "maxItems": 100},
                ]
            }
        ),
        "text/xml": {"schema": _TEXT},
        "application/xml": {"schema": _TEXT},
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {"xml_submission_file": _TEXT},
                "required": ["xml_submission_file"],
            }
        },
    },
}

RESULTS: Object = {
    "form_seen": _json(_ref("Form")),
    "form_outcome": _json(_ref("FormOutcome")),
    "case_outcome": _json(_ref("CaseOutcome")),
    "prediction": _json(_ref("Prediction")),
    "form_xml": {"application/xml": {"schema": _TEXT}},
    "attachment": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
}

PARAMETERS: Object = {
    "dry_run_method": {
        "name": "method",
        "in": "query",
        "required": False,
        "description": "Which method of the case API a JSON object is meant for.",
        "schema": {"enum": ["POST", "PUT"], "default": "POST"},
    }
}
