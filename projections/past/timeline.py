"""Time travel: a case through all that ever touched it, as a replay would see it.

Nothing is kept beside the log: the entries of one case are read and folded again, with
the rules that the live fold has. So a state of the past is exactly what a replay of the
log up to then would give.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ledger import log
from ledger.cases.case import Case, FoldKey
from ledger.entry import Entry, Kind
from ledger.errors import NotFound
from ledger.forms.form import Form
from ledger.forms.lineage import revision_of
from ledger.forms.names import is_legal
from ledger.store import Reader
from ledger.times import Micros, format_micros
from projections.commit.histories import steps_of, versions_of
from projections.names import CASES
from projections.rule.fold import FORM, apply_form, blocks_by_case, touched
from projections.rule.refold import (
    appended,
    comes_late,
    flagged,
    moment_of,
    rebuilt,
)
from projections.rule.steps import NO_PLACE, Step, Version, in_order
from projections.tables import case_tables

_FLAGS = (Kind.CASE_DELETE, Kind.CASE_RESTORE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """One entry that touched a case, with the state before and after it.

    ``form`` is the version that the entry brought or put in force, if it did; the
    entry's own time says when, ``appended_on``.
    """

    entry: Entry
    before: Case | None
    after: Case
    form: Form | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """What the log holds of one case: read once, folded as often as it is asked."""

    case_id: str
    steps: list[Step]
    places: Mapping[int, int]
    taken: list[Entry]
    entries: Mapping[int, Entry]
    versions: Mapping[int, Version]

    def touches(self) -> Iterator[Touch]:
        """Yield every entry that touched the case, in the order of the log."""
        return _Walk(self.case_id, self.versions).over(self.taken, self.places)

    def forms_in_force(self) -> Iterator[Touch]:
        """Yield the forms that make the case what it is, in the order of the fold.

        Each comes with the entry that holds its bytes and the state before and after
        it. Forms that are archived, deleted or replaced are not among them, and those
        that arrived late stand where they belong.
        """
        fold = _Fold(self.case_id, self.versions)
        for step, before, after in fold.over({step.key: step for step in self.steps}):
            yield Touch(
                entry=self.entries[step.position],
                before=before,
                after=after,
                form=self.versions[step.position][0],
            )

    @property
    def is_plain(self) -> bool:
        """Tell whether nothing ever happened to the case but forms, each in its turn.

        Then what touched it and what makes it what it is are the same.
        """
        positions = [step.position for step in self.steps]
        return positions == sorted(positions) and all(
            step.in_force
            and step.place != NO_PLACE
            and step.position == step.key.position
            and self.entries[step.position].kind is Kind.NORMAL
            for step in self.steps
        )


def story_of(r: Reader, case_id: str) -> Story:
    """Read all that ever touched a case, and the forms that are in force."""
    steps = _steps(r, case_id)
    return _story(r, case_id, steps, beside=[s.position for s in in_order(steps)])


def touches(r: Reader, case_id: str, *, until: Micros | None = None) -> Iterator[Touch]:
    """Yield every entry that touched a case, in the order of the log.

    With ``until``, only those that the log held at that time.
    """
    yield from _story(r, case_id, _steps(r, case_id), until=until).touches()


def as_of(r: Reader, case_id: str, when: Micros) -> Case:
    """Return a case as the log stood at a time; deleted ones too.

    Raises ``NotFound`` when nothing had touched the case by then.
    """
    latest = deque(touches(r, case_id, until=when), maxlen=1)
    if not latest:
        raise NotFound(f"Case '{case_id}' did not exist at {format_micros(when)}")
    return latest[0].after


def position_at(r: Reader, when: Micros) -> int:
    """Return the position of the last entry that the log held at a time, else 0.

    Raises ``NotFound`` when somebody took an entry out of the log.
    """
    low, high = 0, r.head.position
    if when >= r.head.appended_on:
        return high
    while low < high:
        middle = (low + high + 1) // 2
        entry = log.entry_at(r, middle)
        if entry is None:
            raise NotFound(f"The entry at position {middle} is missing")
        if entry.appended_on <= when:
            low = middle
        else:
            high = middle - 1
    return low


def _steps(r: Reader, case_id: str) -> list[Step]:
    """Return the rows of a case's history; an id that no case can have has none."""
    if not is_legal(case_id):
        return []
    tables = case_tables(r.head.live[CASES])
    return steps_of(r.conn, tables, r.domain, case_ids=[case_id])


def _story(
    r: Reader,
    case_id: str,
    steps: list[Step],
    *,
    until: Micros | None = None,
    beside: Iterable[int] = (),
) -> Story:
    """Read the entries of a history, and the forms that they bring or put in force.

    ``beside`` are the positions of others that are wanted too.
    """
    places = _places(steps)
    entries = log.entries_at(r, {*places, *beside})
    taken = [
        entries[position]
        for position in sorted(places)
        if until is None or entries[position].appended_on <= until
    ]
    wanted = _versions_of(taken).union(beside)
    # Nearly every form stands at an entry that touched the case, and so is at hand.
    missing = wanted - entries.keys()
    if missing:
        entries.update(log.entries_at(r, missing))
    versions = versions_of(r, [entries[position] for position in wanted])
    return Story(case_id, steps, places, taken, entries, versions)


def _places(steps: Iterable[Step]) -> dict[int, int]:
    """Return the entries that touched a case, by position, with its number in each."""
    return {step.key.position: step.place for step in steps if step.place != NO_PLACE}


