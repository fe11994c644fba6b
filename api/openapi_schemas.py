"""The shapes that the description of the API refers to: bodies, answers, parameters."""

from __future__ import annotations

from typing import Any

from api import (
    openapi_changes,
    openapi_erasure,
    openapi_errors,
    openapi_jobs,
    openapi_life,
    openapi_proof,
    openapi_time_travel,
    openapi_undo,
)

Object = dict[str, Any]

_TEXT: Object = {"type": "string"}
_TEXT_OR_NULL: Object = {"type": ["string", "null"]}
_TIME: Object = {
    "type": "string",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$",
    "examples": ["2026-05-01T09:30:00.000000Z"],
}
_NAMED_TEXTS: Object = {"type": "object", "additionalProperties": _TEXT}


def _json(schema: Object) -> Object:
    return {"application/json": {"schema": schema}}


def _ref(name: str) -> Object:
    return {"$ref": f"#/components/schemas/{name}"}


def _closed(properties: Object, *, optional: tuple[str, ...] = ()) -> Object:
    """Return an object that has these keys and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


_INDEX = _closed(
    {
        "case_id": _TEXT,
        "case_type": _TEXT,
        "relationship": {"enum": ["child", "extension"]},
    }
)
_CASE_KEYS: Object = {
    "domain": _TEXT,
    "case_id": _TEXT,
    "case_type": _TEXT,
    "case_name": _TEXT,
    "external_id": _TEXT_OR_NULL,
    "owner_id": _TEXT,
    "date_opened": _TIME,
    "last_modified": _TIME,
    "server_last_modified": _TIME,
    "indexed_on": _TIME,
    "closed": {"type": "boolean"},
    "date_closed": {"oneOf": [_TIME, {"type": "null"}]},
    "properties": _NAMED_TEXTS,
    "indices": {
        "type": "object",
        "additionalProperties": {"$ref": "#/components/schemas/Index"},
    },
}
# Which keys are there depends on ``fields`` and ``exclude``, so none is required.
_CASE = _closed(_CASE_KEYS, optional=tuple(_CASE_KEYS))
_CASE["description"] = "All keys are there unless `fields` or `exclude` chose."
_STUB: Object = {
    "type": "object",
    "properties": {
        "case_id": _TEXT,
        "external_id": _TEXT,
        "error": {"const": "not found"},
    },
    "required": ["error"],
    "additionalProperties": False,
}
_INDEX_WISH: Object = {
    "type": "object",
    "description": "One of the three ids; all empty removes the index.",
    "properties": {
        "case_id": _TEXT_OR_NULL,
        "external_id": _TEXT_OR_NULL,
        "temporary_id": _TEXT_OR_NULL,
        "case_type": _TEXT_OR_NULL,
        "relationship": {"enum": ["child", "extension", None]},
    },
}
_SHORT: Object = {"type": ["string", "null"], "maxLength": 255}
_CHANGE_KEYS: Object = {
    "case_id": _TEXT_OR_NULL,
    "case_type": _SHORT,
    "case_name": _SHORT,
    "owner_id": _SHORT,
    "external_id": _SHORT,
    "temporary_id": _TEXT_OR_NULL,
    "properties": {
        "type": ["object", "null"],
        "additionalProperties": _TEXT,
        "propertyNames": {"pattern": r"^[A-Za-z_][A-Za-z0-9_.\-]*$"},
        "description": "Names are XML names; values are text, kept as sent.",
    },
    "indices": {
        "type": ["object", "null"],
        "additionalProperties": {"$ref": "#/components/schemas/IndexWish"},
        "propertyNames": {"pattern": r"^[A-Za-z_][A-Za-z0-9_.\-]*$"},
    },
    "close": {"type": ["boolean", "null"]},
    "user_id": {"description": "Accepted and ignored: the user who writes counts."},
}
_CHANGE = _closed(_CHANGE_KEYS, optional=tuple(_CHANGE_KEYS))
_ROW = _closed(
    {
        "create": {
            "type": ["boolean", "null"],
            "description": "true creates, false updates, null or absent upserts.",
        },
        **_CHANGE_KEYS,
    },
    optional=("create", *_CHANGE_KEYS),
)
_FORM_IDS: Object = {"form_id": _TEXT_OR_NULL, "xform_id": _TEXT_OR_NULL}
_WRITTEN_ONE = _closed({**_FORM_IDS, "case": _ref("Case")})
_WRITTEN_MANY = _closed(
    {**_FORM_IDS, "cases": {"type": "array", "items": _ref("Case")}}
)
_TRIED = _closed(
    {"dry_run": {"const": True}, "errors": {"type": "array", "maxItems": 0}}
)
_FETCHED = _closed(
    {
        "cases": {"type": "array", "items": {"anyOf": [_ref("Case"), _ref("Stub")]}},
        "matching_records": {"type": "integer"},
        "missing_records": {"type": "integer"},
    }
)
_PAGE = _closed(
    {
        "matching_records": {"type": "integer"},
        "cases": {"type": "array", "items": _ref("Case")},
        "next": {"type": "string", "description": "Absent on the last page."},
        "deleted": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Which of these are deleted, with include_deleted.",
        },
    },
    optional=("next", "deleted"),
)
_PROBLEM: Object = {
    "type": "object",
    "properties": {
        "error": _TEXT,
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "row": {"type": "integer", "minimum": 1},
                    "field": _TEXT,
                    "message": _TEXT,
                },
                "required": ["message"],
            },
        },
        "form_id": _TEXT_OR_NULL,
        "xform_id": _TEXT_OR_NULL,
        "request_id": _TEXT,
    },
    "required": ["error"],
}
_IDS: Object = {"type": "array", "items": _TEXT, "maxItems": 5000}
_WANTED: Object = {
    "type": "object",
    "properties": {"case_ids": _IDS, "external_ids": _IDS},
    "description": "5000 ids at most; `case_id` and `external_id` are taken as well.",
}

SCHEMAS: Object = {
    "Case": _CASE,
    "Index": _INDEX,
    "Stub": _STUB,
    "IndexWish": _INDEX_WISH,
    "Change": _CHANGE,
    "Row": _ROW,
    "Written": _WRITTEN_ONE,
    "WrittenMany": _WRITTEN_MANY,
    "Tried": _TRIED,
    "Fetched": _FETCHED,
    "Page": _PAGE,
    "Wanted": _WANTED,
    "Problem": _PROBLEM,
}

BODIES: Object = {
    "write": _json(
        {
            "anyOf": [
                _ref("Change"),
                {"type": "array", "items": _ref("Row"), "maxItems": 100},
            ]
        }
    ),
    "change": _json(_ref("Change")),
    "bulk_fetch": _json(_ref("Wanted")),
    "form": {
        "text/xml": {"schema": {"type": "string"}},
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {"xml_submission_file": {"type": "string"}},
                "required": ["xml_submission_file"],
            }
        },
    },
}
"""Bodies of requests by the word that the table of routes uses."""

RESULTS: Object = {
    "case": _json(_ref("Case")),
    "case_or_fetched": _json({"anyOf": [_ref("Case"), _ref("Fetched")]}),
    "fetched": _json(_ref("Fetched")),
    "page": _json(_ref("Page")),
    "written_one": _json({"anyOf": [_ref("Written"), _ref("Tried")]}),
    "written": _json({"anyOf": [_ref("Written"), _ref("WrittenMany"), _ref("Tried")]}),
    "problem": _json(_ref("Problem")),
    "status": _json(_closed({"status": _TEXT})),
    "openrosa": {"text/xml": {"schema": _TEXT}},
    "object": _json({"type": "object"}),
    "text": {"text/plain": {"schema": _TEXT}},
}
"""Good answers by the word that the table of routes uses, and the one for problems."""


def _query(name: str, description: str, schema: Object | None = None) -> Object:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": description,
        "schema": schema or _TEXT,
    }


def _texts(name: str, description: str) -> Object:
    return _query(name, description, {"type": "array", "items": _TEXT})


_BOUNDS = {"gt": "after", "gte": "at or after", "lt": "before", "lte": "at or before"}
_TIMES = (
    "last_modified",
    "server_last_modified",
    "date_opened",
    "date_closed",
    "indexed_on",
)
_FLAG: Object = {"type": "boolean"}

PARAMETERS: Object = {
    "fields": _query(
        "fields",
        "Only these keys, as dotted paths joined by commas; also `fields.PATH`.",
    ),
    "exclude": _query("exclude", "All keys but these; not together with `fields`."),
    "dry_run": _query("dry_run", "Check everything and save nothing.", _FLAG),
    "idempotency_key": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "The same key and request get the same answer, written once.",
        "schema": {
            "type": "string",
            "minLength": 1,
            "maxLength": 255,
            "pattern": "^[ -~]+$",
        },
    },
    "filter_limit": _query(
        "limit",
        "Cases on a page.",
        {"type": "integer", "minimum": 0, "maximum": 5000, "default": 20},
    ),
    "filter_cursor": _query("cursor", "From `next`; all else is then ignored."),
    "filter_query": _query("query", "An expression in the case search language."),
    **{
        f"filter_{name}": _texts(name, "Any of these values.")
        for name in ("case_type", "case_name", "owner_id", "external_id")
    },
    "filter_closed": _query("closed", "Only closed, or only open cases.", _FLAG),
    "filter_include_deleted": _query("include_deleted", "Deleted cases too.", _FLAG),
    "filter_include_deprecated": _query(
        "include_deprecated", "Taken and ignored.", _FLAG
    ),
    "filter_properties": {
        "name": "properties",
        "in": "query",
        "required": False,
        "description": "`properties.NAME=VALUE`; the empty value matches unset ones.",
        "style": "form",
        "explode": True,
        "schema": {
            "type": "object",
            "properties": {"properties.NAME": _TEXT},
            "additionalProperties": False,
        },
    },
    "filter_indices": {
        "name": "indices",
        "in": "query",
        "required": False,
        "description": "`indices.NAME=CASE_ID`: cases whose index points there.",
        "style": "form",
        "explode": True,
        "schema": {
            "type": "object",
            "properties": {"indices.NAME": _TEXT},
            "additionalProperties": False,
        },
    },
    **{
        f"filter_{name}_{bound}": _query(
            f"{name}.{bound}", f"{name} {words} this time."
        )
        for name in _TIMES
        for bound, words in _BOUNDS.items()
    },
}
"""Parameters by the word that the table of routes uses; ``filter_`` is a group."""

SCHEMAS.update(openapi_proof.SCHEMAS)
RESULTS.update(openapi_proof.RESULTS)
PARAMETERS.update(openapi_proof.PARAMETERS)
BODIES.update(openapi_changes.BODIES)
SCHEMAS.update(openapi_changes.SCHEMAS)
RESULTS.update(openapi_changes.RESULTS)
PARAMETERS.update(openapi_changes.PARAMETERS)
SCHEMAS.update(openapi_jobs.SCHEMAS)
RESULTS.update(openapi_jobs.RESULTS)
PARAMETERS.update(openapi_jobs.PARAMETERS)
SCHEMAS.update(openapi_time_travel.SCHEMAS)
RESULTS.update(openapi_time_travel.RESULTS)
PARAMETERS.update(openapi_time_travel.PARAMETERS)
BODIES.update(openapi_life.BODIES)
SCHEMAS.update(openapi_life.SCHEMAS)
RESULTS.update(openapi_life.RESULTS)
PARAMETERS.update(openapi_life.PARAMETERS)
BODIES.update(openapi_undo.BODIES)
SCHEMAS.update(openapi_undo.SCHEMAS)
RESULTS.update(openapi_undo.RESULTS)
BODIES.update(openapi_errors.BODIES)
SCHEMAS.update(openapi_errors.SCHEMAS)
RESULTS.update(openapi_errors.RESULTS)
PARAMETERS.update(openapi_errors.PARAMETERS)
BODIES.update(openapi_erasure.BODIES)
SCHEMAS.update(openapi_erasure.SCHEMAS)
RESULTS.update(openapi_erasure.RESULTS)
