"""The instructions that ask for cases, without those that only fill them. Pure.

What records ask for is found out before they are decided, by doing their instructions
to them without any case. Most instructions set a value that nothing depends on, and
need not be done for that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from importers.haplo.rules.names import Part
from importers.haplo.rules.steps import (
    ForEach,
    IfExists,
    IfHasValue,
    IfOneOf,
    Load,
    Pseudo,
    SetField,
    SetValue,
    Step,
    Steps,
    Within,
)


def asking(steps: Steps) -> Steps:
    """Return instructions that ask for the same cases as all of these."""
    if any(isinstance(step, IfHasValue) for step in _all(steps)):
        # Whether a value is set may decide which others are done.
        return steps
    return _asking(steps)


def _asking(steps: Steps) -> Steps:
    return tuple(_without_others(step) for step in steps if _asks(step))


def _asks(step: Step) -> bool:
    """Tell whether an instruction may ask for a case, or those inside of it."""
    if not isinstance(step, SetField | SetValue):
        return True
    place = step.place
    is_named = isinstance(place, Pseudo) or place.slot.part is Part.INDEX
    return is_named or step.conversion.asks


def _without_others(step: Step) -> Step:
    """Return an instruction with those inside of it that ask."""
    match step:
        case IfExists() | IfOneOf():
            then, otherwise = _asking(step.then), _asking(step.otherwise)
            return replace(step, then=then, otherwise=otherwise)
        case Within() | ForEach():
            return replace(step, steps=_asking(step.steps))
        case Load(otherwise=inner) if inner is not None:
            return replace(step, otherwise=_asking(inner))
    return step


def _all(steps: Steps) -> Iterator[Step]:
    """Yield instructions and those inside of them."""
    for step in steps:
        yield step
        match step:
            case IfExists() | IfOneOf() | IfHasValue():
                yield from _all((*step.then, *step.otherwise))
            case Within() | ForEach():
                yield from _all(step.steps)
            case Load(otherwise=inner) if inner is not None:
                yield from _all(inner)
