"""The shapes of the batch import in the description of the API. Pure."""

from __future__ import annotations

from api.openapi.shapes import (
    NUMBER,
    NUMBER_OR_NULL,
    TEXT,
    TEXT_OR_NULL,
    TEXTS,
    TIME,
    Object,
    as_json,
    closed,
    json_of,
    list_of,
    ref,
)

_BINARY: Object = {"type": "string", "format": "binary"}
_FORM = "application/x-www-form-urlencoded"
_PARTS = "multipart/form-data"
_CONTROL: Object = {
    "digest": TEXT,
    "fileSize": NUMBER,
    "comment": TEXT,
    "created": TIME,
}
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
_KEY: Object = {"id": TEXT, "name": TEXT, "scope": TEXT_OR_NULL, "created": TIME}

SCHEMAS: Object = {
    "HaploControlFile": closed(_CONTROL),
    "HaploBatchLine": closed(_LINE),
    "HaploBatch": closed(
        {
            **_LINE,
            "control": _BRIEF,
            "files": list_of(
                closed(
                    {
                        "name": TEXT,
                        "digest": TEXT,
                        "fileSize": NUMBER,
                        "filename": TEXT,
                    }
                )
            ),
            "log": TEXT_OR_NULL,
            "records": closed(
                {"total": NUMBER, **dict.fromkeys(_OUTCOMES, NUMBER)},
            ),
        }
    ),
    "HaploRecord": closed(
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
    "HaploKey": closed(_KEY),
}


def _body(kind: str, properties: Object, *required: str) -> Object:
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(required),
    }
    return {kind: {"schema": schema}}


BODIES: Object = {
    "haplo_control": _body(_PARTS, {"file": _BINARY, "comment": TEXT}, "file"),
    "haplo_batch": _body(_FORM, {"control": TEXT, "comment": TEXT}, "control"),
    "haplo_file": _body(
        _PARTS,
        {"batch": TEXT, "name": TEXT, "file": _BINARY},
        *("batch", "name", "file"),
    ),
    "haplo_schedule": _body(_FORM, {"batch": TEXT, "mode": TEXT}, "batch"),
    "haplo_files": _body(
        _PARTS,
        {"comment": TEXT, "name": TEXTS, "file": list_of(_BINARY)},
        "file",
    ),
}

RESULTS: Object = {
    "haplo_control_files": as_json(
        closed(
            {"controlFiles": list_of(ref("HaploControlFile")), "next": TEXT},
            optional=("next",),
        )
    ),
    "haplo_control_file": as_json(closed({**_CONTROL, "control": {}})),
    "haplo_kept_control_file": json_of("HaploControlFile"),
    "haplo_new_control_file": as_json(closed({"parameters": TEXTS})),
    "haplo_new_batch": as_json(closed({"control": _BRIEF, "names": TEXTS})),
    "haplo_batches": as_json(
        closed(
            {"batches": list_of(ref("HaploBatchLine")), "next": TEXT},
            optional=("next",),
        )
    ),
    "haplo_batch": json_of("HaploBatch"),
    "haplo_records": as_json(
        closed({"records": list_of(ref("HaploRecord")), "next": TEXT_OR_NULL})
    ),
    "haplo_new_key": as_json(closed({"key": TEXT})),
    "haplo_keys": as_json(closed({"apiKeys": list_of(ref("HaploKey"))})),
    "haplo_key": json_of("HaploKey"),
    "haplo_deleted": as_json(closed({"deleted": TEXT})),
}
