"""One record on its way: the targets it fills, what is said of it, its case blocks.

``rules/batch-imports.md`` 1.5 and 1.8.4. What the instructions do is in ``steps.py``.
Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from importers.haplo.rules.alike import Alike
from importers.haplo.rules.blocks import Setting, after, block_of, merged
from importers.haplo.rules.conversion import Conversion
from importers.haplo.rules.filters import RecordAborted
from importers.haplo.rules.lookup import Lookup, Ref, oldest, preferred
from importers.haplo.rules.models import BY_REF, Destination, Model
from importers.haplo.rules.names import CASE_NAME, EXTERNAL_ID, LONGEST, OWNER_ID
from importers.haplo.rules.scripting import shown
from importers.haplo.rules.targets import Given, Place, Target
from importers.haplo.rules.values import Value, ValueProblem
from importers.rows.rules.ids import escaped
from importers.tables.notices import Notice
from ledger.cases.case import Case
from ledger.forms.case_block import CaseBlock

MOST_KEPT = 1000
"""How many messages are kept of one record; those behind are counted."""

_MOST_LEVELS = 16
_LIMITED = (CASE_NAME, EXTERNAL_ID, OWNER_ID)

Collected = dict[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transformed:
    """What became of a record: its blocks, unless it is aborted.

    ``reported`` counts its messages, of which the first ones are kept. ``after`` are
    the cases as the blocks leave them. ``told`` stands in no message and is no error.
    """

    blocks: tuple[CaseBlock, ...]
    messages: tuple[str, ...]
    reported: int
    aborted: bool
    after: tuple[Case, ...]
    told: tuple[Notice, ...] = ()


class Record:
    """A record while its instructions run."""

    def __init__(
        self,
        model: Model,
        lookup: Lookup,
        setting: Setting,
        *,
        new_id: Callable[[int], str],
        said: set[str],
    ) -> None:
        """Begin with no target; ``said`` is what a batch says once only."""
        self.lookup = Alike(lookup)
        self.aborted = False
        self._model = model
        self._setting = setting
        self._new_id = new_id
        self._said = said
        self._messages: list[str] = []
        self._reported = 0
        self._targets: dict[str, Target] = {}
        self._collected: dict[str, Collected] = {}
        self._made = 0
        self._blocks: list[CaseBlock] = []
        self._after: dict[str, Case] = {}

    # What is said

    def report(self, text: str) -> None:
        """Say something of the record, which goes on."""
        self._reported += 1
        if len(self._messages) < MOST_KEPT:
            self._messages.append(text)

    def report_once(self, key: str, text: str) -> None:
        """Say something that the batch says once."""
        if key not in self._said:
            self._said.add(key)
            self.report(text)

    def abort(self, text: str) -> None:
        """Say why the record must not be applied."""
        self.aborted = True
        self.report(text)

    def converted(self, given: object, conversion: Conversion) -> Value | None:
        """Return a value as an instruction wants it; what is wrong with it is said."""
        try:
            return conversion.apply(given, self.lookup)
        except ValueProblem as problem:
            self.report(str(problem))
        except RecordAborted as reason:
            self.abort(str(reason))
        return None

    # Pseudo destinations

    def collect(self, destination: str, name: str, value: Value) -> None:
        """Set a value of a pseudo destination."""
        self._collected.setdefault(destination, {})[name] = value

    def collected(self, destination: str) -> Collected:
        """Return the values of a pseudo destination."""
        return self._collected.get(destination, {})

    def clear(self, destination: str) -> Collected:
        """Return the values of a pseudo destination and forget them."""
        return self._collected.pop(destination, {})

    # Targets

    def put(self, place: Place, value: Value) -> None:
        """Set a value of a destination."""
        if place.slot == EXTERNAL_ID and isinstance(value, str):
            value = self.lookup.id_of(value)
        found = self._targets.get(place.destination)
        (found or self.target(place.destination)).put(place, value)

    def target(self, name: str, *, needed_by: str = "", level: int = 0) -> Target:
        """Return the target of a destination, made available where that can be."""
        found = self._targets.get(name)
        if found is not None:
            return found
        above = self._model.destinations[name].depends
        if above is None:
            by = f", required by use of {needed_by} " if needed_by else ""
            self.abort(
                f'Destination "{name}" needs be made ready with a "new" or "load" '
                f"instruction{by}"
            )
            return self._blank(name)
        if level >= _MOST_LEVELS:
            self.abort(
                f'Couldn\'t make destination "{name}" available from dependency '
                f'"{above}"'
            )
            return self._blank(name)
        parent = self.target(above, needed_by=name, level=level + 1)
        return self._depending(name, parent)

    def begin(self, name: str) -> None:
        """Begin a new case; the target that there is gets committed."""
        self._commit(name)
        self._open_new(name)

    def load(self, name: str, using: str) -> bool | None:
        """Load the case that a pseudo destination describes.

        Returns whether there is one, ``None`` when the record is aborted because
        there are several, or one that looks the same.
        """
        self._commit(name)
        about = self._model.destinations[name]
        cases = self._described(about, using, self.clear(using))
        if cases is None:
            self._blank(name)
            return None
        if len(cases) == 1:
            case = self._after.get(cases[0].case_id, cases[0])
            self._targets[name] = Target(
                destination=about,
                case_id=case.case_id,
                case=case,
                parent=self._parent(about),
            )
            return True
        return None if cases else False

    def dependent_exists(self, name: str) -> bool:
        """Tell whether a target is available from the dependency of a destination."""
        if name in self._targets:
            return not self._targets[name].is_blank
        about = self._model.destinations[name]
        parent = self.target(about.depends or "", needed_by=name)
        return self._existing(about, parent) is not None

    def finish(self) -> Transformed:
        """Check and apply what is left; return what became of the record."""
        if not self.aborted:
            for name, about in self._model.destinations.items():
                self._check_end(name, about)
        if not self.aborted:
            for target in self._targets.values():
                self._apply(target)
        aborted = self.aborted
        return Transformed(
            blocks=() if aborted else merged(self._blocks),
            messages=tuple(self._messages),
            reported=self._reported,
            aborted=aborted,
            after=() if aborted else tuple(self._after.values()),
            told=tuple(self.lookup.told),
        )

    def foresee(self) -> None:
        """Look up what ``finish`` will look up."""
        for target in self._targets.values():
            for _, given in target.indices():
                self._type_of(given.last)

    # Inside

    def _described(
        self, about: Destination, using: str, wish: Collected
    ) -> list[Case] | None:
        """Return the cases that may be meant; of several, that is said.

        ``None`` where one is meant but for what nobody sees of its external id.
        """
        if using == BY_REF:
            ref = wish.get("ref")
            found = self.lookup.case(ref.id) if isinstance(ref, Ref) else None
            cases = [] if found is None else [found]
            return [case for case in cases if case.case_type == about.case_type]
        external_id = wish.get("external_id")
        if not isinstance(external_id, str) or not external_id:
            return []
        known = self.lookup.by_external(external_id)
        cases = [case for case in known if case.case_type == about.case_type]
        if not cases and self._is_meant(about, external_id):
            self.abort(
                f"external_id {escaped(external_id)} has blanks at its ends or "
                f"characters that nobody sees; there is a case for destination "
                f"{about.name} without them: remove them if it is meant"
            )
            return None
        cases = list(preferred(cases))
        if len(cases) > 1:
            self.abort(
                f"More than one case with external_id {shown(external_id)} "
                f"for destination {about.name}"
            )
        return cases

    def _is_meant(self, about: Destination, external_id: str) -> bool:
        found = self.lookup.meant_otherwise(external_id)
        return any(case.case_type == about.case_type for case in found)

    def _blank(self, name: str) -> Target:
        about = self._model.destinations[name]
        blank = Target(destination=about, case_id="", is_blank=True)
        self._targets[name] = blank
        return blank

    def _open_new(self, name: str) -> Target:
        about = self._model.destinations[name]
        case_id = self._new_id(self._made)
        self._made += 1
        made = Target(destination=about, case_id=case_id, parent=self._parent(about))
        self._targets[name] = made
        return made

    def _depending(self, name: str, parent: Target) -> Target:
        about = self._model.destinations[name]
        if parent.is_blank:
            return self._blank(name)
        case = self._existing(about, parent)
        if case is None:
            return self._open_new(name)
        made = Target(destination=about, case_id=case.case_id, case=case, parent=parent)
        self._targets[name] = made
        return made

    def _existing(self, about: Destination, parent: Target) -> Case | None:
        """Return the oldest open case that hangs on a parent (rule 1.8.3)."""
        if parent.case is None:
            return None
        found = self.lookup.dependents(parent.case_id, about.index)
        now = (self._after.get(case.case_id, case) for case in found)
        return oldest(
            [c for c in now if c.case_type == about.case_type and not c.closed]
        )

    def _parent(self, about: Destination) -> Target | None:
        return None if about.depends is None else self._targets.get(about.depends)

    def _commit(self, name: str) -> None:
        """Apply the target of a destination, and those that depend on it."""
        target = self._targets.pop(name, None)
        if target is None or target.is_blank:
            return
        self._check(target)
        self._apply(target)
        below = [t for t in self._targets.values() if t.parent is target]
        for dependent in below:
            self._commit(dependent.destination.name)

    def _check_end(self, name: str, about: Destination) -> None:
        target = self._targets.get(name)
        if target is not None:
            self._check(target)
        elif not about.optional:
            self.abort(f"No data set in required destination {name}")

    def _check(self, target: Target) -> None:
        target.parent = target.parent or self._parent(target.destination)
        for text in self._faults(target):
            self.abort(text)

    def _faults(self, target: Target) -> Iterator[str]:
        """Yield what stands against applying a target."""
        about = target.destination
        missing = [n for n, slot in about.required.items() if not target.text(slot)]
        if missing:
            yield f"Missing values in {about.name}: {', '.join(sorted(missing))}"
        renames = CASE_NAME in target.given or target.case is None
        if renames and not target.text(CASE_NAME):
            yield f"case_name is not set in object {about.name}"
        for slot in _LIMITED:
            if slot in target.given and len(target.text(slot)) > LONGEST:
                limit = f"must be {LONGEST} characters or fewer"
                yield f"{slot.part.value} {limit} in {about.name}"
        for _, given in target.indices():
            yield from self._dangling(given)

    def _dangling(self, given: Given) -> Iterator[str]:
        if given.values and self._type_of(given.last) is None:
            source = "" if given.place is None else given.place.source
            yield f"No case with id {shown(given.last)} for {source}"

    def _apply(self, target: Target) -> None:
        """Add the block of a target, over what the record did before."""
        if self.aborted:
            return
        base = self._after.get(target.case_id, target.case)
        block = block_of(target, base, setting=self._setting, type_of=self._type_of)
        if block is not None:
            self._blocks.append(block)
            self._after[target.case_id] = after(base, block, setting=self._setting)

    def _type_of(self, case_id: str) -> str | None:
        case = self.lookup.case(case_id)
        return None if case is None else case.case_type
