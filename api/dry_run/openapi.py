"""The shapes of a dry run in the description of the API."""

from __future__ import annotations

from api.cases.openapi import CHANGE_OR_ROWS
from api.history.openapi import CASE_VALUE_CHANGE
from api.openapi.shapes import (
    FLAG,
    POSITION,
    TEXT,
    TEXT_OR_NULL,
    as_json,
    closed,
    content,
    list_of,
    parameter,
    query,
    schema,
)
from api.openapi.shared import KIND
from api.receiver.openapi import FORM_WITH_FILES

FORM_OR_CHANGES = (
    as_json(CHANGE_OR_ROWS)
    | content("text/xml", TEXT)
    | content("application/xml", TEXT)
    | FORM_WITH_FILES
)

PREDICTED_CASE = schema(
    "PredictedCase",
    closed(
        {
            "case_id": {
                **TEXT,
                "description": "`new:ROW` where the server would make the id.",
            },
            "new": FLAG,
            "rows": list_of(POSITION),
            "before": {"type": ["object", "null"]},
            "after": {"type": "object"},
            "changes": list_of(CASE_VALUE_CHANGE),
        }
    ),
)
PREDICTION = schema(
    "Prediction",
    closed(
        {
            "dry_run": {"const": True},
            "verdict": KIND,
            "problem": TEXT_OR_NULL,
            "form_id": TEXT_OR_NULL,
            "entries": list_of(KIND),
            "cases": list_of(PREDICTED_CASE),
            "closed_by_cascade": list_of(TEXT),
        }
    ),
)

METHOD = parameter(
    "dry_run_method",
    query(
        "method",
        "Which method of the case API a JSON object is meant for.",
        {"enum": ["POST", "PUT"], "default": "POST"},
    ),
)
