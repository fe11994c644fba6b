"""The instructions of a control file, prepared for its records. Pure.

``rules/batch-imports.md`` 1.7: what is wrong with an instruction is found here, once,
and the instruction is dropped; the run goes on without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from importers.haplo.rules.asking import asking
from importers.haplo.rules.checks import action_of
from importers.haplo.rules.control import Control
from importers.haplo.rules.conversion import Conversion
from importers.haplo.rules.dates import BadPattern, DatePattern, read_pattern
from importers.haplo.rules.filters import BY_USERNAME, FILTERS
from importers.haplo.rules.lookup import is_possible
from importers.haplo.rules.mappings import BadMapping, Census, read_mapping
from importers.haplo.rules.mappings import Mapping as RefMapping
from importers.haplo.rules.models import LOADING, STRUCTURED, Model
from importers.haplo.rules.names import CLOSE, OWNER_ID, Part, Slot, qualified, slot_of
from importers.haplo.rules.scripting import is_truthy, shown, text_of
from importers.haplo.rules.steps import (
    AbortRecord,
    AssertDestination,
    ForEach,
    IfExists,
    IfHasValue,
    IfOneOf,
    Load,
    LogError,
    New,
    Pseudo,
    RemoveCollected,
    RemoveValues,
    SetField,
    SetStructured,
    SetValue,
    Step,
    Steps,
    Within,
)
from importers.haplo.rules.targets import Place
from importers.haplo.rules.types import KNOWN_TYPES, OWNER, STRUCTURED_TYPES
from importers.haplo.rules.values import Wanted
from ledger.errors import LedgerError

_RELATIONSHIPS = ("child", "extension")
_UNKNOWN = "unknown"


class RunBroken(LedgerError):
    """The run of a batch ends here; records before stay applied."""


class _Dropped(Exception):
    """An instruction cannot be used; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """Prepared instructions, and what was found wrong with the others.

    ``asking`` are those that ask for cases.
    """

    model: Model
    steps: Steps
    asking: Steps
    problems: tuple[str, ...]
    asks_users: bool
    sources: tuple[str, ...] = ()
    """The fields of a record that instructions name, not those inside of others."""


def prepare(control: Control, census: Census, *, this_year: int) -> Program:
    """Return the instructions of a control file, prepared.

    Raises ``RunBroken`` for a ``new`` or ``load`` of an unknown destination.
    """
    preparing = _Preparing(control, census, this_year)
    steps = preparing.steps(control.json["instructions"])
    return Program(
        model=control.model,
        steps=steps,
        asking=asking(steps),
        problems=tuple(preparing.problems),
        asks_users=preparing.asks_users,
        sources=tuple(preparing.sources),
    )


