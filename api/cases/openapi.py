"""The shapes of Case Data API v2 in the description of the API."""

from __future__ import annotations

from api.openapi.shapes import (
    FLAG,
    FLAG_OR_NULL,
    POSITION_OR_NULL,
    TEXT,
    TEXT_OR_NULL,
    TEXTS,
    TIME,
    Object,
    Reference,
    any_of,
    closed,
    list_of,
    parameter,
    query,
    schema,
)
from api.openapi.shared import IDEMPOTENCY_KEY, MOMENT

# -- cases -------------------------------------------------------------------

_TIME: Object = {**TIME, "examples": ["2026-05-01T09:30:00.000000Z"]}
_INDEX = schema(
    "Index",
    closed(
        {
            "case_id": TEXT,
            "case_type": TEXT,
            "relationship": {"enum": ["child", "extension"]},
        }
    ),
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
    "properties": {"type": "object", "additionalProperties": TEXT},
    "indices": {"type": "object", "additionalProperties": _INDEX},
}
CASE = schema(
    "Case",
    {
        # Which keys are there depends on ``fields`` and ``exclude``: none is required.
        **closed(_CASE_KEYS, optional=tuple(_CASE_KEYS)),
        "description": "All keys are there unless `fields` or `exclude` chose.",
    },
)
CASE_PAGE = schema(
    "Page",
    closed(
        {
            "matching_records": {"type": "integer"},
            "cases": list_of(CASE),
            "next": {**TEXT, "description": "Absent on the last page."},
            "deleted": {
                **TEXTS,
                "description": "Which of these are deleted, with include_deleted.",
            },
        },
        optional=("next", "deleted"),
    ),
)

_IDS = list_of(TEXT, maxItems=5000)
FETCH_WISH = schema(
    "Wanted",
    {
        "type": "object",
        "properties": {"case_ids": _IDS, "external_ids": _IDS},
        "description": (
            "5000 ids at most; `case_id` and `external_id` are taken as well."
        ),
    },
)
_STUB = schema(
    "Stub",
    closed(
        {"case_id": TEXT, "external_id": TEXT, "error": {"const": "not found"}},
        optional=("case_id", "external_id"),
    ),
)
FETCHED = schema(
    "Fetched",
    closed(
        {
            "cases": list_of(any_of(CASE, _STUB)),
            "matching_records": {"type": "integer"},
            "missing_records": {"type": "integer"},
        }
    ),
)
CASE_OR_FETCHED = any_of(CASE, FETCHED)

# -- changes -----------------------------------------------------------------

_INDEX_WISH = schema(
    "IndexWish",
    {
        "type": "object",
        "description": "One of the three ids; all empty removes the index.",
        "properties": {
            "case_id": TEXT_OR_NULL,
            "external_id": TEXT_OR_NULL,
            "temporary_id": TEXT_OR_NULL,
            "case_type": TEXT_OR_NULL,
            "relationship": {"enum": ["child", "extension", None]},
        },
    },
)
_SHORT: Object = {"type": ["string", "null"], "maxLength": 255}
_XML_NAME: Object = {"pattern": r"^[A-Za-z_][A-Za-z0-9_.\-]*$"}
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
        "propertyNames": _XML_NAME,
        "description": "Names are XML names; values are text, kept as sent.",
    },
    "indices": {
        "type": ["object", "null"],
        "additionalProperties": _INDEX_WISH,
        "propertyNames": _XML_NAME,
    },
    "close": FLAG_OR_NULL,
    "user_id": {"description": "Accepted and ignored: the user who writes counts."},
}
CHANGE = schema("Change", closed(_CHANGE_KEYS, optional=tuple(_CHANGE_KEYS)))
_ROW_KEYS: Object = {
    "create": {
        "type": ["boolean", "null"],
        "description": "true creates, false updates, null or absent upserts.",
    },
    **_CHANGE_KEYS,
}
_ROW = schema("Row", closed(_ROW_KEYS, optional=tuple(_ROW_KEYS)))
CHANGE_OR_ROWS = any_of(CHANGE, list_of(_ROW, maxItems=100))

_FORM_IDS: Object = {"form_id": TEXT_OR_NULL, "xform_id": TEXT_OR_NULL}
_WRITTEN_ONE = schema("Written", closed({**_FORM_IDS, "case": CASE}))
_WRITTEN_MANY = schema("WrittenMany", closed({**_FORM_IDS, "cases": list_of(CASE)}))
_TRIED = schema(
    "Tried",
    closed({"dry_run": {"const": True}, "errors": {"type": "array", "maxItems": 0}}),
)
WRITTEN_ONE = any_of(_WRITTEN_ONE, _TRIED)
WRITTEN = any_of(_WRITTEN_ONE, _WRITTEN_MANY, _TRIED)

CASE_OUTCOME = schema(
    "CaseOutcome",
    closed({"case_id": TEXT, "changed": FLAG, "position": POSITION_OR_NULL}),
)

# -- parameters --------------------------------------------------------------

_SWITCH: Object = {
    "type": ["boolean", "string"],
    "description": (
        "False for nothing at all, `false`, `f`, `no`, `n` and `0` in any letter "
        "case, and true for everything else."
    ),
}
CHOICE = (
    parameter(
        "fields",
        query(
            "fields",
            "Only these keys, as dotted paths joined by commas; also `fields.PATH`.",
        ),
    ),
    parameter(
        "exclude",
        query("exclude", "All keys but these; not together with `fields`."),
    ),
)
WRITING = (
    *CHOICE,
    parameter(
        "dry_run", query("dry_run", "Check everything and save nothing.", _SWITCH)
    ),
    IDEMPOTENCY_KEY,
)
AS_OF = parameter(
    "as_of", query("as_of", f"The case as the log stood at this time: {MOMENT}")
)
PAST_TIME = parameter(
    "past_time",
    query("time", f"The time of the list: {MOMENT} Needed unless a cursor brings it."),
)


def _filter(
    name: str, description: str, shape: Object = TEXT, **more: str | bool
) -> Reference:
    return parameter(
        f"filter_{name.replace('.', '_')}", query(name, description, shape, **more)
    )


def _filters(group: str, description: str) -> Reference:
    """Return the filters whose names begin alike; OpenAPI has no word for them."""
    names = {"type": "object", "properties": {f"{group}.NAME": TEXT}}
    shape = {**names, "additionalProperties": False}
    return _filter(group, description, shape, style="form", explode=True)


_BOUNDS = {"gt": "after", "gte": "at or after", "lt": "before", "lte": "at or before"}
_TIMES = (
    "last_modified",
    "server_last_modified",
    "date_opened",
    "date_closed",
    "indexed_on",
)

FILTERS = (
    _filter(
        "limit",
        "Cases on a page.",
        {"type": "integer", "minimum": 0, "maximum": 5000, "default": 20},
    ),
    _filter("cursor", "From `next`; all else is then ignored."),
    _filter("query", "An expression in the case search language."),
    *(
        _filter(name, "Any of these values.", TEXTS)
        for name in ("case_type", "case_name", "owner_id", "external_id")
    ),
    _filter("closed", "Only closed, or only open cases.", _SWITCH),
    _filter("include_deleted", "Deleted cases too.", _SWITCH),
    _filter("include_deprecated", "Taken and ignored.", _SWITCH),
    _filters(
        "properties", "`properties.NAME=VALUE`; the empty value matches unset ones."
    ),
    _filters("indices", "`indices.NAME=CASE_ID`: cases whose index points there."),
    *(
        _filter(f"{name}.{bound}", f"{name} {words} this time.")
        for name in _TIMES
        for bound, words in _BOUNDS.items()
    ),
)
