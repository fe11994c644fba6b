"""What commands answer, or would answer, as values. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ledger.cases.case import Case
from ledger.entry import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class FormOutcome:
    """What became of one form: its state now, and the entry, if it changed."""

    form_id: str
    changed: bool
    state: str
    position: int | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseOutcome:
    """What would become of a case; ``before`` is ``None`` for one that is not there.

    ``row`` and ``row_before`` are the same as the read table would hold them.
    ``cascaded`` cases are closed by another form, because this one closes what they
    extend.
    """

    before: Case | None
    after: Case
    row_before: Any
    row: Any
    cascaded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What a command would answer, append and change.

    ``cases`` stand in the order in which they are touched. ``resolved`` are the cases
    that the rows of a change of cases mean, row by row; those that were not there
    would get another id.
    """

    outcome: Any
    entries: tuple[Entry, ...]
    cases: tuple[CaseOutcome, ...]
    resolved: tuple[str, ...]
