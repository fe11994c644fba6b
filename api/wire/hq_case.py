"""A case as HQ's older APIs show it (``rules/hq-cases.md`` 1 and 4). Pure.

JSON is written as text: ``properties`` of a row are finished JSON, and only the five
that stand apart are put before them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import orjson

from ledger.forms.case_block import AttachmentUpdate, CaseBlock, IndexUpdate
from ledger.forms.case_text import write_case_blocks
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
_NOBODY: Final = "-"
"""The owner of a case that has none: a phone refuses one without."""
_DAY: Final = len("2026-03-01")


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


# -- XML -----------------------------------------------------------------------


def case_element(case: WholeCase, *, base: str) -> str:
    """Return a case as the block that a phone gets of it (rule 4.1).

    ``base`` is the address of the server, for its attachments.
    """
    return next(write_case_blocks([_block(case, base)]))


def _block(case: WholeCase, base: str) -> CaseBlock:
    row = case.seen
    extra = orjson.loads(case.extra) if case.extra else {}
    update = {
        "external_id": row.external_id,
        "location_id": extra.get("location_id"),
        "date_opened": row.opened_on[:_DAY],
        **orjson.loads(row.properties),
    }
    return CaseBlock(
        case_id=row.case_id,
        user_id=case.modified_by,
        date_modified=row.modified_on,
        create={
            "case_type": row.case_type,
            "case_name": row.case_name,
            "owner_id": row.owner_id or case.modified_by or _NOBODY,
        },
        update={name: value for name, value in update.items() if value is not None},
        indices=_indices(case, extra),
        close=bool(row.closed),
        attachments=tuple(
            AttachmentUpdate(name, _address(case, name, base), "remote")
            for name in sorted(extra.get("attachments", ()))
        ),
    )


def _indices(case: WholeCase, extra: Mapping[str, Any]) -> tuple[IndexUpdate, ...]:
    """Return the indices by name, cleared ones too; a phone knows none to itself."""
    live = orjson.loads(case.seen.indices)
    found = [
        IndexUpdate(name, index["case_id"], index["case_type"], index["relationship"])
        for name, index in live.items()
        if index["case_id"] != case.seen.case_id
    ]
    found += [
        IndexUpdate(name, "", case_type, relationship)
        for name, case_type, relationship in extra.get("cleared", ())
    ]
    return tuple(sorted(found))


def _address(case: WholeCase, name: str, base: str) -> str:
    domain, case_id = quote(case.seen.domain), quote(case.seen.case_id, safe="")
    return f"{base}/a/{domain}/api/case/attachment/{case_id}/{quote(name, safe='')}"
