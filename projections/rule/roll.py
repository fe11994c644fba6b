"""The forms of one case, at hand so that one of them is exchanged quickly. Pure."""

from __future__ import annotations

from ledger.cases.case import FoldKey
from projections.rule.decisive import Decisive, Order, Traits
from projections.rule.steps import Step, in_order

_FORM_BYTES = 800
_WORD_BYTES = 10
"""About what a form and a word of it take in memory."""


class Roll:
    """Every form of a case, in force or not, and which of them decide what it is.

    No value of the case is held, only the names that forms set: what is folded is read
    from the log.
    """

    def __init__(self) -> None:
        """Start without a form."""
        self._steps: dict[Order, Step] = {}
        self._traits: dict[Order, Traits] = {}
        self._decisive = Decisive()
        self._shapes: dict[object, tuple[tuple[str, str], ...]] = {}

    def __len__(self) -> int:
        """Return how many forms there are."""
        return len(self._steps)

    @property
    def size(self) -> int:
        """Return about how many bytes it takes."""
        return _FORM_BYTES * len(self._steps) + _WORD_BYTES * self._decisive.length

    def step(self, key: FoldKey) -> Step | None:
        """Return the row of the form with a key."""
        return self._steps.get(key)

    def counts(self, key: FoldKey) -> bool:
        """Tell whether the form with a key is in force."""
        return key in self._traits

    def begins_before(self, step: Step) -> bool:
        """Tell whether a form in force makes the case before this one comes."""
        return self._decisive.begins_before(step.key)

    def put(self, step: Step, traits: Traits) -> None:
        """Take in a form that is in force, in the place of one with the same key."""
        order = step.key
        self._withdraw(order)
        # Most forms of a case are alike: their words are kept once.
        words = self._shapes.setdefault(traits.words, traits.words)
        kept = Traits(words, traits.modified_on)
        self._steps[order] = step
        self._traits[order] = kept
        self._decisive.add(order, kept)

    def set_aside(self, step: Step) -> None:
        """Take in a form that is not in force, in the place of one with its key."""
        self._withdraw(step.key)
        self._steps[step.key] = step

    def drop(self, step: Step) -> None:
        """Leave out a form."""
        self._withdraw(step.key)
        self._steps.pop(step.key, None)

    def decisive(self) -> list[Step]:
        """Return the forms whose fold gives the case, in the order of the fold."""
        return [self._steps[order] for order in self._decisive.orders()]

    def in_force(self) -> list[Step]:
        """Return all forms in force, in the order of the fold."""
        return in_order(self._steps.values())

    def copy(self) -> Roll:
        """Return the same, to be changed by itself."""
        same = Roll()
        same._steps = dict(self._steps)
        same._traits = dict(self._traits)
        same._decisive = self._decisive.copy()
        same._shapes = dict(self._shapes)
        return same

    def _withdraw(self, order: Order) -> None:
        traits = self._traits.pop(order, None)
        if traits is not None:
            self._decisive.remove(order, traits)
