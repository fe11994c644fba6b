"""The shapes of the batch import in the description of the API. Pure."""

from __future__ import annotations

from api.openapi.shapes import (
    BINARY,
    NUMBER,
    NUMBER_OR_NULL,
    TEXT,
    TEXT_OR_NULL,
    TEXTS,
    TIME,
    Object,
    as_json,
    closed,
    content,
    list_of,
    schema,
)
from api.openapi.shared import PROBLEM

# -- what a page tells -------------------------------------------------------


def page_of(shape: Object) -> Object:
    """Return what a page answers: JSON of this schema to programs, HTML to people."""
    return as_json(shape) | content("text/html", TEXT)


PAGE_PROBLEM = page_of(PROBLEM)

# -- what the import API and the pages take ----------------------------------

_FORM = "application/x-www-form-urlencoded"
_PARTS = "multipart/form-data"


def _body(kind: str, properties: Object, *required: str) -> Object:
    shape = {
        "type": "object",
        "properties": properties,
        "required": list(required),
    }
    return content(kind, shape)


NEW_CONTROL_FILE = _body(_PARTS, {"file": BINARY, "comment": TEXT}, "file")
NEW_BATCH = _body(_FORM, {"control": TEXT, "comment": TEXT}, "control")
NEW_FILE = _body(
    _PARTS,
    {"batch": TEXT, "name": TEXT, "file": BINARY},
    *("batch", "name", "file"),
)
START = _body(_FORM, {"batch": TEXT, "mode": TEXT}, "batch")
NEW_FILES = _body(
    _PARTS,
    {"comment": TEXT, "name": TEXTS, "file": list_of(BINARY)},
    "file",
)

# -- control files -----------------------------------------------------------

_CONTROL: Object = {
    "digest": TEXT,
    "fileSize": NUMBER,
    "comment": TEXT,
    "created": TIME,
}
KEPT_CONTROL_FILE = schema("HaploControlFile", closed(_CONTROL))
CONTROL_FILES = closed(
    {"controlFiles": list_of(KEPT_CONTROL_FILE), "next": TEXT}, optional=("next",)
)
CONTROL_FILE = closed({**_CONTROL, "control": {}})
ASKED_OF_CONTROL_FILE = closed({"parameters": TEXTS})

# -- batches and their records -----------------------------------------------

_LINE: Object = {
    "identifier": TEXT,
    "state": {
        "enum": [
            "uploading",
            "ready",
            "scheduled",
            "running",
            "complete",
            "dry-run",
            "error",
        ]
    },
    "errors": NUMBER_OR_NULL,
    "comment": TEXT,
    "created": TIME,
}
_OUTCOMES = ("applied", "unchanged", "aborted", "failed")
_BRIEF = closed({"digest": TEXT, "comment": TEXT})
_FILE = closed({"name": TEXT, "digest": TEXT, "fileSize": NUMBER, "filename": TEXT})
ASKED_OF_BATCH = closed({"control": _BRIEF, "names": TEXTS})
BATCHES = closed(
    {"batches": list_of(schema("HaploBatchLine", closed(_LINE))), "next": TEXT},
    optional=("next",),
)
BATCH = schema(
    "HaploBatch",
    closed(
        {
            **_LINE,
            "control": _BRIEF,
            "files": list_of(_FILE),
            "log": TEXT_OR_NULL,
            "records": closed({"total": NUMBER, **dict.fromkeys(_OUTCOMES, NUMBER)}),
            "cases": NUMBER,
        }
    ),
)
_RECORD = schema(
    "HaploRecord",
    closed(
        {
            "record": NUMBER,
            "file": TEXT,
            "outcome": {"enum": list(_OUTCOMES)},
            "form_id": TEXT_OR_NULL,
            "case_ids": TEXTS,
            "xform_error_id": TEXT_OR_NULL,
            "messages": TEXTS,
        }
    ),
)
RECORDS = closed({"records": list_of(_RECORD), "next": TEXT_OR_NULL})

# -- keys --------------------------------------------------------------------

KEY = schema(
    "HaploKey",
    closed({"id": TEXT, "name": TEXT, "scope": TEXT_OR_NULL, "created": TIME}),
)
KEYS = closed({"apiKeys": list_of(KEY)})
NEW_KEY = closed({"key": TEXT})
DELETED = closed({"deleted": TEXT})
