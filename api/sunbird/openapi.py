"""The shapes of Sunbird's bulk upload in the description of the API."""

from __future__ import annotations

from api.openapi.shapes import TEXT, TEXT_OR_NULL, Object, as_json, closed, list_of, ref

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
    },
    optional=("failureResult", "successResult", "objectType", "dryRun"),
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


def _body(field: str, **more: Object) -> Object:
    file: Object = {"type": "string", "format": "binary"}
    beside = {**more, "dry_run": {"enum": ["on"]}}
    given = {"data": TEXT, **beside}
    return {
        "multipart/form-data": {
            "schema": {"type": "object", "properties": {field: file, **beside}}
        },
        "application/x-www-form-urlencoded": {
            "schema": {"type": "object", "properties": {**given, field: TEXT}}
        },
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {"request": {"type": "object", "properties": given}},
            }
        },
    }


SCHEMAS: Object = {
    "SunbirdTaken": _envelope(closed({"processId": _PROCESS_ID})),
    "SunbirdStatus": _envelope(
        closed({"response": list_of(_PROCESS, minItems=1, maxItems=1)})
    ),
}

BODIES: Object = {
    "sunbird_upload_users": _body("user"),
    "sunbird_upload_organisations": _body("org"),
    "sunbird_upload_locations": _body("csvFile", type=TEXT),
}

RESULTS: Object = {
    "sunbird_taken": as_json(ref("SunbirdTaken")),
    "sunbird_status": as_json(ref("SunbirdStatus")),
}
