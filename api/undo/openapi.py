"""The shapes of undo in the description of the API."""

from __future__ import annotations

from api.openapi.shapes import (
    FLAG,
    FLAG_OR_NULL,
    NUMBER,
    REASON,
    TEXT,
    TEXT_OR_NULL,
    Object,
    any_of,
    closed,
    list_of,
    schema,
    wish,
)
from api.openapi.shared import JOB

_HOW: Object = {"reason": REASON, "dry_run": FLAG_OR_NULL}
UNDO_WISH = schema(
    "UndoWish",
    wish(
        {
            "form_id": TEXT_OR_NULL,
            "job_id": TEXT_OR_NULL,
            "user_id": TEXT_OR_NULL,
            "from": TEXT_OR_NULL,
            "to": TEXT_OR_NULL,
            **_HOW,
        },
        description="One of the three ids; the times go with `user_id`.",
    ),
)
UNDO_JOB_WISH = schema("UndoJobWish", wish(_HOW))

_BECOMES = ("changed", "deleted", "present", "unchanged")
_COUNTS: Object = {"type": "object", "additionalProperties": NUMBER}
_CHANGE = closed({"name": TEXT, "from": {}, "to": {}})
_CASE = closed(
    {
        "case_id": TEXT,
        "case_type": TEXT,
        "case_name": TEXT,
        "becomes": {"enum": list(_BECOMES)},
        "changes": list_of(_CHANGE),
        "overlaps": list_of(closed({"form_id": TEXT, "names": list_of(TEXT)})),
    }
)
_SKIPPED = closed({"form_id": TEXT, "state": TEXT, "problem": TEXT_OR_NULL})
_PREVIEW = schema(
    "UndoPreview",
    closed(
        {
            "forms": _COUNTS,
            "skipped": closed({"count": NUMBER, "forms": list_of(_SKIPPED)}),
            "left": _COUNTS,
            "cases": closed(
                {
                    **dict.fromkeys(_BECOMES, NUMBER),
                    "overlapping": NUMBER,
                    "detailed": list_of(_CASE),
                }
            ),
            "truncated": FLAG,
        }
    ),
)
UNDO_RESULT = any_of(_PREVIEW, JOB)
