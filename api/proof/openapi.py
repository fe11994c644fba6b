"""The shapes of the proof in the description of the API."""

from __future__ import annotations

from api.openapi.shapes import (
    POSITION,
    TEXT,
    TIME,
    closed,
    content,
    parameter,
    query,
    schema,
)

LEDGER_HEAD = schema(
    "LedgerHead",
    closed(
        {
            "domain": TEXT,
            "position": POSITION,
            "digest": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "appended_on": TIME,
        }
    ),
)
SIGNED_CHECKPOINT = content("application/x-ndjson", TEXT)

AT_POSITION = parameter(
    "position",
    query(
        "position",
        "The entry whose digest is asked for; without it the last one.",
        POSITION,
    ),
)
