"""Models: which destinations a control file may fill, with cases of which types.

``rules/batch-imports.md`` 1.8.1 and 1.8.3. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from importers.haplo.rules.names import Slot, is_index_name, slot_of
from importers.haplo.rules.scripting import shown
from importers.haplo.rules.types import KNOWN_TYPES
from ledger.forms.names import is_legal

LEDGER_CASES = "ledger:cases"

BY_REF = "load:by-ref"
BY_EXTERNAL_ID = "load:by-external-id"
PERSON_NAME = "value:person-name"
POSTAL_ADDRESS = "value:postal-address"

LOADING = {BY_REF: {"ref": "ref"}, BY_EXTERNAL_ID: {"external_id": "text"}}
"""The pseudo destinations that say what to load: their names, and the types."""

STRUCTURED = {
    PERSON_NAME: ("title", "first", "middle", "last", "suffix"),
    POSTAL_ADDRESS: ("street1", "street2", "city", "county", "postcode", "country"),
}
"""The pseudo destinations that collect a value, and their names in order."""

_CASE_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,254}", re.ASCII)
_LONGEST_TYPE = 255
_BY_CODE = {
    "std:attribute:email": "email-address",
    "std:attribute:url": "url",
    "std:attribute:telephone": "telephone-number",
    "std:attribute:address": "postal-address",
    "std:attribute:notes": "text-paragraph",
}
_MOST_LEVELS = 64
_RESERVED = ("load:", "value:")


class BadDestinations(ValueError):
    """The ``destinations`` of a control file cannot be used; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NameRule:
    """What a model says of a name."""

    type: str | None = None
    multivalue: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Something that a record fills: a case of one type.

    With ``depends``, ``index`` and ``relationship`` tell how the case hangs on the
    case of the other destination. ``required`` are names with what they set.
    """

    name: str
    case_type: str
    depends: str | None = None
    index: str = "parent"
    relationship: str = "child"
    optional: bool = False
    rules: Mapping[Slot, NameRule] = field(default_factory=dict)
    required: Mapping[str, Slot] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """The destinations of a control file by name."""

    name: str
    destinations: Mapping[str, Destination]


def model_of(control: Mapping[str, Any]) -> Model | None:
    """Return the model that a control file names, ``None`` for an unknown one.

    Raises ``BadDestinations``.
    """
    name = control.get("model")
    if name == LEDGER_CASES:
        found = _destinations(control.get("destinations"))
        return Model(name=name, destinations=found)
    if name == "haplo:person":
        return _alone(name, "profile", case_type="person", rules=_person_rules())
    if isinstance(name, str) and name.startswith("TYPE:"):
        case_type = name.removeprefix("TYPE:")
        if _CASE_TYPE.fullmatch(case_type):
            return _alone(name, "object", case_type=case_type)
    return None


def _alone(model: str, name: str, **about: Any) -> Model:
    return Model(name=model, destinations={name: Destination(name=name, **about)})


def _person_rules() -> dict[Slot, NameRule]:
    found = {slot_of(code): NameRule(type=kind) for code, kind in _BY_CODE.items()}
    return {slot: rule for slot, rule in found.items() if slot is not None}


def _destinations(given: Any) -> dict[str, Destination]:
    about = _object(given, "it is not an object")
    if not about:
        raise BadDestinations("there is no destination")
    found = {name: _destination(name, wish) for name, wish in about.items()}
    for name, destination in found.items():
        _check_chain(name, destination, found)
    return found


def _destination(name: str, given: Any) -> Destination:
    if name.startswith(_RESERVED) or not name:
        raise BadDestinations(f"'{shown(name)}' cannot be the name of a destination")
    wish = _object(given, f"{shown(name)} is not an object")
    rules, required = {}, {}
    for told, slot, rule, is_required in _names(name, wish):
        rules[slot] = rule
        if is_required:
            required[told] = slot
    return Destination(
        name=name,
        case_type=_case_type(name, wish),
        depends=_text(wish, "depends", name),
        index=_index(name, wish),
        relationship=_relationship(name, wish),
        optional=_flag(wish, "optional", name) or False,
        rules=rules,
        required=required,
    )


def _case_type(name: str, wish: Mapping[str, Any]) -> str:
    found = _text(wish, "caseType", name)
    if found is None:
        raise BadDestinations(f"{shown(name)} has no caseType")
    good = found.strip() == found and is_legal(found)
    if not (good and 0 < len(found) <= _LONGEST_TYPE):
        raise BadDestinations(f"the caseType of {shown(name)} cannot be one")
    return found


def _index(name: str, wish: Mapping[str, Any]) -> str:
    index = _text(wish, "index", name) or "parent"
    if not is_index_name(index):
        raise BadDestinations(f"the index of {shown(name)} cannot be one")
    return index


def _relationship(name: str, wish: Mapping[str, Any]) -> str:
    found = _text(wish, "relationship", name) or "child"
    if found not in {"child", "extension"}:
        raise BadDestinations(
            f"the relationship of {shown(name)} is neither child nor extension"
        )
    return found


def _names(
    destination: str, wish: Mapping[str, Any]
) -> Iterator[tuple[str, Slot, NameRule, bool]]:
    given = wish.get("names")
    where = f"names of {shown(destination)}"
    about = {} if given is None else _object(given, f"{where} is not an object")
    for name, told in about.items():
        rule = _object(told, f"{shown(name)} in {where} is not an object")
        slot, kind = slot_of(name), _text(rule, "type", name)
        if slot is None:
            raise BadDestinations(f"unknown name {shown(name)} in {where}")
        if kind is not None and kind not in KNOWN_TYPES:
            raise BadDestinations(f"unknown type {shown(kind)} in {where}")
        multivalue = _flag(rule, "multivalue", name)
        required = _flag(rule, "required", name) or False
        yield name, slot, NameRule(type=kind, multivalue=multivalue), required


def _check_chain(
    name: str, destination: Destination, found: Mapping[str, Destination]
) -> None:
    """Refuse a destination that hangs on none, or in a circle."""
    seen = {name}
    above = destination.depends
    while above is not None:
        if above not in found:
            raise BadDestinations(
                f"{shown(name)} depends on {shown(above)}, which is no destination"
            )
        if above in seen:
            raise BadDestinations(f"{shown(name)} depends on itself")
        if len(seen) > _MOST_LEVELS:
            raise BadDestinations(f"{shown(name)} depends on too many destinations")
        seen.add(above)
        above = found[above].depends


def _object(given: Any, otherwise: str) -> Mapping[str, Any]:
    if not isinstance(given, dict):
        raise BadDestinations(otherwise)
    return given


def _text(wish: Mapping[str, Any], key: str, name: str) -> str | None:
    found = wish.get(key)
    if found is not None and not isinstance(found, str):
        raise BadDestinations(f"{key} of {shown(name)} is not a string")
    return found


def _flag(wish: Mapping[str, Any], key: str, name: str) -> bool | None:
    found = wish.get(key)
    if found is not None and not isinstance(found, bool):
        raise BadDestinations(f"{key} of {shown(name)} is neither true nor false")
    return found
