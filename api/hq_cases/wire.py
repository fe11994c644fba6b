"""A case as HQ's older case APIs show it (``rules/hq-cases.md`` 1). Pure.

Like ``api/cases/answers.py`` this writes texts: ``properties`` of a row are finished
JSON with sorted keys, and only the five that stand apart are put before them.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from ledger.times import format_if_known, format_micros
from projections.cases.values import NOBODY, Touching
from projections.rule.case_row import WholeCase

KEYS: Final = (
    *("id", "case_id", "domain", "user_id", "closed", "date_closed", "opened_by"),
    *("closed_by", "date_modified", "server_date_modified", "server_date_opened"),
    *("indexed_on", "xform_ids", "properties", "indices", "resource_uri"),
)
"""The keys of a case, all of which are always there."""

_OWN: Final = ("case_name", "case_type", "date_opened", "external_id", "owner_id")
"""What stands among the properties and is none: it wins over a property of its name."""


def case_object(case: WholeCase, touching: Touching = NOBODY) -> dict[str, Any]:
    """Return a case as values (rule 1.1)."""
    row = case.seen
    return {
        "id": row.case_id,
        "case_id": row.case_id,
        "domain": row.domain,
        "user_id": case.modified_by or None,
        "closed": bool(row.closed),
        "date_closed": row.closed_on if row.closed else None,
        "opened_by": case.opened_by or None,
        "closed_by": (case.closed_by or None) if row.closed else None,
        "date_modified": row.modified_on,
        "server_date_modified": row.server_modified_on,
        "server_date_opened": format_if_known(touching.first_received_on),
        "indexed_on": format_micros(row.indexed_on),
        "xform_ids": list(touching.form_ids),
        "properties": {
            **orjson.loads(row.properties),
            "case_name": row.case_name,
            "case_type": row.case_type,
            "date_opened": row.opened_on,
            "external_id": row.external_id,
            "owner_id": row.owner_id or None,
        },
        "indices": orjson.loads(row.indices),
        "resource_uri": "",
    }


def case_text(case: WholeCase, touching: Touching = NOBODY) -> str:
    """Return the JSON text of a case, spliced from the texts of its row."""
    row = case.seen
    if any(f'"{name}":' in row.properties for name in _OWN):
        # One of the five may be hidden there; the rare row is decoded.
        return orjson.dumps(case_object(case, touching)).decode()
    told = case_object(
        case._replace(seen=row._replace(properties="{}", indices="{}")), touching
    )
    properties = orjson.dumps(told.pop("properties")).decode()
    rest = row.properties[1:-1]
    joined = f"{properties[:-1]},{rest}}}" if rest else properties
    del told["indices"]
    head = orjson.dumps(told).decode()
    return f'{head[:-1]},"properties":{joined},"indices":{row.indices}}}'
