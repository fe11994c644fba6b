"""The shapes of the proof in the description of the API."""

from __future__ import annotations

from api.openapi.shapes import POSITION, TEXT, TIME, Object, closed, json_of, query

SCHEMAS: Object = {
    "LedgerHead": closed(
        {
            "domain": TEXT,
            "position": POSITION,
            "digest": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "appended_on": TIME,
        }
    )
}

RESULTS: Object = {
    "ledger_head": json_of("LedgerHead"),
    "signed_checkpoint": {"application/x-ndjson": {"schema": TEXT}},
}

PARAMETERS: Object = {
    "position": query(
        "position",
        "The entry whose digest is asked for; without it the last one.",
        POSITION,
    )
}
