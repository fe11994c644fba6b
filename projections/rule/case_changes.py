"""What differs between two states of a case, and what a history is told in. Pure.

Changes are named by a field of the case, ``properties.NAME``, ``indices.NAME`` or
``attachments.NAME``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ledger.cases.case import Case

Value = str | bool | Mapping[str, str | int] | None
"""What a change is from or to; an index or an attachment has several parts."""

_FIELDS = (
    "case_type",
    "case_name",
    "external_id",
    "owner_id",
    "opened_on",
    "closed",
    "closed_on",
    "location_id",
    "deleted_on",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One value that an entry changed; ``None`` where there was or is none.

    ``name`` is a field of the case, ``properties.NAME``, ``indices.NAME`` or
    ``attachments.NAME``.
    """

    name: str
    old: Value
    new: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryStep:
    """One entry in a case's history and what it changed.

    ``form_id`` is empty for an entry about the case itself, such as its deletion.
    ``user_id`` is who was authenticated, else who the form says filled it in.
    """

    form_id: str
    kind: str
    position: int
    received_on: str
    appended_on: str
    user_id: str
    xmlns: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """What made one value of a case what it is; the latest comes first everywhere.

    ``set_by`` is the form in force that gave the value its present state, ``earlier``
    are those that changed it before, in the order of the fold. ``entries`` are the
    entries of the log that changed it, whatever became of their forms.
    """

    name: str
    value: Value
    set_by: HistoryStep | None
    earlier: tuple[HistoryStep, ...]
    entries: tuple[HistoryStep, ...]


def changes(before: Case | None, after: Case | None) -> tuple[Change, ...]:
    """Return what differs between two states of a case."""
    old, new = values_of(before), values_of(after)
    names = [*_FIELDS, *sorted({*old, *new}.difference(_FIELDS))]
    return tuple(
        Change(name=name, old=old.get(name), new=new.get(name))
        for name in names
        if old.get(name) != new.get(name)
    )


def values_of(case: Case | None) -> dict[str, Value]:
    """Return every value of a case that a change can be about, by name.

    A case without a form in force has none, but for the time since when.
    """
    if case is None:
        return {}
    if case.is_void:
        return {"deleted_on": case.deleted_on}
    values: dict[str, Value] = {name: getattr(case, name) for name in _FIELDS}
    values.update({f"properties.{n}": text for n, text in case.properties.items()})
    values.update(
        {f"indices.{n}": index._asdict() for n, index in case.live_indices.items()}
    )
    values.update(
        {f"attachments.{n}": found._asdict() for n, found in case.attachments.items()}
    )
    return {name: value for name, value in values.items() if value is not None}


def value_of(case: Case | None, name: str) -> Value:
    """Return one value of a case as ``values_of`` does, without making the others."""
    if case is None or case.is_void:
        return values_of(case).get(name)
    if name in _FIELDS:
        value: Value = getattr(case, name)
        return value
    family, _, member = name.partition(".")
    if family == "properties":
        return case.properties.get(member)
    if family == "indices":
        index = case.indices.get(member)
        return index._asdict() if index is not None and index.case_id else None
    attachment = case.attachments.get(member) if family == "attachments" else None
    return None if attachment is None else attachment._asdict()
