"""What an undo would do, as values. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ledger.commands.values import FormOutcome
from ledger.entry import Kind
from projections.rule.case_changes import Change

UNCHANGED = "unchanged"


BECOMES = ("changed", "deleted", "present", UNCHANGED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """A later form in force that says something about the same values of a case."""

    form_id: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePreview:
    """One case that an undo is about.

    ``becomes`` is one of ``BECOMES``: a case that is ``present`` comes back, and one
    may be ``unchanged`` because later forms say the same or something else.
    """

    case_id: str
    case_type: str
    case_name: str
    becomes: str
    changes: tuple[Change, ...]
    overlaps: tuple[Overlap, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoPreview:
    """What an undo would do.

    ``forms`` would change state, by the act; ``skipped`` would not, each for a reason.
    ``cases`` counts all that its forms touch by what they would become, ``detailed``
    tells of those that come first. ``truncated`` says that there are more forms than
    were tried.
    """

    forms: Mapping[Kind, int]
    skipped: Sequence[FormOutcome]
    skipped_count: int
    left: Mapping[str, int]
    cases: Mapping[str, int]
    overlapping: int
    detailed: Sequence[CasePreview]
    truncated: bool
