"""What changed in a case, before and after: history, undo and dry run tell it. Pure.

Changes speak of the keys of a case object: fields by the names they have there,
``properties.NAME``, ``indices.NAME`` and ``attachments.NAME``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from projections.rule.case_changes import Change

_WIRE = {"opened_on": "date_opened", "closed_on": "date_closed"}
_OWN = {wire: own for own, wire in _WIRE.items()}


def own_name(name: str) -> str:
    """Return the name of a value within, where fields have other names."""
    if name in _WIRE:
        return f"properties.{name}"
    return _OWN.get(name, name)


def wire_name(name: str) -> str:
    """Return the name that a value has in a case object."""
    return _WIRE.get(name, name)


def changes_to_wire(found: Iterable[Change]) -> list[Mapping[str, Any]]:
    """Return changes as the wire has them."""
    return [
        {"name": wire_name(change.name), "from": change.old, "to": change.new}
        for change in found
    ]
