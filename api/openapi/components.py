"""The shapes that the description of the API refers to: bodies, answers, parameters."""

from __future__ import annotations

from api.changes import openapi as openapi_changes
from api.erasure import openapi as openapi_erasure
from api.errors import openapi as openapi_errors
from api.excel import openapi as openapi_excel
from api.forms import openapi as openapi_life
from api.haplo import openapi as openapi_haplo
from api.history import openapi as openapi_time_travel
from api.jobs import openapi as openapi_jobs
from api.openapi.shapes import (
    FLAG,
    FORM_UPLOAD,
    POSITION,
    TEXT,
    TEXT_OR_NULL,
    TEXTS,
    TIME,
    Object,
    as_json,
    case_changes,
    closed,
    json_of,
    list_of,
    query,
    ref,
)
from api.proof import openapi as openapi_proof
from api.sunbird import openapi as openapi_sunbird
from api.undo import openapi as openapi_undo

_TIME: Object = {**TIME, "examples": ["2026-05-01T09:30:00.000000Z"]}
_NAMED_TEXTS: Object = {"type": "object", "additionalProperties": TEXT}
_INDEX = closed(
    {
        "case_id": TEXT,
        "case_type": TEXT,
        "relationship": {"enum": ["child", "extension"]},
    }
)
_CASE_KEYS: Object = {
    "domain": TEXT,
    "case_id": TEXT,
    "case_type": TEXT,
    "case_name": TEXT,
    "external_id": TEXT_OR_NULL,
    "owner_id": TEXT,
    "date_opened": _TIME,
    "last_modified": _TIME,
    "server_last_modified": _TIME,
    "indexed_on": _TIME,
    "closed": FLAG,
    "date_closed": {"oneOf": [_TIME, {"type": "null"}]},
    "properties": _NAMED_TEXTS,
    "indices": {
        "type": "object",
        "additionalProperties": ref("Index"),
    },
}
# Which keys are there depends on ``fields`` and ``exclude``, so none is required.
_CASE = closed(_CASE_KEYS, optional=tuple(_CASE_KEYS))
_CASE["description"] = "All keys are there unless `fields` or `exclude` chose."
_STUB = closed(
    {"case_id": TEXT, "external_id": TEXT, "error": {"const": "not found"}},
    optional=("case_id", "external_id"),
)
_INDEX_WISH: Object = {
    "type": "object",
    "description": "One of the three ids; all empty removes the index.",
    "properties": {
        "case_id": TEXT_OR_NULL,
        "external_id": TEXT_OR_NULL,
        "temporary_id": TEXT_OR_NULL,
        "case_type": TEXT_OR_NULL,
        "relationship": {"enum": ["child", "extension", None]},
    },
}
_SHORT: Object = {"type": ["string", "null"], "maxLength": 255}
_CHANGE_KEYS: Object = {
    "case_id": TEXT_OR_NULL,
    "case_type": _SHORT,
    "case_name": _SHORT,
    "owner_id": _SHORT,
    "external_id": _SHORT,
    "temporary_id": TEXT_OR_NULL,
    "properties": {
        "type": ["object", "null"],
        "additionalProperties": TEXT,
        "propertyNames": {"pattern": r"^[A-Za-z_][A-Za-z0-9_.\-]*$"},
        "description": "Names are XML names; values are text, kept as sent.",
    },
    "indices": {
        "type": ["object", "null"],
        "additionalProperties": ref("IndexWish"),
        "propertyNames": {"pattern": r"^[A-Za-z_][A-Za-z0-9_.\-]*$"},
    },
    "close": {"type": ["boolean", "null"]},
    "user_id": {"description": "Accepted and ignored: the user who writes counts."},
}
_CHANGE = closed(_CHANGE_KEYS, optional=tuple(_CHANGE_KEYS))
_ROW = closed(
    {
        "create": {
            "type": ["boolean", "null"],
            "description": "true creates, false updates, null or absent upserts.",
        },
        **_CHANGE_KEYS,
    },
    optional=("create", *_CHANGE_KEYS),
)
_FORM_IDS: Object = {"form_id": TEXT_OR_NULL, "xform_id": TEXT_OR_NULL}
_WRITTEN_ONE = closed({**_FORM_IDS, "case": ref("Case")})
_WRITTEN_MANY = closed({**_FORM_IDS, "cases": list_of(ref("Case"))})
_TRIED = closed(
    {"dry_run": {"const": True}, "errors": {"type": "array", "maxItems": 0}}
)
_FETCHED = closed(
    {
        "cases": list_of({"anyOf": [ref("Case"), ref("Stub")]}),
        "matching_records": {"type": "integer"},
        "missing_records": {"type": "integer"},
    }
)
_PAGE = closed(
    {
        "matching_records": {"type": "integer"},
        "cases": list_of(ref("Case")),
        "next": {**TEXT, "description": "Absent on the last page."},
        "deleted": {
            **TEXTS,
            "description": "Which of these are deleted, with include_deleted.",
        },
    },
    optional=("next", "deleted"),
)
_PROBLEM: Object = {
    "type": "object",
    "properties": {
        "error": TEXT,
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"row": POSITION, "field": TEXT, "message": TEXT},
                "required": ["message"],
            },
        },
        "form_id": TEXT_OR_NULL,
        "xform_id": TEXT_OR_NULL,
        "request_id": TEXT,
    },
    "required": ["error"],
}
_IDS = list_of(TEXT, maxItems=5000)
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
    "write": case_changes(),
    "change": json_of("Change"),
    "bulk_fetch": json_of("Wanted"),
    "form": {"text/xml": {"schema": TEXT}, **FORM_UPLOAD},
}
"""Bodies of requests by the word that the table of routes uses."""

