"""Rows with users (``rules/batch-imports.md`` 2.4 to 2.6). Pure.

Users are cases; nobody signs in as one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
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
from importers.sunbird.rules.masks import masked
from importers.sunbird.rules.organisations import ACTIVE, ORGANISATION
from importers.sunbird.rules.settings import Rules

USER = "user"
UNIQUE = ("email", "phone")
"""What no two open users may share."""

_ASSIGN_ROLES = "assignRoles"
_NO_ROLE = "PUBLIC"
_EMAIL = re.compile(
    r"[_A-Za-z0-9+-]+(\.[_A-Za-z0-9-]+)*@[A-Za-z0-9-]+(\.[A-Za-z0-9]+)*"
    r"(\.[A-Za-z]{2,})"
)


def looks_up(values: Mapping[str, str]) -> tuple[set[str], set[str]]:
    """Return the case ids and the external ids that a row names."""
    ids = {values[name] for name in ("orgId", "userId") if name in values}
    return ids, {values[n].lower() for n in ("orgExternalId",) if n in values}


def unique_values(values: Mapping[str, str]) -> dict[str, str]:
    """Return the values of a row that it must not share, as they are compared."""
    found = {name: values[name] for name in UNIQUE if values.get(name)}
    return {n: v.lower() if n == "email" else v for n, v in found.items()}


def operation(values: Mapping[str, str], _cases: Cases) -> str:
    """Return what a row asks for, in the words of the real service."""
    if "userId" not in values:
        return CREATE
    return _ASSIGN_ROLES if "roles" in values else UPDATE


def failed(values: Mapping[str, str], _task: Task) -> dict[str, Any]:
    """Return a row that failed as it is told."""
    return masked(values)


def plan(
    values: Mapping[str, str], task: Task, cases: Cases, *, new_id: str
) -> Planned:
    """Return what a row does; raises ``RowFailed``."""
    roles = _roles(values, task.rules)
    _check_type(values, task.rules)
    organisation = _organisation(values, cases)
    _check_contact(values, task.rules)
    _check_unique(values, cases)
    before = _existing(values, cases)
    after = _after(values, roles, before, organisation=organisation, new_id=new_id)
    shown: dict[str, Any] = masked(values)
    shown |= {
        "roles": roles,
        "id": after.case_id,
        "userId": after.case_id,
        "orgName": after.properties.get("orgName", ""),
    }
    if "orgId" in after.properties:
        shown["organisationId"] = after.properties["orgId"]
    shown["createdBy"] = task.author.user_id
    doing = operation(values, cases)
    return Planned(operation=doing, before=before, after=after, shown=shown)


def _roles(values: Mapping[str, str], rules: Rules) -> list[str]:
    given = [role.strip() for role in values["roles"].split(",")]
    roles = list(dict.fromkeys(role for role in given if role))
    if not set(roles) <= {*rules.roles, _NO_ROLE}:
        raise RowFailed("Invalid role value provided in request.")
    return [role for role in roles if role != _NO_ROLE]


def _check_type(values: Mapping[str, str], rules: Rules) -> None:
    given = values["userType"]
    if given.lower() not in rules.user_types:
        text = (
            f"Invalid value {given} for parameter userType. "
            "Please provide a valid value."
        )
        raise RowFailed(text)


def _organisation(values: Mapping[str, str], cases: Cases) -> Known | None:
    """Return the organisation that a row names by either id."""
    found: list[Known | None] = []
    if "orgId" in values:
        found.append(cases.by_id(values["orgId"], ORGANISATION))
    if "orgExternalId" in values:
        held = cases.by_external(values["orgExternalId"].lower(), ORGANISATION)
        found.append(held[0] if held else None)
    organisations = [one for one in found if one is not None]
    if len(organisations) < len(found):
        raise RowFailed("INVALID_ORG_ID")
    if len({one.case_id for one in organisations}) > 1:
        text = (
            f"Conflicting values for organisationId ({values['orgId']}) "
            f"and orgExternalId ({values['orgExternalId']})."
        )
        raise RowFailed(text)
    if not organisations:
        return None
    if organisations[0].properties.get("org_status", ACTIVE) != ACTIVE:
        raise RowFailed("INVALID_ORG_STATUS")
    return organisations[0]


def _check_contact(values: Mapping[str, str], rules: Rules) -> None:
    email, phone = values.get("email"), values.get("phone")
    if not email and not phone and "userId" not in values:
        raise RowFailed("Please provide either email or phone.")
    if email and _EMAIL.fullmatch(email) is None:
        raise RowFailed("Email is invalid.")
    if phone and "+" in phone:
        raise RowFailed("Please send Phone and country code seprately.")
    if phone and _pattern(rules.phone_pattern).fullmatch(phone) is None:
        raise RowFailed("Please provide a valid phone number.")


@lru_cache(maxsize=16)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


def _check_unique(values: Mapping[str, str], cases: Cases) -> None:
    wanted = unique_values(values)
    if _is_held("email", wanted, values, cases):
        raise RowFailed("Email already exists.")
    if _is_held("phone", wanted, values, cases):
        text = "Phone already in use. Please provide different phone number."
        raise RowFailed(text)


def _is_held(
    name: str, wanted: Mapping[str, str], values: Mapping[str, str], cases: Cases
) -> bool:
    if name not in wanted:
        return False
    holders = cases.holders(name, wanted[name])
    return any(holder.case_id != values.get("userId") for holder in holders)


def _existing(values: Mapping[str, str], cases: Cases) -> Known | None:
    if "userId" not in values:
        return None
    before = cases.by_id(values["userId"], USER)
    if before is None:
        raise RowFailed("User Id does not exists in our records")
    return before


def _after(
    values: Mapping[str, str],
    roles: list[str],
    before: Known | None,
    *,
    organisation: Known | None,
    new_id: str,
) -> Known:
    given = {
        "firstName": values["firstName"],
        "phone": values.get("phone", ""),
        "email": values.get("email", ""),
        "userType": values["userType"].lower(),
        "roles": " ".join(roles),
    }
    properties = {} if before is None else dict(before.properties)
    if organisation is not None:
        # One without an external id leaves none of the organisation before.
        properties.pop("orgExternalId", None)
        given["orgId"] = organisation.case_id
        given["orgExternalId"] = organisation.external_id or ""
        given["orgName"] = organisation.name
    properties |= {name: text for name, text in given.items() if text}
    kept_parent = None if before is None else before.parent_id
    return Known(
        case_id=new_id if before is None else before.case_id,
        case_type=USER,
        name=values["firstName"],
        external_id=None if before is None else before.external_id,
        properties=properties,
        parent_id=kept_parent if organisation is None else organisation.case_id,
    )
