"""The shapes of an erasure in the description of the API."""

from __future__ import annotations

from api.openapi.shapes import (
    FLAG_OR_NULL,
    NUMBER,
    POSITION,
    REASON,
    TEXT,
    TEXT_OR_NULL,
    any_of,
    closed,
    list_of,
    schema,
    wish,
)

ERASURE_WISH = schema(
    "ErasureWish",
    wish(
        {"reason": REASON, "dry_run": FLAG_OR_NULL},
        description="`reason` is needed unless `dry_run` is true.",
    ),
)

_FORM = closed(
    {
        "form_id": TEXT_OR_NULL,
        "state": TEXT,
        "position": POSITION,
    }
)
_FORMS = closed({"count": NUMBER, "listed": list_of(_FORM)})
_FILE = closed({"name": TEXT, "sha256": TEXT, "length": NUMBER})
_PREVIEW = schema(
    "ErasurePreview",
    closed(
        {
            "case_id": TEXT,
            "forms": _FORMS,
            "files": list_of(_FILE),
            "mentioned": _FORMS,
        }
    ),
)
_ERASED = schema(
    "Erased",
    closed(
        {
            "case_id": TEXT,
            "position": POSITION,
            "forms": NUMBER,
            "files": NUMBER,
            "job_id": TEXT,
        }
    ),
)
ERASURE_RESULT = any_of(_PREVIEW, _ERASED)
