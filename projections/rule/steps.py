"""The rows of a case's history: which forms and other entries touched it. Pure.

A row is a form, at its place in the fold, or an entry that rebuilt or flagged the case,
at its own. Rows never go: a form that is taken out of force keeps its row, marked, so
that any earlier state of a case can be folded again.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import NamedTuple

from ledger.cases.case import FoldKey
from ledger.entry import Entry
from ledger.forms.form import Form
from ledger.times import format_micros
from projections.rule.fold import FORM, NO_FILES, REVOKED, Stamp

Version = tuple[Form, Stamp]
"""One version of a form, and what the log says of it."""

NO_PLACE = -1
"""The place of a form that came to a case by a later entry, not as it arrived."""


class Step(NamedTuple):
    """One row of a case's history; ``key`` is its place in the fold.

    For a form, ``position`` is that of the version it stands for. ``place`` is the
    case's number among those that the entry touched.
    """

    case_id: str
    key: FoldKey
    position: int
    actions: int
    place: int

    @property
    def is_form(self) -> bool:
        """Tell whether it is a form, in force or not."""
        return bool(self.actions & FORM)

    @property
    def in_force(self) -> bool:
        """Tell whether the fold applies it."""
        return self.actions & (FORM | REVOKED) == FORM


def in_order(steps: Iterable[Step]) -> list[Step]:
    """Return the forms in force among these rows, in the order of the fold."""
    return sorted((s for s in steps if s.in_force), key=attrgetter("key"))


def stamp_of(entry: Entry) -> Stamp:
    """Return what an entry that carries a form says of it to the fold."""
    files = entry.attachments
    return Stamp(
        entry.domain,
        entry.form_id or "",
        entry.position,
        entry.appended_on,
        FoldKey(entry.received_on, entry.form_position),
        format_micros(entry.received_on),
        {file.name: file for file in files} if files else NO_FILES,
    )


def version_of(entry: Entry, form: Form) -> Version:
    """Return a form with what the entry that holds its bytes says of it."""
    return form, stamp_of(entry)
