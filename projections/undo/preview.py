"""What an undo would do: it is tried where nothing is saved.

Which cases would change and how, and which later forms touch the same properties, so
that whoever decides can see what stands on what is to be taken away.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import accumulate, dropwhile, islice, takewhile

from ledger.cases.case import Case
from ledger.clock import Clock
from ledger.commands.together import Together
from ledger.commands.values import CaseOutcome, FormOutcome, Prediction
from ledger.commands.what_if import WhatIf
from ledger.entry import Author
from ledger.forms.case_block import CaseBlock
from ledger.store import Reader, Writer
from ledger.submit import Session
from projections.commit.histories import steps_of, versions_at
from projections.commit.projector import LiveProjector
from projections.names import CASES
from projections.rule.case_changes import changes
from projections.rule.fold import blocks_by_case
from projections.rule.steps import Step, Version
from projections.tables import case_tables
from projections.undo.acts import Act, Acts, chunks, command_of
from projections.undo.values import (
    BECOMES,
    UNCHANGED,
    CasePreview,
    Overlap,
    UndoPreview,
)

MOST_FORMS = 10_000
"""Forms that a preview tries; an undo itself takes any number."""

MOST_CASES = 1000
"""Cases that a preview tells in detail; it counts all."""


_MOST_BYTES = 16 * 1024 * 1024
_MOST_TOLD = 1000
_TOGETHER = 100
_SPECIAL = {
    "case_type": "case_type",
    "case_name": "case_name",
    "name": "case_name",
    "owner_id": "owner_id",
    "external_id": "external_id",
    "date_opened": "opened_on",
}


def preview(r: Reader, acts: Acts, *, clock: Clock) -> UndoPreview:
    """Try an undo and return what it would do; appends nothing.

    Let the reader see one moment.
    """
    tried = _first_of(acts.acts)
    commands = [command_of(chunk, author=Author()) for chunk in chunks(tried)]
    found = _tried(r, Together(tuple(commands)), clock)
    kinds = {act.form_id: act.kind for act in tried}
    outcomes: list[FormOutcome] = [o for some in found.outcome for o in some]
    changed = [o for o in outcomes if o.changed]
    skipped = [o for o in outcomes if not o.changed]
    cases = sorted(found.cases, key=lambda case: _becomes(case) == UNCHANGED)
    places = {act.form_position for act in tried}
    detailed = list(_detailed(r, cases[:MOST_CASES], places))
    words = Counter(map(_becomes, cases))
    return UndoPreview(
        forms=Counter(kinds[o.form_id] for o in changed),
        skipped=skipped[:_MOST_TOLD],
        skipped_count=len(skipped),
        left=acts.left,
        cases={word: words[word] for word in BECOMES},
        overlapping=sum(bool(case.overlaps) for case in detailed),
        detailed=detailed,
        truncated=len(tried) < len(acts.acts),
    )


def _first_of(acts: Sequence[Act]) -> Sequence[Act]:
    """Return as many acts as can be tried in bounded memory, one at least."""
    sizes = accumulate(act.size for act in acts[1:MOST_FORMS])
    fitting = takewhile(lambda size: size <= _MOST_BYTES, sizes)
    return acts[: 1 + sum(1 for _ in fitting)]


def _tried(r: Reader, command: Together, clock: Clock) -> Prediction:
    writer = Writer(r.conn, r.domain, r.head)
    session = Session(writer, LiveProjector().open(writer), clock)
    session.load([command.needs()])
    return WhatIf(command).run(session)


def _becomes(case: CaseOutcome) -> str:
    was = case.before is not None and case.before.deleted_on is None
    will = case.after.deleted_on is None
    if was is not will:
        return "present" if will else "deleted"
    return "changed" if changes(case.before, case.after) else UNCHANGED


def _detailed(
    r: Reader, cases: Sequence[CaseOutcome], places: Collection[int]
) -> Iterator[CasePreview]:
    waiting = iter(cases)
    while some := list(islice(waiting, _TOGETHER)):
        overlaps = _overlaps(r, [case.after.case_id for case in some], places)
        for case in some:
            shown = _shown(case)
            yield CasePreview(
                case_id=case.after.case_id,
                case_type=shown.case_type,
                case_name=shown.case_name,
                becomes=_becomes(case),
                changes=changes(case.before, case.after),
                overlaps=overlaps.get(case.after.case_id, ()),
            )


def _shown(case: CaseOutcome) -> Case:
    """Return the state that has a name: one that is to go has it before."""
    return case.before if case.after.is_void and case.before else case.after


def _overlaps(
    r: Reader, case_ids: Sequence[str], places: Collection[int]
) -> dict[str, tuple[Overlap, ...]]:
    """Return what later forms say about what the undone forms say, by case."""
    tables = case_tables(r.head.live[CASES])
    histories: dict[str, list[Step]] = {}
    for step in steps_of(r.conn, tables, r.domain, case_ids=case_ids):
        if step.in_force or (step.is_form and step.key.position in places):
            histories.setdefault(step.case_id, []).append(step)
    concerned = {
        case_id: found
        for case_id, steps in histories.items()
        if (found := _from_first_undone(steps, places))
    }
    wanted = {step.position for steps in concerned.values() for step in steps}
    words = _Words(versions_at(r, wanted))
    return {c: _met(steps, places, words) for c, steps in concerned.items()}


def _from_first_undone(steps: Sequence[Step], places: Collection[int]) -> list[Step]:
    """Return what stands from the first undone form on, unless all of it is undone."""
    ordered = sorted(steps, key=lambda step: step.key)
    since = dropwhile(lambda step: step.key.position not in places, ordered)
    found = list(since)
    return found if any(s.key.position not in places for s in found) else []


def _met(
    steps: Sequence[Step], places: Collection[int], words: _Words
) -> tuple[Overlap, ...]:
    """Return the forms among these that speak of what an undone one before them did."""
    found = []
    said: set[str] = set()
    for step in steps:
        names = words.of(step)
        if step.key.position in places:
            said |= names
        elif said & names:
            both = tuple(sorted(said & names))
            found.append(Overlap(form_id=words.form_id(step), names=both))
    return tuple(found)


class _Words:
    """Which values of a case a form speaks of."""

    def __init__(self, versions: Mapping[int, Version]) -> None:
        self._versions = versions
        self._blocks: dict[int, dict[str, list[CaseBlock]]] = {}

    def of(self, step: Step) -> set[str]:
        """Return the names, as ``case_changes`` has them."""
        blocks = self._blocks.get(step.position)
        if blocks is None:
            form, _ = self._versions[step.position]
            blocks = self._blocks[step.position] = blocks_by_case(form)
        return {n for block in blocks.get(step.case_id, ()) for n in _named(block)}

    def form_id(self, step: Step) -> str:
        """Return the form's id."""
        return self._versions[step.position][1].form_id


def _named(block: CaseBlock) -> Iterator[str]:
    for name in {**(block.create or {}), **(block.update or {})}:
        yield _SPECIAL.get(name, f"properties.{name}")
    for index in block.indices:
        yield f"indices.{index.name}"
    for attachment in block.attachments:
        yield f"attachments.{attachment.name}"
    if block.close:
        yield "closed"