def _versions_of(entries: Iterable[Entry]) -> set[int]:
    """Return where the bytes stand that these entries bring or put in force."""
    found: set[int] = set()
    for entry in entries:
        if entry.kind is Kind.NORMAL:
            found.add(entry.position)
        else:
            found.update(p for p in revision_of(entry) if p is not None)
    return found


class _Fold:
    """Folds the forms of one case from nothing, over and over.

    It is ``refold.fold_steps`` for a case that was rebuilt often: what stands before
    the first form that differs from the last time is not folded again. So a case to
    which everything came late costs about what any other costs.
    """

    def __init__(self, case_id: str, versions: Mapping[int, Version]) -> None:
        """Start with nothing folded."""
        self._case_id = case_id
        self.versions = versions
        self._forms: list[tuple[FoldKey, int]] = []
        self._states: list[tuple[Case, int] | None] = []

    def fold(
        self, steps: Mapping[FoldKey, Step]
    ) -> tuple[Case | None, dict[FoldKey, int]]:
        """Fold the forms in force among these rows; return what each one did too."""
        wanted = [(step.key, step.position) for step in in_order(steps.values())]
        self._keep(_shared(self._forms, wanted))
        for key, position in wanted[len(self._forms) :]:
            self._add(key, position)
        actions = {
            key: state[1]
            for (key, _), state in zip(self._forms, self._states, strict=True)
            if state is not None
        }
        last = self._states[-1] if self._states else None
        return None if last is None else last[0], actions

    def over(
        self, steps: Mapping[FoldKey, Step]
    ) -> Iterator[tuple[Step, Case | None, Case]]:
        """Yield the forms that did something, with the case before and after."""
        self.fold(steps)
        before: Case | None = None
        for (key, _), state in zip(self._forms, self._states, strict=True):
            if state is not None:
                yield steps[key], before, state[0]
                before = state[0]

    def _keep(self, count: int) -> None:
        del self._forms[count:], self._states[count:]

    def _add(self, key: FoldKey, position: int) -> None:
        form, stamp = self.versions[position]
        blocks = blocks_by_case(form).get(self._case_id, [])
        last = self._states[-1] if self._states else None
        before = None if last is None else last[0]
        state = None
        if blocks or before is not None:
            state = apply_form(before, blocks, form, stamp)
        self._forms.append((key, position))
        self._states.append(state)


def _shared(old: list[tuple[FoldKey, int]], new: list[tuple[FoldKey, int]]) -> int:
    """Return how many items two lists begin with alike."""
    pairs = zip(old, new, strict=False)
    alike = (place for place, (a, b) in enumerate(pairs) if a != b)
    return next(alike, min(len(old), len(new)))


class _Walk:
    """Folds the entries of one case, one after the other."""

    def __init__(self, case_id: str, versions: Mapping[int, Version]) -> None:
        """Start before the case was."""
        self._case_id = case_id
        self._versions = versions
        self._fold = _Fold(case_id, versions)
        self._case: Case | None = None
        self._steps: dict[FoldKey, Step] = {}

    def over(
        self, entries: Iterable[Entry], places: Mapping[int, int]
    ) -> Iterator[Touch]:
        """Yield what each entry did."""
        for entry in entries:
            before = self._case
            place = places[entry.position]
            form = self._take(entry, place)
            if self._case is not None:
                yield Touch(entry=entry, before=before, after=self._case, form=form)

    def _take(self, entry: Entry, place: int) -> Form | None:
        """Apply an entry; return the form that it put in force."""
        if entry.kind is Kind.NORMAL:
            return self._arrive(entry, place)
        if entry.kind in _FLAGS:
            if self._case is not None:
                deleted = entry.kind is Kind.CASE_DELETE
                moment = moment_of(entry, place=place)
                self._case = flagged(self._case, moment, deleted=deleted)
            return None
        form = self._revise(entry)
        actions = self._rebuild(entry, place)
        key = _key(entry)
        if key not in actions:
            # A ledger block that names a case which is not there yet touches nothing.
            self._steps.pop(key, None)
        return form

    def _arrive(self, entry: Entry, place: int) -> Form:
        form, stamp = self._versions[entry.position]
        self._put(stamp.key, entry.position)
        blocks = blocks_by_case(form).get(self._case_id, [])
        if comes_late(self._case, stamp):
            self._rebuild(entry, place)
        else:
            self._case, _ = appended(self._case, blocks, form, stamp, place=place)
        return form

    def _revise(self, entry: Entry) -> Form | None:
        """Exchange versions; nothing is exchanged by a wish for a rebuild."""
        old, new = revision_of(entry)
        if old is not None:
            self._steps.pop(_key(entry), None)
        if new is None:
            return None
        form, _ = self._versions[new]
        if self._case_id in touched(form):
            self._put(_key(entry), new)
        return form

    def _rebuild(self, entry: Entry, place: int) -> Mapping[FoldKey, int]:
        fresh, actions = self._fold.fold(self._steps)
        moment = moment_of(entry, place=place)
        self._case = rebuilt(self._case_id, self._case, fresh, moment)
        if entry.kind is Kind.ERASE:
            self._case = flagged(self._case, moment, deleted=True)
        return actions

    def _put(self, key: FoldKey, position: int) -> None:
        self._steps[key] = Step(
            case_id=self._case_id,
            key=key,
            position=position,
            actions=FORM,
            place=NO_PLACE,
        )


def _key(entry: Entry) -> FoldKey:
    return FoldKey(received_on=entry.received_on, position=entry.form_position)
