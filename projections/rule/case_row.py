"""A case as its read table holds it: flat, ready to be written to the wire. Pure.

A page of five thousand cases must not decode and encode five thousand JSON texts, so
queries hand out ``SeenCase`` and the API splices its texts. Whoever needs the folded
state reads the whole ``CaseRow`` and calls ``to_case``.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any, Final, NamedTuple

import orjson

from ledger.cases.case import (
    NO_ATTACHMENTS,
    NO_INDICES,
    Case,
    CaseAttachment,
    CaseIndex,
    FoldKey,
)
from ledger.times import Instant, Micros, format_micros

_SORTED = orjson.OPT_SORT_KEYS
_NO_EXTRA: Final[Mapping[str, Any]] = {}


class CaseRow(NamedTuple):
    """One row of the ``cases`` read table, columns in the table's order.

    ``properties`` and ``indices`` are finished JSON objects with sorted keys;
    ``indices`` holds live indices only, in the wire's shape. ``extra`` is JSON with
    what no client of the case API sees: tombstones, attachments, location.
    """

    domain: str
    case_id: str
    indexed_on: Micros
    position: int
    case_type: str
    case_name: str
    external_id: str | None
    owner_id: str
    opened_on: Instant
    opened_by: str
    modified_on: Instant
    modified_by: str
    server_modified_on: Instant
    closed: int
    closed_on: Instant | None
    closed_by: str
    deleted_on: Instant | None
    folded_on: Micros
    folded_position: int
    properties: str
    indices: str
    extra: str | None


class SeenCase(NamedTuple):
    """What readers see of a case: the columns that an answer or a query goes by.

    A value that is fetched costs as much as it costs to write it out, so what only the
    fold needs stays in the database.
    """

    domain: str
    case_id: str
    indexed_on: Micros
    case_type: str
    case_name: str
    external_id: str | None
    owner_id: str
    opened_on: Instant
    modified_on: Instant
    server_modified_on: Instant
    closed: int
    closed_on: Instant | None
    deleted_on: Instant | None
    properties: str
    indices: str


_seen_values = itemgetter(*map(CaseRow._fields.index, SeenCase._fields))


class WholeCase(NamedTuple):
    """What HQ's older APIs show of a case, beside what every reader sees.

    ``extra`` is as in ``CaseRow``.
    """

    seen: SeenCase
    opened_by: str
    modified_by: str
    closed_by: str
    extra: str | None


def seen(row: CaseRow) -> SeenCase:
    """Return what readers see of a row."""
    return SeenCase._make(_seen_values(row))


def to_row(case: Case) -> CaseRow:
    """Return the row of a case."""
    return CaseRow(
        case.domain,
        case.case_id,
        case.indexed_on,
        case.position,
        case.case_type,
        case.case_name,
        case.external_id,
        case.owner_id,
        case.opened_on,
        case.opened_by,
        case.modified_on,
        case.modified_by,
        case.server_modified_on,
        int(case.closed),
        case.closed_on,
        case.closed_by,
        case.deleted_on,
        *case.folded_to,
        _dumps(case.properties) if case.properties else "{}",
        _dumps(_wire_indices(case)) if case.indices else "{}",
        _extra(case),
    )


def to_case(row: CaseRow) -> Case:
    """Return the folded state that a row holds; the inverse of ``to_row``."""
    extra = orjson.loads(row.extra) if row.extra else _NO_EXTRA
    return Case(
        row.domain,
        row.case_id,
        row.case_type,
        row.case_name,
        row.external_id,
        row.owner_id,
        row.opened_on,
        row.opened_by,
        row.modified_on,
        row.modified_by,
        bool(row.closed),
        row.closed_on,
        row.closed_by,
        extra.get("location_id"),
        orjson.loads(row.properties),
        NO_INDICES if row.indices == "{}" and not extra else _indices(row, extra),
        _attachments(extra) if "attachments" in extra else NO_ATTACHMENTS,
        row.server_modified_on,
        row.indexed_on,
        row.position,
        row.deleted_on,
        row.deleted_on is not None and (row.folded_position != 0 or "flagged" in extra),
        FoldKey(row.folded_on, row.folded_position),
    )


def wire_fields(row: SeenCase) -> dict[str, str | bool | None]:
    """Return a case's fields under the wire's names (``rules/case-api-v2.md`` 3)."""
    return {
        "domain": row.domain,
        "case_id": row.case_id,
        "case_type": row.case_type,
        "case_name": row.case_name,
        "external_id": row.external_id,
        "owner_id": row.owner_id,
        "date_opened": row.opened_on,
        "last_modified": row.modified_on,
        "server_last_modified": row.server_modified_on,
        "indexed_on": format_micros(row.indexed_on),
        "closed": bool(row.closed),
        "date_closed": row.closed_on,
    }


def _indices(row: CaseRow, extra: Mapping[str, Any]) -> dict[str, CaseIndex]:
    found = orjson.loads(row.indices)
    indices = {name: CaseIndex(**index) for name, index in found.items()}
    for name, case_type, relationship in extra.get("cleared", ()):
        indices[name] = CaseIndex("", case_type, relationship)
    return indices


def _attachments(extra: Mapping[str, Any]) -> dict[str, CaseAttachment]:
    found = extra["attachments"]
    return {name: CaseAttachment(**attachment) for name, attachment in found.items()}


def _wire_indices(case: Case) -> dict[str, dict[str, str]]:
    return {
        name: {"case_id": case_id, "case_type": case_type, "relationship": relationship}
        for name, (case_id, case_type, relationship) in case.indices.items()
        if case_id
    }


def _extra(case: Case) -> str | None:
    extra: dict[str, object] = {}
    if case.flagged and case.is_void:
        extra["flagged"] = True
    if case.location_id is not None:
        extra["location_id"] = case.location_id
    cleared = [
        (name, case_type, relationship)
        for name, (case_id, case_type, relationship) in case.indices.items()
        if not case_id
    ]
    if cleared:
        extra["cleared"] = sorted(cleared)
    if case.attachments:
        extra["attachments"] = {
            name: attachment._asdict() for name, attachment in case.attachments.items()
        }
    return _dumps(extra) if extra else None


def _dumps(value: object) -> str:
    return orjson.dumps(value, option=_SORTED).decode()