class _Preparing:
    """Instructions on their way into steps."""

    def __init__(self, control: Control, census: Census, this_year: int) -> None:
        self.problems: list[str] = []
        self.asks_users = False
        self.sources: dict[str, None] = {}
        self._depth = 0
        self._control = control
        self._census = census
        self._this_year = this_year
        self._constants = 0

    def steps(self, instructions: Any) -> Steps:
        """Return a list of instructions, those left out that cannot be used."""
        found: list[Step] = []
        for given in instructions or ():
            instruction = given if isinstance(given, dict) else {}
            try:
                found.append(_STEPS[action_of(instruction)](self, instruction))
            except _Dropped as reason:
                self.problems.append(str(reason))
        return tuple(found)

    # One action each

    def field(self, about: Mapping[str, Any]) -> Step:
        source = self._source(about)
        told = f"input field {shown(source)}"
        place, conversion = self._assigning("field", about, told)
        return SetField(source, place, conversion)

    def field_structured(self, about: Mapping[str, Any]) -> Step:
        structured = text_of(about["structured"])
        if structured not in STRUCTURED:
            text = "Unknown structured value destination in field-structured"
            raise _Dropped(f"{text}: {shown(structured)}")
        told = f"structured input field {structured}"
        place, conversion = self._assigning("field-structured", about, told)
        return SetStructured(structured, place, conversion)

    def set_value(self, about: Mapping[str, Any]) -> Step:
        told = f"set value {_where(about)}"
        place, conversion = self._assigning("set-value", about, told)
        self._constants += 1
        key = f"set-value {self._constants}"
        return SetValue(key, about["value"], place, conversion)

    def remove_values(self, about: Mapping[str, Any]) -> Step:
        place = self._place("remove-values", about, "")
        if isinstance(place, Pseudo):
            return RemoveCollected(place)
        return RemoveValues(place.destination, place.slot)

    def if_exists(self, about: Mapping[str, Any]) -> Step:
        return IfExists(self._source(about), *self._branches(about))

    def if_value_one_of(self, about: Mapping[str, Any]) -> Step:
        values = about.get("values")
        values = values if isinstance(values, list) else []
        return IfOneOf(self._source(about), values, *self._branches(about))

    def if_has_value(self, about: Mapping[str, Any]) -> Step:
        place = self._place("if-has-value", about, "")
        return IfHasValue(place, *self._branches(about))

    def within(self, about: Mapping[str, Any]) -> Step:
        return Within(self._source(about), self._inside(about))

    def for_each(self, about: Mapping[str, Any]) -> Step:
        wraps = is_truthy(about.get("wrapValues"))
        return ForEach(self._source(about), wraps, self._inside(about))

    def assert_destination(self, about: Mapping[str, Any]) -> Step:
        name = text_of(about["destination"])
        if not self._is_known(name):
            raise _Dropped(f"Unknown destination in assert-destination: {shown(name)}")
        found = self._control.model.destinations.get(name)
        if found is None or found.depends is None:
            text = "Can only use dependent destinations in assert-destination"
            raise _Dropped(f"{text}: {shown(name)}")
        return AssertDestination(name, is_truthy(about["exists"]))

    def abort_record(self, about: Mapping[str, Any]) -> Step:
        return AbortRecord(_message(about) or "abort")

    def log_error(self, about: Mapping[str, Any]) -> Step:
        return LogError(_message(about) or "error")

    def new(self, about: Mapping[str, Any]) -> Step:
        return New(self._made(about, also=(*STRUCTURED, *LOADING)))

    def load(self, about: Mapping[str, Any]) -> Step:
        destination, using = self._made(about), text_of(about["using"])
        if using not in LOADING:
            raise RunBroken(f"Unknown destination: {shown(using)}")
        otherwise = None
        if "otherwise" in about:
            otherwise = self.steps(about["otherwise"])
        return Load(destination, using, otherwise)

    # Parts

    def _source(self, about: Mapping[str, Any]) -> str:
        """Return the field that an instruction reads, and remember it of a record."""
        source = text_of(about["source"])
        if not self._depth:
            self.sources[source] = None
        return source

    def _inside(self, about: Mapping[str, Any]) -> Steps:
        """Return instructions that read what is inside of a field."""
        self._depth += 1
        try:
            return self.steps(about["instructions"])
        finally:
            self._depth -= 1

    def _branches(self, about: Mapping[str, Any]) -> tuple[Steps, Steps]:
        return self.steps(about.get("then")), self.steps(about.get("else"))

    def _made(self, about: Mapping[str, Any], also: Sequence[str] = ()) -> str:
        name = text_of(about["destination"])
        if name not in self._control.model.destinations and name not in also:
            raise RunBroken(f"Unknown destination: {shown(name)}")
        return name

    def _is_known(self, destination: str) -> bool:
        known = self._control.model.destinations
        return destination in known or destination in (*LOADING, *STRUCTURED)

    def _assigning(
        self, action: str, about: Mapping[str, Any], source: str
    ) -> tuple[Place | Pseudo, Conversion]:
        """Return where an instruction puts its values, and how it converts them."""
        place = self._place(action, about, source)
        wanted = self._wanted(action, about, place, source)
        names = self._filters(action, about)
        inputs = about.get("mapInputValue")
        if inputs is not None and not isinstance(inputs, dict):
            raise _untransformable(action, about)
        default = "mapInputValueDefault"
        conversion = Conversion(
            wanted=wanted,
            inputs=inputs,
            default=(about[default],) if default in about else (),
            filters=tuple(FILTERS[name] for name in names),
            mapping=self._mapping(about, wanted.type),
        )
        return place, conversion

    def _place(
        self, action: str, about: Mapping[str, Any], source: str
    ) -> Place | Pseudo:
        destination, name = text_of(about["destination"]), text_of(about["name"])
        if not self._is_known(destination):
            raise _Dropped(f"Unknown destination in {action}: {shown(destination)}")
        names = LOADING.get(destination) or STRUCTURED.get(destination)
        if names is not None:
            if name not in names:
                raise _unknown_name(action, about)
            return Pseudo(destination, name)
        slot = slot_of(name)
        if slot is None:
            raise _unknown_name(action, about)
        return self._slot_place(action, about, slot, source)

    def _slot_place(
        self, action: str, about: Mapping[str, Any], slot: Slot, source: str
    ) -> Place:
        destination = text_of(about["destination"])
        relationship = about.get("relationship", _RELATIONSHIPS[0])
        joiner, index_type = about.get("joiner", " "), about.get("indexCaseType")
        if (
            relationship not in _RELATIONSHIPS
            or not isinstance(joiner, str)
            or not (index_type is None or _is_type(index_type))
        ):
            raise _untransformable(action, about)
        return Place(
            destination=destination,
            slot=self._qualified(action, about, slot),
            source=source,
            append=self._appends(about, destination, slot),
            joiner=joiner,
            relationship=relationship,
            index_type=index_type,
        )

    def _qualified(self, action: str, about: Mapping[str, Any], slot: Slot) -> Slot:
        given = about.get("qualifier")
        if not is_truthy(given):
            return slot
        found = qualified(slot, text_of(given))
        if found is None:
            text = f"Invalid qualifier '{shown(given)}' in {action}"
            self.problems.append(f"{text} {_where(about)}")
        return found or slot

    def _appends(self, about: Mapping[str, Any], destination: str, slot: Slot) -> bool:
        rule = self._control.model.destinations[destination].rules.get(slot)
        declared = None if rule is None else rule.multivalue
        if declared is False:
            return False
        return is_truthy(about.get("multivalue", declared))

    def _wanted(
        self, action: str, about: Mapping[str, Any], place: Place | Pseudo, source: str
    ) -> Wanted:
        kind = self._type(about, place)
        if kind not in (*KNOWN_TYPES, OWNER):
            raise _untransformable(action, about)
        types = self._control.model.destinations.values()
        return Wanted(
            type=kind,
            source=source,
            pattern=_pattern(about, source) if kind == "datetime" else None,
            this_year=self._this_year,
            true_value=about.get("trueValue", "true"),
            false_value=about.get("falseValue", "false"),
            case_types=frozenset(found.case_type for found in types),
        )

    def _type(self, about: Mapping[str, Any], place: Place | Pseudo) -> str:
        """Return the type that a name has (rule 1.8.2a)."""
        if isinstance(place, Pseudo):
            return LOADING.get(place.destination, {}).get(place.name, "text")
        slot = slot_of(text_of(about["name"])) or place.slot
        if slot == CLOSE:
            return "boolean"
        if slot.part is Part.INDEX:
            return "ref"
        if slot == OWNER_ID:
            return "ref" if "refMapping" in about else OWNER
        structured = STRUCTURED_TYPES.get(text_of(about.get("structured")))
        if slot.part is not Part.PROPERTY:
            return structured or "text"
        rule = self._control.model.destinations[place.destination].rules.get(slot)
        declared = None if rule is None else rule.type
        return _property_type(about, declared) or structured or "text"

    def _filters(self, action: str, about: Mapping[str, Any]) -> list[str]:
        given = about.get("filters")
        names = list(map(text_of, given)) if isinstance(given, list) else []
        if (is_truthy(given) and not isinstance(given, list)) or any(
            name not in FILTERS for name in names
        ):
            raise _untransformable(action, about)
        self.asks_users |= BY_USERNAME in names
        return names

    def _mapping(self, about: Mapping[str, Any], kind: str) -> RefMapping | None:
        name = about.get("refMapping")
        if not is_truthy(name) or kind != "ref":
            return None
        mappings = self._control.json.get("mapping")
        try:
            return read_mapping(text_of(name), mappings, self._census)
        except BadMapping as error:
            if str(error) not in self.problems:
                self.problems.append(str(error))
            return None


