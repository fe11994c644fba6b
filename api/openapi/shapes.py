"""What the descriptions of every part of the API are put together from. Pure."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]

TEXT: Object = {"type": "string"}
TEXT_OR_NULL: Object = {"type": ["string", "null"]}
TEXTS: Object = {"type": "array", "items": TEXT}
FLAG: Object = {"type": "boolean"}
NUMBER: Object = {"type": "integer", "minimum": 0}
NUMBER_OR_NULL: Object = {"type": ["integer", "null"]}
POSITION: Object = {"type": "integer", "minimum": 1}
POSITION_OR_NULL: Object = {"type": ["integer", "null"], "minimum": 1}
TIME: Object = {
    "type": "string",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$",
}
TIME_OR_NULL: Object = {"oneOf": [TIME, {"type": "null"}]}
REASON: Object = {"type": ["string", "null"], "maxLength": 1000}

FORM_UPLOAD: Object = {
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "properties": {"xml_submission_file": TEXT},
            "required": ["xml_submission_file"],
        }
    }
}
"""The body in which a form comes with its files."""


def ref(name: str) -> Object:
    """Return a pointer to a schema that stands under its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def as_json(schema: Object) -> Object:
    """Return a body that is JSON of this schema."""
    return {"application/json": {"schema": schema}}


def json_of(name: str) -> Object:
    """Return a body that is JSON of the schema with this name."""
    return as_json(ref(name))


def closed(properties: Object, *, optional: tuple[str, ...] = ()) -> Object:
    """Return an object that has these keys and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def wish(properties: Object, **more: Any) -> Object:
    """Return a body whose keys may all be missing."""
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        **more,
    }


def list_of(items: Object, **more: Any) -> Object:
    """Return an array of these."""
    return {"type": "array", "items": items, **more}


def case_changes() -> Object:
    """Return the body that creates or updates a case, or many in one form."""
    rows = list_of(ref("Row"), maxItems=100)
    return as_json({"anyOf": [ref("Change"), rows]})


def query(name: str, description: str, schema: Object = TEXT, **more: Any) -> Object:
    """Return a parameter of the query string, one that may be missing."""
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": description,
        "schema": schema,
        **more,
    }


def limit(description: str, *, default: int) -> Object:
    """Return the parameter that says how much a page may have."""
    return query(
        "limit",
        description,
        {"type": "integer", "minimum": 1, "maximum": 1000, "default": default},
    )
