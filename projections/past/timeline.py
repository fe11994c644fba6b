"""Time travel: a case through all that ever touched it, as a replay would see it.

Nothing is kept beside the log: the entries of one case are read and folded again, with
the rules that the live fold has. So a state of the past is exactly what a replay of the
log up to then would give.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ledger import log
from ledger.cases.case import Case, FoldKey
from ledger.entry import Entry, Kind
from ledger.errors import NotFound
from ledger.forms.case_block import CaseBlock
from ledger.forms.form import Form
from ledger.forms.lineage import revision_of
from ledger.forms.names import is_legal
from ledger.store import Reader
from ledger.times import Micros, format_micros
from projections.commit.histories import steps_of, versions_of
from projections.names import CASES
from projections.rule.decisive import traits_of
from projections.rule.fold import FORM, apply_form, blocks_by_case, touched
from projections.rule.refold import (
    Moment,
    appended,
    comes_late,
    flagged,
    fold_steps,
    moment_of,
    rebuilt,
)
from projections.rule.roll import Roll
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
        before: Case | None = None
        for step in in_order(self.steps):
            form, stamp = self.versions[step.position]
            blocks = blocks_by_case(form).get(self.case_id, [])
            if blocks or before is not None:
                after, _ = apply_form(before, blocks, form, stamp)
                entry = self.entries[step.position]
                yield Touch(entry=entry, before=before, after=after, form=form)
                before = after

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


class _Walk:
    """Folds the entries of one case, one after the other.

    Most cases only ever get one form behind the other. What it takes to put one into
    the middle, or to take it from there, is made when that happens first.
    """

    def __init__(self, case_id: str, versions: Mapping[int, Version]) -> None:
        """Start before the case was."""
        self._case_id = case_id
        self._versions = versions
        self._case: Case | None = None
        self._arrived: list[Step] = []
        self._roll: Roll | None = None
        self._made: tuple[list[Step], Case | None] = [], None

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
        moment = moment_of(entry, place=place)
        if entry.kind in _FLAGS:
            if self._case is not None:
                deleted = entry.kind is Kind.CASE_DELETE
                self._case = flagged(self._case, moment, deleted=deleted)
            return None
        form = self._revise(entry)
        self._rebuild(moment)
        if entry.kind is Kind.ERASE and self._case is not None:
            self._case = flagged(self._case, moment, deleted=True)
        return form

    def _arrive(self, entry: Entry, place: int) -> Form:
        form, stamp = self._versions[entry.position]
        step = self._step(stamp.key, entry.position)
        if self._roll is None:
            self._arrived.append(step)
        else:
            self._put(self._roll, step)
        if comes_late(self._case, stamp):
            self._rebuild(moment_of(entry, place=place))
        else:
            blocks = self._blocks(step)
            self._case, _ = appended(self._case, blocks, form, stamp, place=place)
        return form

    def _revise(self, entry: Entry) -> Form | None:
        """Exchange versions; nothing is exchanged by a wish for a rebuild."""
        old, new = revision_of(entry)
        key = FoldKey(received_on=entry.received_on, position=entry.form_position)
        roll = self._open()
        if old is not None:
            roll.drop(self._step(key, old))
        if new is None:
            return None
        form, _ = self._versions[new]
        if self._case_id in touched(form):
            step = self._step(key, new)
            # A ledger block that names a case which is not there yet touches nothing.
            if self._blocks(step) or roll.begins_before(step):
                self._put(roll, step)
        return form

    def _rebuild(self, moment: Moment) -> None:
        """Fold the forms that decide the case; often they are those of last time."""
        wanted = self._open().decisive()
        if wanted != self._made[0]:
            self._made = wanted, fold_steps(self._case_id, wanted, self._versions)
        self._case = rebuilt(self._case_id, self._case, self._made[1], moment)

    def _open(self) -> Roll:
        if self._roll is None:
            self._roll = Roll()
            for step in self._arrived:
                self._put(self._roll, step)
        return self._roll

    def _put(self, roll: Roll, step: Step) -> None:
        form, stamp = self._versions[step.position]
        roll.put(step, traits_of(self._blocks(step), form, stamp))

    def _blocks(self, step: Step) -> Sequence[CaseBlock]:
        form, _ = self._versions[step.position]
        return blocks_by_case(form).get(self._case_id, ())

    def _step(self, key: FoldKey, position: int) -> Step:
        return Step(
            case_id=self._case_id,
            key=key,
            position=position,
            actions=FORM,
            place=NO_PLACE,
        )
