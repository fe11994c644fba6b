"""What the descriptions of every part of the API are put together from. Pure.

A schema or a parameter that has a name is a ``Reference``: it stands in other shapes as
a pointer and brings its definition along, so that ``document`` finds whatever a row of
the table of routes reaches.
"""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]


class Reference(Object):
    """A pointer to a component of the document, which knows what it points to."""

    __slots__ = ("definition", "name", "section")

    def __init__(self, section: str, name: str, *, definition: Object) -> None:
        """Keep what the document lists under this name."""
        super().__init__({"$ref": f"#/components/{section}/{name}"})
        self.section = section
        self.name = name
        self.definition = definition


def schema(name: str, definition: Object) -> Reference:
    """Return a schema that the document lists under a name."""
    return Reference("schemas", name, definition=definition)


def parameter(name: str, definition: Object) -> Reference:
    """Return a parameter that the document lists under a name, not the client's one."""
    return Reference("parameters", name, definition=definition)


# -- schemas -----------------------------------------------------------------

TEXT: Object = {"type": "string"}
TEXT_OR_NULL: Object = {"type": ["string", "null"]}
TEXTS: Object = {"type": "array", "items": TEXT}
BINARY: Object = {"type": "string", "format": "binary"}
FLAG: Object = {"type": "boolean"}
FLAG_OR_NULL: Object = {"type": ["boolean", "null"]}
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


def closed(properties: Object, *, optional: tuple[str, ...] = ()) -> Object:
    """Return an object that has these keys and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


class Wish(Object):
    """A body that may be missing itself: nothing says as much as no key does."""


def wish(properties: Object, **more: Any) -> Wish:
    """Return a body whose keys may all be missing, and which may be missing itself."""
    return Wish(
        type="object", properties=properties, additionalProperties=False, **more
    )


def may_be_missing(shape: Object) -> bool:
    """Tell whether a body of this schema need not be sent."""
    meant = shape.definition if isinstance(shape, Reference) else shape
    return isinstance(meant, Wish)


def list_of(items: Object, **more: Any) -> Object:
    """Return an array of these."""
    return {"type": "array", "items": items, **more}


def any_of(*alternatives: Object) -> Object:
    """Return what is one of several schemas."""
    return {"anyOf": list(alternatives)}


# -- bodies and answers ------------------------------------------------------


def content(media_type: str, shape: Object) -> Object:
    """Return a body or an answer of this type and schema."""
    return {media_type: {"schema": shape}}


def as_json(shape: Object) -> Object:
    """Return a body or an answer that is JSON of this schema."""
    return content("application/json", shape)


PLAIN_TEXT = content("text/plain", TEXT)


# -- parameters --------------------------------------------------------------


def query(name: str, description: str, shape: Object = TEXT, **more: Any) -> Object:
    """Return a parameter of the query string, one that may be missing."""
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": description,
        "schema": shape,
        **more,
    }


def header(name: str, description: str, shape: Object = TEXT) -> Object:
    """Return a header of the request, one that may be missing."""
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": shape,
    }


def limit(description: str, *, default: int) -> Object:
    """Return the parameter that says how much a page may have."""
    return query(
        "limit",
        description,
        {"type": "integer", "minimum": 1, "maximum": 1000, "default": default},
    )
