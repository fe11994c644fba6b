"""The shapes of HQ's APIs for forms in the description of the API."""

from __future__ import annotations

from api.openapi.hq import FORMAT, OFFSET, limit_of, page_of
from api.openapi.shapes import (
    BINARY,
    FLAG,
    NUMBER,
    TEXT,
    TEXT_OR_NULL,
    TIME,
    TIME_OR_NULL,
    Object,
    closed,
    content,
    parameter,
    query,
    schema,
)

_ANY = {"type": "object", "additionalProperties": True}
_FILE = schema(
    "HqFormFile", closed({"content_type": TEXT, "length": NUMBER, "url": TEXT})
)
FORM = schema(
    "HqForm",
    closed(
        {
            "id": TEXT,
            "domain": TEXT,
            "form": _ANY,
            "metadata": {
                "type": ["object", "null"],
                "additionalProperties": TEXT_OR_NULL,
            },
            "type": TEXT,
            "version": TEXT,
            "uiversion": TEXT,
            "received_on": TIME,
            "server_modified_on": TIME,
            "indexed_on": TIME,
            "edited_on": TIME_OR_NULL,
            "edited_by_user_id": TEXT_OR_NULL,
            "app_id": TEXT_OR_NULL,
            "build_id": TEXT_OR_NULL,
            "submit_ip": TEXT_OR_NULL,
            "initial_processing_complete": FLAG,
            "problem": TEXT_OR_NULL,
            "archived": FLAG,
            "is_phone_submission": FLAG,
            "attachments": {"type": "object", "additionalProperties": _FILE},
            "resource_uri": {"const": ""},
            "cases": {"type": "array", "items": _ANY},
        },
        optional=("cases",),
    ),
)
FORMS = schema("HqForms", page_of(FORM))
FILE = content("*/*", BINARY)


def _filter(name: str, told: str, *, called: str = "") -> Object:
    return parameter(f"hq_form_{called or name}", query(name, told))


def _span(key: str, told: str) -> tuple[Object, Object]:
    return (
        _filter(f"{key}_start", f"{told} then or later."),
        _filter(f"{key}_end", f"{told} then or before; a date has its whole day."),
    )


LIST_FILTERS = (
    _filter("xmlns", "The xmlns, whole; so does `xmlns.exact`."),
    _filter("app_id", "The app of the address that the form was sent to."),
    _filter("appVersion", "The whole `appVersion` of the metadata."),
    _filter("case_id", "A case that the form names."),
    _filter("user_id", "The `userID` of the metadata."),
    _filter(
        "form.meta.userID",
        "The text at a path of `form`, whichever is named, in any letter case.",
        called="path",
    ),
    *_span("received_on", "First received"),
    *_span("indexed_on", "In the state that it has"),
    *_span("server_modified_on", "The same as `indexed_on`:"),
    _filter("cases__full", "With `true`: the cases that each form names too."),
    _filter("include_archived", "With any value: archived forms too."),
    _filter("_search", "One of the two queries that HQ takes.", called="search"),
    _filter(
        "order_by",
        "`received_on`, `indexed_on` or `server_modified_on`, downwards with a `-` in "
        "front.",
    ),
    limit_of("hq_form_limit", most=1000),
    OFFSET,
    FORMAT,
)
