"""The checks of an instruction list at upload (``rules/batch-imports.md`` 1.4.1). Pure.

Depth first, and the first error wins. What only the model can tell, such as whether a
destination exists, is found later (``program.py``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from importers.haplo.rules.filters import FILTERS
from importers.haplo.rules.scripting import is_truthy, shown, text_of

REQUIRED: Mapping[str, tuple[str, ...]] = {
    "field": ("source", "destination", "name"),
    "field-structured": ("structured", "destination", "name"),
    "set-value": ("destination", "name", "value"),
    "remove-values": ("destination", "name"),
    "if-exists": ("source",),
    "if-value-one-of": ("source",),
    "if-has-value": ("destination", "name"),
    "within": ("source", "instructions"),
    "for-each": ("source", "instructions"),
    "assert-destination": ("destination", "exists"),
    "abort-record": ("message",),
    "log-error": ("message",),
    "new": ("destination",),
    "load": ("destination", "using"),
}
"""Every action, and the keys that its instruction must have."""

LISTS = ("then", "else", "instructions", "otherwise")
"""The keys that hold instructions."""

MOST_NESTED = 64
MOST_INSTRUCTIONS = 10_000
"""How many instructions a control file may have, those inside of others counted."""

_ASSIGNING = ("field", "field-structured", "set-value")
_OVERWRITES = (
    "Assigning values within for-each without a new/load statement or setting "
    "multivalue property will result in overwritten data"
)


def action_of(instruction: Any) -> str:
    """Return the action of an instruction; ``field`` is the default."""
    action = instruction.get("action") if isinstance(instruction, dict) else None
    return text_of(action) if is_truthy(action) else "field"


def list_error(instructions: list[Any]) -> str | None:
    """Return the first error of an instruction list.

    What comes behind an error is not looked at, and need not make sense.
    """
    if _are_too_many(instructions):
        return (
            f"Control file has more than {MOST_INSTRUCTIONS} instructions; "
            "split it, and use each part for a batch of its own"
        )
    return next(_errors(instructions, None, 0), None)


def _are_too_many(instructions: list[Any]) -> bool:
    """Count instructions, before anything is made of them, no further than needed."""
    count, waiting = 0, [instructions]
    while waiting and count <= MOST_INSTRUCTIONS:
        some = waiting.pop()
        count += len(some)
        for given in some[: MOST_INSTRUCTIONS + 1]:
            if isinstance(given, dict):
                inner = (given.get(key) for key in LISTS)
                waiting += [found for found in inner if isinstance(found, list)]
    return count > MOST_INSTRUCTIONS


def _errors(
    instructions: list[Any], ready: set[str] | None, depth: int
) -> Iterator[str]:
    """Yield errors; ``ready`` are the subjects of new and load in the for-each."""
    if depth > MOST_NESTED:
        yield f"Instructions are nested more than {MOST_NESTED} levels deep"
    for given in instructions:
        yield from _instruction_errors(given, ready, depth)


def _instruction_errors(
    given: Any, ready: set[str] | None, depth: int
) -> Iterator[str]:
    instruction = given if isinstance(given, dict) else {}
    action = action_of(instruction)
    yield from _own_errors(action, instruction, ready)
    if ready is not None and action in {"new", "load"}:
        ready.add(text_of(instruction["destination"]))
    inner = set() if action == "for-each" else ready
    for key in LISTS:
        yield from _nested(instruction, key, inner, depth)


def _nested(
    instruction: Mapping[str, Any], key: str, ready: set[str] | None, depth: int
) -> Iterator[str]:
    found = instruction.get(key)
    if isinstance(found, list):
        yield from _errors(found, ready, depth + 1)
    elif found is not None:
        yield f"'{key}' property is not an array"


def _own_errors(
    action: str, instruction: Mapping[str, Any], ready: set[str] | None
) -> Iterator[str]:
    if action not in REQUIRED:
        yield f"Unknown action in instruction: {shown(action)}"
    missing = [key for key in REQUIRED[action] if key not in instruction]
    if missing:
        yield (
            f"Expected property not found in {action} instruction: {', '.join(missing)}"
        )
    if ready is not None and _overwrites(action, instruction, ready):
        yield _OVERWRITES
    if action == "field":
        yield from _filter_errors(instruction.get("filters"))


def _overwrites(action: str, instruction: Mapping[str, Any], ready: set[str]) -> bool:
    """Tell whether an instruction of a for-each sets one value again and again."""
    if action not in _ASSIGNING or is_truthy(instruction.get("multivalue")):
        return False
    destination = text_of(instruction["destination"])
    return "load" not in destination and destination not in ready


def _filter_errors(filters: Any) -> Iterator[str]:
    if is_truthy(filters) and not isinstance(filters, list):
        yield "'filters' property is not an array"
    for name in filters or ():
        if text_of(name) not in FILTERS:
            yield f"Filter {shown(name)} is not available."
