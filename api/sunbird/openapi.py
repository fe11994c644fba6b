"""The shapes of Sunbird's bulk upload in the description of the API."""

from __future__ import annotations

from api.openapi.shapes import (
    BINARY,
    NUMBER,
    TEXT,
    TEXT_OR_NULL,
    TEXTS,
    Object,
    as_json,
    closed,
    content,
    list_of,
    schema,
)

_PROCESS_ID: Object = {"type": ["integer", "string"]}
_ROWS: Object = list_of({"type": "object"})
_PROCESS = closed(
    {
        "failureResult": _ROWS,
        "processId": _PROCESS_ID,
        "successResult": _ROWS,
        "message": TEXT,
        "objectType": {"enum": ["user", "location", "organisation"]},
        "status": {"enum": ["NOT STARTED", "IN PROGRESS", "COMPLETED", "FAILED"]},
        "dryRun": {"const": True},
        "warnings": TEXTS,
        "caseCount": NUMBER,
    },
    optional=(
        "failureResult",
        "successResult",
        "objectType",
        "dryRun",
        "warnings",
        "caseCount",
    ),
)


def _envelope(result: Object) -> Object:
    params = dict.fromkeys(
        ("resmsgid", "msgid", "err", "status", "errmsg"), TEXT_OR_NULL
    )
    return closed(
        {
            "id": TEXT,
            "ver": {"const": "v1"},
            "ts": TEXT,
            "params": closed(params),
            "responseCode": TEXT,
            "result": result,
        }
    )


def _upload(field: str, **more: Object) -> Object:
    beside = {**more, "dry_run": {"enum": ["on"]}}
    given = {"data": TEXT, **beside}
    return (
        content(
            "multipart/form-data",
            {"type": "object", "properties": {field: BINARY, **beside}},
        )
        | content(
            "application/x-www-form-urlencoded",
            {"type": "object", "properties": {**given, field: TEXT}},
        )
        | as_json(
            {
                "type": "object",
                "properties": {"request": {"type": "object", "properties": given}},
            }
        )
    )


USERS = _upload("user")
ORGANISATIONS = _upload("org")
LOCATIONS = _upload("csvFile", type=TEXT)

UPLOAD_TAKEN = schema("SunbirdTaken", _envelope(closed({"processId": _PROCESS_ID})))
UPLOAD_STATUS = schema(
    "SunbirdStatus",
    _envelope(closed({"response": list_of(_PROCESS, minItems=1, maxItems=1)})),
)
