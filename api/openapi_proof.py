"""The shapes of the proof in the description of the API."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]

SCHEMAS: Object = {
    "LedgerHead": {
        "type": "object",
        "properties": {
            "domain": {"type": "string"},
            "position": {"type": "integer", "minimum": 1},
            "digest": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "appended_on": {
                "type": "string",
                "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$",
            },
        },
        "required": ["domain", "position", "digest", "appended_on"],
        "additionalProperties": False,
    }
}

RESULTS: Object = {
    "ledger_head": {
        "application/json": {"schema": {"$ref": "#/components/schemas/LedgerHead"}}
    },
    "signed_checkpoint": {"application/x-ndjson": {"schema": {"type": "string"}}},
}

PARAMETERS: Object = {
    "position": {
        "name": "position",
        "in": "query",
        "required": False,
        "description": "The entry whose digest is asked for; without it the last one.",
        "schema": {"type": "integer", "minimum": 1},
    }
}
