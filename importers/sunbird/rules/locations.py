"""Rows with locations (``rules/batch-imports.md`` 2.4 to 2.6). Pure."""

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
from importers.sunbird.rules.settings import Rules

LOCATION = "location"


def looks_up(values: Mapping[str, str]) -> tuple[set[str], set[str]]:
    """Return the case ids and the external ids that a row names."""
    ids = {values[name] for name in ("parentId",) if name in values}
    return ids, {values[name] for name in ("code", "parentCode") if name in values}


def operation(values: Mapping[str, str], cases: Cases) -> str:
    """Return what a row asks for: an existing code is an update."""
    return CREATE if _existing(values, cases) is None else UPDATE


def failed(values: Mapping[str, str], task: Task) -> dict[str, Any]:
    """Return a row that failed as it is told."""
    return {**values, "type": task.location_type}


def plan(
    values: Mapping[str, str], task: Task, cases: Cases, *, new_id: str
) -> Planned:
    """Return what a row does; raises ``RowFailed``."""
    location_type = task.location_type.strip().lower()
    _check_type(task.location_type, task.rules)
    before = _existing(values, cases)
    parent = _parent(values, location_type, task.rules, cases=cases, before=before)
    if before and before.properties.get("location_type", "") != location_type:
        raise RowFailed("Update of type is not allowed.")
    after = _after(values, location_type, before, parent=parent, new_id=new_id)
    shown: dict[str, Any] = {**values, "type": location_type}
    if parent is not None:
        shown["parentId"] = parent.case_id
    shown["id"] = after.case_id
    doing = CREATE if before is None else UPDATE
    return Planned(operation=doing, before=before, after=after, shown=shown)


def _existing(values: Mapping[str, str], cases: Cases) -> Known | None:
    found = cases.by_external(values.get("code", ""), LOCATION)
    return found[0] if found else None


def _check_type(given: str, rules: Rules) -> None:
    if given.strip().lower() not in rules.types:
        known = ", ".join(rules.types)
        raise RowFailed(f"Invalid type: {given}. Valid values are: [{known}].")


def _parent(
    values: Mapping[str, str],
    location_type: str,
    rules: Rules,
    *,
    cases: Cases,
    before: Known | None,
) -> Known | None:
    """Return the parent that a row names, having checked that it may be one."""
    levels = rules.parents_of(location_type)
    is_given = "parentCode" in values or "parentId" in values
    if is_given and not levels:
        text = "For top level location, parentId or parentCode is not allowed."
        raise RowFailed(text)
    if not is_given:
        if levels and before is None:
            raise RowFailed("Mandatory parameter parentId or parentCode is missing.")
        return None
    parent = _found(values, cases)
    if parent is None or parent.properties.get("location_type") not in levels:
        raise RowFailed("Please provide valid parentId or parentCode.")
    return parent


def _found(values: Mapping[str, str], cases: Cases) -> Known | None:
    """Return the location that both columns mean, if they mean the same one."""
    by_code = cases.by_external(values.get("parentCode", ""), LOCATION)
    if "parentCode" in values and not by_code:
        raise RowFailed("Please provide valid parentCode.")
    if "parentId" not in values:
        return by_code[0]
    by_id = cases.by_id(values["parentId"], LOCATION)
    if by_id is None:
        raise RowFailed("Please provide valid parentId.")
    if by_code and by_code[0].case_id != by_id.case_id:
        return None
    return by_id


def _after(
    values: Mapping[str, str],
    location_type: str,
    before: Known | None,
    *,
    parent: Known | None,
    new_id: str,
) -> Known:
    properties = {} if before is None else dict(before.properties)
    # One that was found keeps its code, also where the row composes it otherwise.
    code = (None if before is None else before.external_id) or values["code"]
    properties |= {"code": code, "location_type": location_type}
    if parent is not None:
        properties.pop("parentCode", None)
        properties["parentId"] = parent.case_id
        if parent.external_id:
            properties["parentCode"] = parent.external_id
    kept_parent = None if before is None else before.parent_id
    return Known(
        case_id=new_id if before is None else before.case_id,
        case_type=LOCATION,
        name=values["name"],
        external_id=code,
        properties=properties,
        parent_id=kept_parent if parent is None else parent.case_id,
    )
