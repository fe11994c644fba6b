"""What the instructions do to a record (``rules/batch-imports.md`` 1.5). Pure.

Each step is an instruction that was prepared (``program.py``): whatever can be known
before the first record is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from importers.haplo.rules.conversion import Conversion
from importers.haplo.rules.filters import RecordAborted
from importers.haplo.rules.models import LOADING, STRUCTURED
from importers.haplo.rules.names import Slot
from importers.haplo.rules.record import Record
from importers.haplo.rules.scripting import field_of, is_in, is_truthy, shown
from importers.haplo.rules.targets import Place
from importers.haplo.rules.values import Value, ValueProblem


class Step(Protocol):
    """A prepared instruction."""

    def run(self, record: Record, context: Any) -> None:
        """Do it to a record; ``context`` is what sources are looked up in."""


Steps = Sequence[Step]


def run_all(steps: Steps, record: Record, context: Any) -> None:
    """Do instructions in their order."""
    for step in steps:
        step.run(record, context)


@dataclass(frozen=True, slots=True)
class Pseudo:
    """A name of a pseudo destination."""

    destination: str
    name: str


def _set(record: Record, place: Place | Pseudo, value: Value | None) -> None:
    if value is None:
        return
    if isinstance(place, Pseudo):
        record.collect(place.destination, place.name, value)
    else:
        record.put(place, value)


@dataclass(frozen=True, slots=True)
class SetField:
    """``field``."""

    source: str
    place: Place | Pseudo
    conversion: Conversion

    def run(self, record: Record, context: Any) -> None:
        """Set the value of the source, unless that counts as absent; 0 does not."""
        given = field_of(context, self.source)
        if given is None or given is False or given == "":
            return
        place, conversion = self.place, self.conversion
        if isinstance(place, Place) and conversion.keeps(given):
            record.put(place, given)
        else:
            _set(record, place, record.converted(given, conversion))


@dataclass(frozen=True, slots=True)
class SetStructured:
    """``field-structured``."""

    structured: str
    place: Place | Pseudo
    conversion: Conversion

    def run(self, record: Record, context: Any) -> None:
        """Set what the pseudo destination has collected, and clear that."""
        del context
        collected = record.clear(self.structured)
        if collected:
            _set(record, self.place, record.converted(collected, self.conversion))


@dataclass(frozen=True, slots=True)
class SetValue:
    """``set-value``; ``key`` names it where its problem is said once."""

    key: str
    value: Any
    place: Place | Pseudo
    conversion: Conversion

    def run(self, record: Record, context: Any) -> None:
        """Set the constant; what is wrong with it is said on the first record."""
        del context
        try:
            value = self.conversion.apply(self.value, record.lookup)
        except ValueProblem as problem:
            record.report_once(self.key, str(problem))
        except RecordAborted as reason:
            record.abort(str(reason))
        else:
            _set(record, self.place, value)


@dataclass(frozen=True, slots=True)
class RemoveValues:
    """``remove-values``."""

    destination: str
    slot: Slot

    def run(self, record: Record, context: Any) -> None:
        """Remove every value of a name."""
        del context
        record.target(self.destination).remove(self.slot)


@dataclass(frozen=True, slots=True)
class RemoveCollected:
    """``remove-values`` of a pseudo destination."""

    place: Pseudo

    def run(self, record: Record, context: Any) -> None:
        """Remove the value of a name."""
        del context
        record.collected(self.place.destination).pop(self.place.name, None)


@dataclass(frozen=True, slots=True)
class IfExists:
    """``if-exists``."""

    source: str
    then: Steps
    otherwise: Steps

    def run(self, record: Record, context: Any) -> None:
        """Go on by whether there is a value; 0 is one."""
        given = field_of(context, self.source)
        exists = is_truthy(given) or (given is not False and given == 0)
        run_all(self.then if exists else self.otherwise, record, context)


@dataclass(frozen=True, slots=True)
class IfOneOf:
    """``if-value-one-of``."""

    source: str
    values: Sequence[Any]
    then: Steps
    otherwise: Steps

    def run(self, record: Record, context: Any) -> None:
        """Go on by whether the value is strictly equal to one of some."""
        there = isinstance(context, dict) and self.source in context
        found = there and is_in(context[self.source], self.values)
        run_all(self.then if found else self.otherwise, record, context)


@dataclass(frozen=True, slots=True)
class IfHasValue:
    """``if-has-value``."""

    place: Place | Pseudo
    then: Steps
    otherwise: Steps

    def run(self, record: Record, context: Any) -> None:
        """Go on by whether the target has a value; the empty text is none."""
        run_all(self.then if self._has(record) else self.otherwise, record, context)

    def _has(self, record: Record) -> bool:
        place = self.place
        if isinstance(place, Pseudo):
            return bool(record.collected(place.destination).get(place.name))
        return bool(record.target(place.destination).text(place.slot))


@dataclass(frozen=True, slots=True)
class Within:
    """``within``."""

    source: str
    steps: Steps

    def run(self, record: Record, context: Any) -> None:
        """Run the list inside a value."""
        inner = field_of(context, self.source)
        if is_truthy(inner):
            run_all(self.steps, record, inner)


@dataclass(frozen=True, slots=True)
class ForEach:
    """``for-each``."""

    source: str
    wraps: bool
    steps: Steps

    def run(self, record: Record, context: Any) -> None:
        """Run the list for each element of a value."""
        given = field_of(context, self.source)
        if not is_truthy(given):
            return
        if not isinstance(given, list | dict):
            record.abort(f"Not an array in input field {shown(self.source)}")
            return
        for element in self._elements(given):
            inner = {"value": element} if self.wraps else element
            run_all(self.steps, record, inner)

    def _elements(self, given: Any) -> Iterator[Any]:
        yield from given.values() if isinstance(given, dict) else given


@dataclass(frozen=True, slots=True)
class AssertDestination:
    """``assert-destination``."""

    destination: str
    exists: bool

    def run(self, record: Record, context: Any) -> None:
        """Abort unless the dependency has a target, or has none, as is wanted."""
        del context
        if record.dependent_exists(self.destination) != self.exists:
            record.abort(f"assert-destination failed: {self.destination}")


@dataclass(frozen=True, slots=True)
class AbortRecord:
    """``abort-record``."""

    message: str

    def run(self, record: Record, context: Any) -> None:
        """Abort the record."""
        del context
        record.abort(self.message)


@dataclass(frozen=True, slots=True)
class LogError:
    """``log-error``."""

    message: str

    def run(self, record: Record, context: Any) -> None:
        """Say it, and go on."""
        del context
        record.report(self.message)


@dataclass(frozen=True, slots=True)
class New:
    """``new``."""

    destination: str

    def run(self, record: Record, context: Any) -> None:
        """Begin a new case, or a value."""
        del context
        if self.destination in STRUCTURED or self.destination in LOADING:
            record.clear(self.destination)
        else:
            record.begin(self.destination)


@dataclass(frozen=True, slots=True)
class Load:
    """``load``; without ``otherwise`` a case must be there."""

    destination: str
    using: str
    otherwise: Steps | None

    def run(self, record: Record, context: Any) -> None:
        """Load the case that a pseudo destination describes."""
        if record.load(self.destination, self.using) is not False:
            return
        if self.otherwise is None:
            record.abort(f"Couldn't load destination: {self.destination}")
        else:
            run_all(self.otherwise, record, context)
