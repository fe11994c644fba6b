"""Forms as people see them, as values. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from ledger.entry import Entry, Kind
from ledger.forms.form import Form
from ledger.times import Micros
from projections.rule.fold import touched
from projections.rule.form_json import StoredForm
from projections.rule.form_row import FormRow
from projections.rule.leaves import LeafTest

_MOVES = ("deprecates", "replaces")
"""What an entry notes of the version that makes way for its own."""


def moved_to(entry: Entry) -> str | None:
    """Return the id under which the version before an entry goes on."""
    for name in _MOVES:
        if name in entry.details:
            return str(entry.details[name]["form_id"])
    return None


def last_edit(life: Iterable[Entry]) -> Entry | None:
    """Return the entry that last gave a form other bytes, or had it give way to some.

    ``life`` are the entries of the form, oldest first.
    """
    edits = (e for e in life if e.kind is Kind.DEPRECATE or moved_to(e) is not None)
    return max(edits, key=lambda entry: entry.position, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class FormView:
    """A form in whatever state, under the id that it has now.

    ``version`` is the entry with its bytes, ``entries`` are its life up to what decided
    its state, oldest first; what made way for an edit shares them with it. ``form`` is
    ``None`` for bytes that are none. ``in_force`` is the id under which the version
    lives that the cases are folded from, if one is in force: after a failed edit that
    is the one before (``rules/case-xml.md`` D-3). ``processed`` tells whether these
    bytes were ever folded.
    """

    row: FormRow
    version: Entry
    entries: tuple[Entry, ...]
    form: Form | None
    in_force: str | None
    processed: bool

    @property
    def decided(self) -> Entry:
        """Return the entry that decided the state."""
        return self.entries[-1]

    @property
    def case_ids(self) -> Sequence[str]:
        """Return the cases that the form names, ids ascending."""
        return () if self.form is None else touched(self.form)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorFilter:
    """Conditions that all hold; what is not given does not matter.

    ``problem`` is how the problem begins: its class, such as ``InvalidCaseIndex``, or
    more of it. Forms were received from the one time on, and before the other.
    """

    state: str | None = None
    problem: str | None = None
    xmlns: str | None = None
    user_id: str | None = None
    form_id: str | None = None
    received_from: Micros | None = None
    received_to: Micros | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorForm:
    """A form in error; ``entry`` holds its bytes and its problem.

    ``position`` is the entry that put it into this state.
    """

    form_id: str
    state: str
    position: int
    orig_form_id: str | None
    entry: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class FormFilter:
    """Conditions that all hold of a listed form; what is not given does not matter."""

    state: str | None = None
    xmlns: str | None = None
    user_id: str | None = None
    received_from: Micros | None = None
    received_to: Micros | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedForm:
    """A form of a list; ``entry`` holds its bytes."""

    form_id: str
    state: str
    entry: Entry


class FormOrder(StrEnum):
    """What a list of forms is ordered by; ties follow the log."""

    INDEXED = "indexed_on"
    """When forms got the state that they have: the order of the log."""
    RECEIVED = "received_on"


class Span(NamedTuple):
    """Times from one to another, both included; ``None`` bounds nothing."""

    first: Micros | None = None
    last: Micros | None = None

    def within(self, other: Span) -> Span:
        """Return the times that are in both."""
        firsts = [first for first in (self.first, other.first) if first is not None]
        lasts = [last for last in (self.last, other.last) if last is not None]
        return Span(max(firsts, default=None), min(lasts, default=None))


ANYTIME: Final = Span()


@dataclass(frozen=True, slots=True, kw_only=True)
class FormQuestion:
    """What a list of forms is asked for; all conditions hold.

    Only normal forms are listed, and archived ones where that is said. ``received`` is
    when the first version came, ``indexed`` when the form got its state. A question
    that is ``hopeless`` asks for what no form can be.
    """

    order: FormOrder = FormOrder.RECEIVED
    descending: bool = True
    received: Span = ANYTIME
    indexed: Span = ANYTIME
    xmlns: str | None = None
    app_id: str | None = None
    case_id: str | None = None
    leaves: tuple[LeafTest, ...] = ()
    include_archived: bool = False
    hopeless: bool = False


class FormPage(NamedTuple):
    """A part of a list, and how many forms there are in all."""

    forms: tuple[StoredForm, ...]
    total: int
