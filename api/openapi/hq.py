"""The shapes that HQ's older APIs share in the description of the API. Pure."""

from __future__ import annotations

from api.openapi.shapes import (
    NUMBER,
    TEXT_OR_NULL,
    Object,
    closed,
    list_of,
    parameter,
    query,
    schema,
)

META = schema(
    "HqMeta",
    closed(
        {
            "limit": NUMBER,
            "next": {
                **TEXT_OR_NULL,
                "description": "The query string of the next page, from its `?` on.",
            },
            "offset": NUMBER,
            "previous": TEXT_OR_NULL,
            "total_count": NUMBER,
        }
    ),
)
FORMAT = parameter(
    "hq_format",
    query("format", "`json` or `xml`, which win over `Accept`; others are ignored."),
)
OFFSET = parameter(
    "hq_offset", query("offset", "How many objects come before the page.", NUMBER)
)


def page_of(items: Object) -> Object:
    """Return a page of a list in HQ's envelope."""
    return closed({"meta": META, "objects": list_of(items)})


def limit_of(name: str, *, most: int) -> Object:
    """Return the parameter that says how much a page may have; 0 stands for all."""
    told = {"type": "integer", "minimum": 0, "default": 20}
    return parameter(name, query("limit", f"{most} at most, which 0 means too.", told))
