"""The shapes of an erasure in the description of the API."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]

_TEXT: Object = {"type": "string"}
_NUMBER: Object = {"type": "integer", "minimum": 0}
_POSITION: Object = {"type": "integer", "minimum": 1}


def _closed(properties: Object) -> Object:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(items: Object) -> Object:
    return {"type": "array", "items": items}


def _ref(name: str) -> Object:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(schema: Object) -> Object:
    return {"application/json": {"schema": schema}}


_FORM = _closed(
    {
        "form_id": {"type": ["string", "null"]},
        "state": _TEXT,
        "position": _POSITION,
    }
)
_FORMS = _closed({"count": _NUMBER, "listed": _list(_FORM)})
_FILE = _closed({"name": _TEXT, "sha256": _TEXT, "length": _NUMBER})

SCHEMAS: Object = {
    "ErasureWish": {
        "type": "object",
        "description": "`reason` is needed unless `dry_run` is true.",
        "properties": {
            "reason": {"type": ["string", "null"], "maxLength": 1000},
            "dry_run": {"type": "boolean"},
        },
        "additionalProperties": False,
    },
    "ErasurePreview": _closed(
        {
            "case_id": _TEXT,
            "forms": _FORMS,
            "files": _list(_FILE),
            "mentioned": _FORMS,
        }
    ),
    "Erased": _closed(
        {
            "case_id": _TEXT,
            "position": _POSITION,
            "forms": _NUMBER,
            "files": _NUMBER,
            "job_id": _TEXT,
        }
    ),
}

BODIES: Object = {"erasure": _json(_ref("ErasureWish"))}

RESULTS: Object = {
    "erasure": _json({"anyOf": [_ref("ErasurePreview"), _ref("Erased")]})
}
