"""What a case is after an entry: appended to, or rebuilt. Pure.

The live fold, replays and time travel all go through these two rules
(``rules/case-xml.md`` 15 and 16).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ledger.cases.case import Case
from ledger.entry import Entry
from ledger.forms.case_block import CaseBlock
from ledger.forms.form import Form
from ledger.times import Micros, format_micros
from projections.rule.fold import FORM, LEDGER, Stamp, apply_form, blocks_by_case
from projections.rule.steps import Step, Version


class Moment(NamedTuple):
    """An entry as it touches one case; ``place`` is that case's number in it."""

    domain: str
    position: int
    appended_on: Micros
    place: int = 0

    @property
    def indexed_on(self) -> Micros:
        """Return the case's microsecond in the list (``rules/design.md`` 2.5)."""
        return self.appended_on + self.place


def moment_of(entry: Entry | Stamp, *, place: int = 0) -> Moment:
    """Return an entry, or what it said, as it touches the case with this number."""
    return Moment(entry.domain, entry.position, entry.appended_on, place)


def appended(
    before: Case | None,
    blocks: Sequence[CaseBlock],
    form: Form,
    stamp: Stamp,
    *,
    place: int = 0,
) -> tuple[Case, int]:
    """Apply a form that comes after all others of the case; return its actions too.

    A case without a form in force begins anew, but stays deleted if it was deleted by
    itself. Raises ``Rejected``.
    """
    if before is None or not before.is_void:
        return apply_form(before, blocks, form, stamp, place=place)
    case, actions = apply_form(None, blocks, form, stamp, place=place)
    return _kept_deleted(before, case), actions


def comes_late(before: Case | None, stamp: Stamp) -> bool:
    """Tell whether a form's place is before one that is folded already (rule D-2)."""
    return before is not None and stamp.key <= before.folded_to


def rebuilt(
    case_id: str, before: Case | None, fresh: Case | None, moment: Moment
) -> Case:
    """Return a case that an entry made fold from nothing; ``fresh`` is the outcome."""
    when = format_micros(moment.appended_on)
    if fresh is None:
        deleted_on = before.deleted_on if before is not None else None
        case = Case(
            domain=moment.domain,
            case_id=case_id,
            modified_on=when,
            deleted_on=deleted_on or when,
            flagged=before is not None and before.flagged,
        )
    else:
        case = _kept_deleted(before, fresh)
    return case._replace(
        server_modified_on=when,
        indexed_on=moment.indexed_on,
        position=moment.position,
    )


def flagged(case: Case, moment: Moment, *, deleted: bool) -> Case:
    """Return a case that was deleted by itself, or restored."""
    if deleted:
        deleted_on: str | None = format_micros(moment.appended_on)
    else:
        deleted_on = case.deleted_on if case.is_void else None
    return case._replace(
        deleted_on=deleted_on,
        flagged=deleted,
        indexed_on=moment.indexed_on,
        position=moment.position,
    )


def fold_steps(
    case_id: str, steps: Iterable[Step], versions: Mapping[int, Version]
) -> Case | None:
    """Fold forms that are in force, given in the order of the fold."""
    case: Case | None = None
    for step in steps:
        form, stamp = versions[step.position]
        blocks = blocks_by_case(form).get(case_id, [])
        if blocks or case is not None:
            case, _ = apply_form(case, blocks, form, stamp)
    return case


def tried(blocks: Sequence[CaseBlock], version: Version) -> int:
    """Return the actions of a form on a case, whatever the case is.

    No block is empty of those; without any the form only touches it (rule 18.2).
    Raises ``Rejected``, as it does wherever the form is folded.
    """
    form, stamp = version
    return apply_form(None, blocks, form, stamp)[1] if blocks else FORM | LEDGER


def _kept_deleted(before: Case | None, case: Case) -> Case:
    if before is None or not before.flagged:
        # So the fold left it.
        return case
    return case._replace(deleted_on=before.deleted_on, flagged=True)
