"""A case as HQ's older APIs show it (``rules/hq-cases.md`` 1 and 4). Pure.

JSON is written as text: ``properties`` of a row are finished JSON, and only the five
that stand apart are put before them.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from ledger.times import format_if_known, format_micros
from projections.cases.values import NOBODY, Touching
from projections.restore.values import SentCase
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
    properties = {**orjson.loads(case.seen.properties), **_own(case)}
    told = _told(case, touching)
    told["properties"] = properties
    told["indices"] = orjson.loads(case.seen.indices)
    return told


def case_text(case: WholeCase, touching: Touching = NOBODY) -> str:
    """Return the JSON text of a case, spliced from the texts of its row."""
    row = case.seen
    if any(f'"{name}":' in row.properties for name in _OWN):
        # One of the five may be hidden there; the rare row is decoded.
        return orjson.dumps(case_object(case, touching)).decode()
    properties = orjson.dumps(_own(case)).decode()
    if row.properties != "{}":
        properties = f"{properties[:-1]},{row.properties[1:]}"
    told = orjson.dumps(_told(case, touching)).decode()
    return f'{told[:-1]},"properties":{properties},"indices":{row.indices}}}'


def _told(case: WholeCase, touching: Touching) -> dict[str, Any]:
    """Return all of a case but its properties and indices."""
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
        "xform_ids": touching.form_ids,
        "resource_uri": "",
    }


def _own(case: WholeCase) -> dict[str, str | None]:
    row = case.seen
    return {
        "case_name": row.case_name,
        "case_type": row.case_type,
        "date_opened": row.opened_on,
        "external_id": row.external_id,
        "owner_id": row.owner_id or None,
    }


def as_sent(case: WholeCase) -> SentCase:
    """Return a case as a device is told of it, and as it is in XML (rule 4.1)."""
    row = case.seen
    return SentCase(
        case_id=row.case_id,
        case_type=row.case_type,
        case_name=row.case_name,
        external_id=row.external_id,
        owner_id=row.owner_id,
        opened_on=row.opened_on,
        modified_on=row.modified_on,
        modified_by=case.modified_by,
        closed=row.closed,
        properties=row.properties,
        indices=row.indices,
        extra=case.extra,
    )