def _property_type(about: Mapping[str, Any], declared: str | None) -> str | None:
    """Return the type that an instruction or a model gives to a property."""
    if is_truthy(about.get("type")):
        given = text_of(about["type"])
        return given if given in KNOWN_TYPES else _UNKNOWN
    if declared is not None:
        return declared
    found = (kind for key, kind in _TYPE_BY_KEY if key in about)
    return next(found, None)


_TYPE_BY_KEY = (
    ("dateFormat", "datetime"),
    ("trueValue", "boolean"),
    ("falseValue", "boolean"),
    ("refMapping", "ref"),
    ("country", "telephone-number"),
)


def _pattern(about: Mapping[str, Any], source: str) -> DatePattern:
    given = about.get("dateFormat")
    try:
        return read_pattern(given if isinstance(given, str) else "")
    except BadPattern:
        raise _Dropped(f"Date format not specified for {source}") from None


def _is_type(value: Any) -> bool:
    return isinstance(value, str) and is_possible(value)


def _message(about: Mapping[str, Any]) -> str:
    given = about["message"]
    return shown(given) if is_truthy(given) else ""


def _where(about: Mapping[str, Any]) -> str:
    return f"{shown(about['destination'])}/{shown(about['name'])}"


def _untransformable(action: str, about: Mapping[str, Any]) -> _Dropped:
    return _Dropped(f"Couldn't create value transformer for {action} {_where(about)}")


def _unknown_name(action: str, about: Mapping[str, Any]) -> _Dropped:
    name, destination = shown(about["name"]), shown(about["destination"])
    if action == "remove-values":
        return _Dropped(f"Unknown name in remove-values for destination {destination}")
    return _Dropped(f"Unknown name in {action} {name} for destination {destination}")


_STEPS = {
    "field": _Preparing.field,
    "field-structured": _Preparing.field_structured,
    "set-value": _Preparing.set_value,
    "remove-values": _Preparing.remove_values,
    "if-exists": _Preparing.if_exists,
    "if-value-one-of": _Preparing.if_value_one_of,
    "if-has-value": _Preparing.if_has_value,
    "within": _Preparing.within,
    "for-each": _Preparing.for_each,
    "assert-destination": _Preparing.assert_destination,
    "abort-record": _Preparing.abort_record,
    "log-error": _Preparing.log_error,
    "new": _Preparing.new,
    "load": _Preparing.load,
}