RESULTS: Object = {
    "case": json_of("Case"),
    "case_or_fetched": as_json({"anyOf": [ref("Case"), ref("Fetched")]}),
    "fetched": json_of("Fetched"),
    "page": json_of("Page"),
    "written_one": as_json({"anyOf": [ref("Written"), ref("Tried")]}),
    "written": as_json({"anyOf": [ref("Written"), ref("WrittenMany"), ref("Tried")]}),
    "problem": json_of("Problem"),
    "status": as_json(closed({"status": TEXT})),
    "openrosa": {"text/xml": {"schema": TEXT}},
    "object": as_json({"type": "object"}),
    "text": {"text/plain": {"schema": TEXT}},
}
"""Good answers by the word that the table of routes uses, and the one for problems."""


def _texts(name: str, description: str) -> Object:
    return query(name, description, TEXTS)


_BOUNDS = {"gt": "after", "gte": "at or after", "lt": "before", "lte": "at or before"}
_TIMES = (
    "last_modified",
    "server_last_modified",
    "date_opened",
    "date_closed",
    "indexed_on",
)

PARAMETERS: Object = {
    "fields": query(
        "fields",
        "Only these keys, as dotted paths joined by commas; also `fields.PATH`.",
    ),
    "exclude": query("exclude", "All keys but these; not together with `fields`."),
    "dry_run": query("dry_run", "Check everything and save nothing.", FLAG),
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
    "filter_limit": query(
        "limit",
        "Cases on a page.",
        {"type": "integer", "minimum": 0, "maximum": 5000, "default": 20},
    ),
    "filter_cursor": query("cursor", "From `next`; all else is then ignored."),
    "filter_query": query("query", "An expression in the case search language."),
    **{
        f"filter_{name}": _texts(name, "Any of these values.")
        for name in ("case_type", "case_name", "owner_id", "external_id")
    },
    "filter_closed": query("closed", "Only closed, or only open cases.", FLAG),
    "filter_include_deleted": query("include_deleted", "Deleted cases too.", FLAG),
    "filter_include_deprecated": query(
        "include_deprecated", "Taken and ignored.", FLAG
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
            "properties": {"properties.NAME": TEXT},
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
            "properties": {"indices.NAME": TEXT},
            "additionalProperties": False,
        },
    },
    **{
        f"filter_{name}_{bound}": query(f"{name}.{bound}", f"{name} {words} this time.")
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
BODIES.update(openapi_haplo.BODIES)
SCHEMAS.update(openapi_haplo.SCHEMAS)
RESULTS.update(openapi_haplo.RESULTS)
BODIES.update(openapi_sunbird.BODIES)
SCHEMAS.update(openapi_sunbird.SCHEMAS)
RESULTS.update(openapi_sunbird.RESULTS)
BODIES.update(openapi_excel.BODIES)
SCHEMAS.update(openapi_excel.SCHEMAS)
RESULTS.update(openapi_excel.RESULTS)
PARAMETERS.update(openapi_excel.PARAMETERS)
