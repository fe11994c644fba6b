"""What a record gives to one case: values by slot, over the case as it is. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from importers.haplo.rules.lookup import Ref
from importers.haplo.rules.models import Destination
from importers.haplo.rules.names import Part, Slot
from importers.haplo.rules.values import Value
from ledger.cases.case import Case, CaseIndex


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an instruction puts its values, and how.

    ``source`` is how messages name where the values come from. ``relationship`` and
    ``index_type`` are those of an index.
    """

    destination: str
    slot: Slot
    source: str = ""
    append: bool = False
    joiner: str = " "
    relationship: str = "child"
    index_type: str | None = None


@dataclass(slots=True)
class Given:
    """The values that a slot was given; ``kept`` is what stood there and stays."""

    place: Place | None = None
    kept: str = ""
    values: list[Value] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Return the values as one text."""
        if len(self.values) == 1 and not self.kept:
            return text_of_value(self.values[0])
        joiner = " " if self.place is None else self.place.joiner
        texts = [text_of_value(value) for value in self.values]
        return joiner.join([self.kept, *texts] if self.kept else texts)

    @property
    def last(self) -> str:
        """Return the value that was given last, which is what an index points at."""
        return text_of_value(self.values[-1]) if self.values else ""


@dataclass(slots=True, kw_only=True)
class Target:
    """A case that a record fills: a new one, or one that is there.

    ``parent`` is the target that it depends on. A blank one stands where none could be
    had, so that this is told once; its record is aborted.
    """

    destination: Destination
    case_id: str
    case: Case | None = None
    parent: Target | None = None
    is_blank: bool = False
    given: dict[Slot, Given] = field(default_factory=dict)
    _links: bool = False

    def put(self, place: Place, value: Value) -> None:
        """Set a value, or append it where the instruction says so."""
        slot = place.slot
        self._links = self._links or slot.part is Part.INDEX
        if not place.append:
            self.given[slot] = Given(place, values=[value])
            return
        found = self.given.get(slot)
        if found is None:
            found = self.given[slot] = Given(kept=stored(self.case, slot))
        found.place = place
        # What a case has already is not added again, or a batch that runs twice
        # would double it.
        if not _holds(found.kept, text_of_value(value), place.joiner):
            found.values.append(value)

    def remove(self, slot: Slot) -> None:
        """Remove every value of a slot."""
        self._links = self._links or slot.part is Part.INDEX
        self.given[slot] = Given()

    def text(self, slot: Slot) -> str:
        """Return the value of a slot as it will be."""
        found = self.given.get(slot)
        return stored(self.case, slot) if found is None else found.text

    def indices(self) -> Iterator[tuple[str, Given]]:
        """Yield the indices that were given, by name."""
        if not self._links:
            return
        for slot, given in self.given.items():
            if slot.part is Part.INDEX:
                yield slot.name, given


def text_of_value(value: Value) -> str:
    """Return a value as a case has it."""
    return value.id if isinstance(value, Ref) else value


def stored(case: Case | None, slot: Slot) -> str:
    """Return what a case has in a slot."""
    if case is None:
        return ""
    if slot.part is Part.PROPERTY:
        return case.properties.get(slot.name, "")
    if slot.part is Part.INDEX:
        found: CaseIndex | None = case.indices.get(slot.name)
        return "" if found is None else found.case_id
    if slot.part is Part.CLOSE:
        return "true" if case.closed else ""
    text: str | None = getattr(case, slot.part.value)
    return text or ""


def _holds(kept: str, text: str, joiner: str) -> bool:
    """Tell whether a joined text has a value as one of its parts."""
    if not kept or not text:
        return False
    return not joiner or f"{joiner}{text}{joiner}" in f"{joiner}{kept}{joiner}"
