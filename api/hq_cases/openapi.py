"""The shapes of HQ's older case APIs in the description of the API."""

from __future__ import annotations

from api.hq_cases.query import MOST_LIMIT
from api.openapi.hq import FORMAT, OFFSET, limit_of, page_of
from api.openapi.shapes import (
    FLAG,
    TEXT,
    TEXT_OR_NULL,
    TEXTS,
    TIME,
    TIME_OR_NULL,
    closed,
    parameter,
    query,
    schema,
)

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
CASE = schema(
    "HqCase",
    closed(
        {
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
    ),
)
CASES = schema("HqCases", page_of(CASE))

LIST_FILTERS = (
    limit_of("hq_case_limit", most=MOST_LIMIT),
    OFFSET,
    FORMAT,
    parameter(
        "hq_case_order",
        query(
            "order_by",
            "`indexed_on`, `date_modified` or `server_date_modified`, downwards with a "
            "`-` in front; several may be given.",
        ),
    ),
)
