"""What one row of an upload does, whatever it is about. Pure.

``rules/batch-imports.md`` 2.5.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any, Final

from importers.rows.rules.ids import escaped, forms_of
from importers.sunbird.rules import locations, organisations, users
from importers.sunbird.rules.alike import Alike, with_ids
from importers.sunbird.rules.columns import COLUMNS, ObjectType, missing
from importers.sunbird.rules.known import (
    PARENT,
    PARENT_TYPES,
    Cases,
    Failed,
    Known,
    Planned,
    RowFailed,
    Task,
)
from ledger.forms.case_block import CaseBlock, IndexUpdate
from ledger.forms.names import is_legal, is_too_long

_LONGEST: Final = 255
_SHORT: Final = frozenset({"code", "name", "orgName", "externalId", "firstName"})
"""What becomes the name or the external id of a case (rule R0.8)."""

_KINDS: dict[ObjectType, ModuleType] = {
    ObjectType.LOCATION: locations,
    ObjectType.ORGANISATION: organisations,
    ObjectType.USER: users,
}


def looks_up(values: Mapping[str, str], kind: ObjectType) -> tuple[set[str], set[str]]:
    """Return the case ids and the external ids that a row names."""
    meant, _ = with_ids(values)
    case_ids, external_ids = _KINDS[kind].looks_up(meant)
    return _forms(case_ids), _forms(external_ids)


def _forms(ids: Iterable[str]) -> set[str]:
    return {form for one in ids for form in forms_of(one) if is_legal(form)}


def decide(
    values: Mapping[str, str], task: Task, cases: Cases, *, new_id: str
) -> Planned | Failed:
    """Return what a row does; ``new_id`` is the id of the case it may create."""
    meant, told = with_ids(values)
    alike = Alike(cases)
    try:
        _check_values(meant, task.kind)
        planned: Planned = _KINDS[task.kind].plan(meant, task, alike, new_id=new_id)
        _check_unseen(planned, alike)
    except RowFailed as failed:
        return failure(values, task, cases, message=str(failed))
    shown = {**planned.shown, "operation": planned.operation}
    return replace(planned, shown=shown, told=(*told, *alike.told))


def _check_unseen(planned: Planned, cases: Alike) -> None:
    """Let no second case be made only for what nobody sees of an id (rule 2.6i)."""
    after = planned.after
    given = after.external_id
    if planned.before is not None or not given:
        return
    if cases.is_meant_otherwise(given, after.case_type):
        raise RowFailed(
            f"{escaped(given)} has blanks at its ends or characters that nobody sees. "
            f"There is a {after.case_type} with this id without them: remove them if "
            "it is meant."
        )


def failure(
    values: Mapping[str, str], task: Task, cases: Cases, *, message: str, **more: str
) -> Failed:
    """Return a row that failed for this reason."""
    rules = _KINDS[task.kind]
    shown: dict[str, Any] = rules.failed(values, task)
    meant, _ = with_ids(values)
    doing = rules.operation(meant, Alike(cases))
    said = {"operation": doing, "err_msg": message, **more}
    return Failed(message=message, shown={**shown, **said})


def block_of(planned: Planned, kind: ObjectType, *, owner_id: str) -> CaseBlock | None:
    """Return the block that makes a case what it is to be; nothing if it is so."""
    before, after = planned.before, planned.after
    indices: tuple[IndexUpdate, ...] = ()
    if after.parent_id and (before is None or before.parent_id != after.parent_id):
        indices = (_parent(after.parent_id, kind),)
    if before is None:
        update = dict(after.properties)
        if after.external_id:
            update["external_id"] = after.external_id
        create = {"case_type": after.case_type, "case_name": after.name}
        create["owner_id"] = owner_id
        return CaseBlock(
            case_id=after.case_id, create=create, update=update, indices=indices
        )
    changes = _changes(before, after)
    if not changes and not indices:
        return None
    return CaseBlock(case_id=after.case_id, update=changes or None, indices=indices)


def _parent(case_id: str, kind: ObjectType) -> IndexUpdate:
    return IndexUpdate(
        name=PARENT,
        case_id=case_id,
        case_type=PARENT_TYPES[kind],
        relationship="child",
    )


def _changes(before: Known, after: Known) -> dict[str, str]:
    """Return the properties that differ; one that goes becomes empty."""
    names = sorted({*before.properties, *after.properties})
    old, new = before.properties, after.properties
    changes = {n: new.get(n, "") for n in names if old.get(n) != new.get(n)}
    if before.name != after.name:
        changes["case_name"] = after.name
    if after.external_id and before.external_id != after.external_id:
        changes["external_id"] = after.external_id
    return changes


def _check_values(values: Mapping[str, str], kind: ObjectType) -> None:
    for column in COLUMNS[kind]:
        if column.needs_value and column.name not in values:
            raise RowFailed(missing(column.name))
    for name, text in values.items():
        if not is_legal(text):
            raise RowFailed(f"Invalid character in {name}.")
        stored = text.lower() if name == "externalId" else text
        if is_too_long(text) or (name in _SHORT and len(stored) > _LONGEST):
            raise RowFailed(f"Value of {name} is too long.")
