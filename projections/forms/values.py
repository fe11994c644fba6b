"""Forms as people see them, as values. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.entry import Entry
from ledger.forms.form import Form
from ledger.times import Micros
from projections.rule.fold import touched
from projections.rule.form_row import FormRow


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
