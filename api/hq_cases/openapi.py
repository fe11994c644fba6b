"""The shapes of HQ's older case APIs in the description of the API."""

from __future__ import annotations

from api.hq_cases.query import EXACT, FOLDED, MOST_LIMIT, TIMES
from api.openapi.hq import FORMAT, OFFSET, limit_of, page_of
from api.openapi.shapes import (
    FLAG,
    TEXT,
    TEXT_OR_NULL,
    TEXTS,
    TIME,
    TIME_OR_NULL,
    Object,
    closed,
    parameter,
    query,
    schema,
)
from api.openapi.shared import MOMENT
from api.wire.hq_search import SEARCH

_INDEX = schema(
    "HqIndex",
    closed(
        {
            "case_id": TEXT,
            "case_type": TEXT,
            "relationship": {"enum": ["child", "extension"]},
        }
    ),
)
_KEYS: Object = {
    "id": TEXT,
    "case_id": TEXT,
    "domain": TEXT,
    "user_id": TEXT_OR_NULL,
    "closed": FLAG,
    "date_closed": TIME_OR_NULL,
    "opened_by": TEXT_OR_NULL,
    "closed_by": TEXT_OR_NULL,
    "date_modified": TIME,
    "server_date_modified": TIME,
    "server_date_opened": TIME_OR_NULL,
    "indexed_on": TIME,
    "xform_ids": TEXTS,
    "properties": {"type": "object", "additionalProperties": TEXT_OR_NULL},
    "indices": {"type": "object", "additionalProperties": _INDEX},
    "resource_uri": {"const": ""},
}
_PLAIN = schema("HqPlainCase", closed(_KEYS))
_AROUND: Object = {"type": "object", "additionalProperties": _PLAIN}
_FORMS: Object = {
    "type": "object",
    "additionalProperties": {"type": "array", "items": {"type": "object"}},
}
CASE = schema(
    "HqCase",
    closed(
        {
            **_KEYS,
            "parent_cases": _AROUND,
            "child_cases": _AROUND,
            "xforms_by_name": _FORMS,
            "xforms_by_xmlns": _FORMS,
        },
        optional=("parent_cases", "child_cases", "xforms_by_name", "xforms_by_xmlns"),
    ),
)
CASES = schema("HqCases", page_of(CASE))


EXTRAS = (
    FORMAT,
    parameter(
        "hq_parent_cases",
        query("parent_cases__full", "Adds the cases that the indices name."),
    ),
    parameter(
        "hq_child_cases",
        query("child_cases__full", "Adds the cases whose indices name it."),
    ),
    parameter(
        "hq_xforms_by_name",
        query("xforms_by_name__full", "Adds its forms by their name."),
    ),
    parameter(
        "hq_xforms_by_xmlns",
        query("xforms_by_xmlns__full", "Adds its forms by their xmlns."),
    ),
)


def _filter(name: str, description: str, shape: Object = TEXT) -> Object:
    told = f"hq_case_{name.replace('.', '_').strip('_')}"
    return parameter(told, query(name, description, shape))


LIST_FILTERS = (
    limit_of("hq_case_limit", most=MOST_LIMIT),
    OFFSET,
    *EXTRAS,
    _filter(
        "order_by",
        "`indexed_on`, `date_modified` or `server_date_modified`, downwards with a `-` "
        "in front; may be repeated.",
    ),
    *(
        _filter(name, f"The whole {FOLDED[name]}, in any letter case.")
        for name in FOLDED
    ),
    *(_filter(name, f"Exactly this {EXACT[name]}.") for name in EXACT),
    _filter("closed", "Only closed, or only open cases."),
    *(
        _filter(f"{name}_{bound}", f"{name} {words} this time: {MOMENT}")
        for name in TIMES
        for bound, words in (("start", "at or after"), ("end", "at or before"))
    ),
    _filter(SEARCH, "A range, as JSON in one of two shapes."),
)
