"""The shapes of undo in the description of the API."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]

_TEXT: Object = {"type": "string"}
_BECOMES = ("changed", "deleted", "present", "unchanged")
_TEXT_OR_NULL: Object = {"type": ["string", "null"]}
_FLAG: Object = {"type": "boolean"}
_NUMBER: Object = {"type": "integer", "minimum": 0}
_COUNTS: Object = {"type": "object", "additionalProperties": _NUMBER}
_REASON: Object = {"type": ["string", "null"], "maxLength": 1000}
_HOW: Object = {"reason": _REASON, "dry_run": _FLAG}


def _json(name: str) -> Object:
    schema = {"$ref": f"#/components/schemas/{name}"}
    return {"application/json": {"schema": schema}}


def _closed(properties: Object) -> Object:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(items: Object) -> Object:
    return {"type": "array", "items": items}


_CHANGE = _closed({"name": _TEXT, "from": {}, "to": {}})
_CASE = _closed(
    {
        "case_id": _TEXT,
        "case_type": _TEXT,
        "case_name": _TEXT,
        "becomes": {"enum": list(_BECOMES)},
        "changes": _list(_CHANGE),
        "overlaps": _list(_closed({"form_id": _TEXT, "names": _list(_TEXT)})),
    }
)

SCHEMAS: Object = {
    "UndoWish": {
        "type": "object",
        "description": "One of the three ids; the times go with `user_id`.",
        "properties": {
            "form_id": _TEXT_OR_NULL,
            "job_id": _TEXT_OR_NULL,
            "user_id": _TEXT_OR_NULL,
            "from": _TEXT_OR_NULL,
            "to": _TEXT_OR_NULL,
            **_HOW,
        },
        "additionalProperties": False,
    },
    "UndoJobWish": {
        "type": "object",
        "properties": _HOW,
        "additionalProperties": False,
    },
    "UndoPreview": _closed(
        {
            "forms": _COUNTS,
            "skipped": _closed(
                {
                    "count": _NUMBER,
                    "forms": _list(
                        _closed(
                            {
                                "form_id": _TEXT,
                                "state": _TEXT,
                                "problem": _TEXT_OR_NULL,
                            }
                        )
                    ),
                }
            ),
            "left": _COUNTS,
            "cases": _closed(
                {
                    **dict.fromkeys(_BECOMES, _NUMBER),
                    "overlapping": _NUMBER,
                    "detailed": _list(_CASE),
                }
            ),
            "truncated": _FLAG,
        }
    ),
}

BODIES: Object = {"undo": _json("UndoWish"), "undo_job": _json("UndoJobWish")}

RESULTS: Object = {
    "undo": {
        "application/json": {
            "schema": {
                "anyOf": [
                    {"$ref": "#/components/schemas/UndoPreview"},
                    {"$ref": "#/components/schemas/Job"},
                ]
            }
        }
    }
}
