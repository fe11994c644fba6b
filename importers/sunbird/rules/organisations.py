"""Rows with organisations (``rules/batch-imports.md`` 2.4 to 2.6). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from importers.sunbird.rules.known import (
    CREATE,
    UPDATE,
    Cases,
    Known,
    Planned,
    RowFailed,
    Task,
)
from importers.sunbird.rules.locations import LOCATION

ORGANISATION = "organisation"
ACTIVE = "active"
_STATES = (ACTIVE, "inactive")
_TYPES = ("board", "school")


def looks_up(values: Mapping[str, str]) -> tuple[set[str], set[str]]:
    """Return the case ids and the external ids that a row names."""
    ids = {values[name] for name in ("organisationId",) if name in values}
    codes = {values[name] for name in ("locationCode",) if name in values}
    own = {values[name].lower() for name in ("externalId",) if name in values}
    return ids, codes | own


def operation(values: Mapping[str, str], _cases: Cases) -> str:
    """Return what a row asks for: an id of an organisation is an update."""
    return UPDATE if "organisationId" in values else CREATE


def failed(values: Mapping[str, str], _task: Task) -> dict[str, Any]:
    """Return a row that failed as it is told."""
    return dict(values)


def plan(
    values: Mapping[str, str], task: Task, cases: Cases, *, new_id: str
) -> Planned:
    """Return what a row does; raises ``RowFailed``."""
    state = values["status"].lower()
    if state not in _STATES:
        raise RowFailed("INVALID_ORG_STATUS")
    places = cases.by_external(values["locationCode"], LOCATION)
    if not places:
        text = (
            f"Invalid value [{values['locationCode']}] for parameter locationCode. "
            "Please provide a valid value."
        )
        raise RowFailed(text)
    _check_external_id(values, cases)
    before = _existing(values, cases)
    given_type = values.get("organisationType", "")
    if given_type and given_type.lower() not in _TYPES:
        text = (
            f"Invalid organisationType: {given_type}. "
            f"Valid values are: [{', '.join(_TYPES)}]."
        )
        raise RowFailed(text)
    after = _after(values, task, before, place=places[0], new_id=new_id)
    shown = {
        **values,
        "organisationId": after.case_id,
        "locationName": places[0].name,
        "status": int(state == ACTIVE),
        "channel": task.domain,
    }
    doing = operation(values, cases)
    return Planned(operation=doing, before=before, after=after, shown=shown)


def _check_external_id(values: Mapping[str, str], cases: Cases) -> None:
    given = values.get("externalId", "")
    holders = cases.by_external(given.lower(), ORGANISATION)
    if any(holder.case_id != values.get("organisationId") for holder in holders):
        raise RowFailed(f"Value {given} for externalId is already in use.")


def _existing(values: Mapping[str, str], cases: Cases) -> Known | None:
    if "organisationId" not in values:
        return None
    before = cases.by_id(values["organisationId"], ORGANISATION)
    if before is None:
        raise RowFailed("INVALID_ORG_ID")
    return before


def _after(
    values: Mapping[str, str],
    task: Task,
    before: Known | None,
    *,
    place: Known,
    new_id: str,
) -> Known:
    given = {
        "orgName": values["orgName"],
        "locationCode": values["locationCode"],
        "locationName": place.name,
        "org_status": values["status"].lower(),
        "externalId": values.get("externalId", "").lower(),
        "description": values.get("description", ""),
        "organisationType": values.get("organisationType", "").lower(),
        "channel": task.domain,
    }
    properties = {} if before is None else dict(before.properties)
    properties |= {name: text for name, text in given.items() if text}
    kept_id = None if before is None else before.external_id
    return Known(
        case_id=new_id if before is None else before.case_id,
        case_type=ORGANISATION,
        name=values["orgName"],
        external_id=given["externalId"] or kept_id,
        properties=properties,
        parent_id=place.case_id,
    )
