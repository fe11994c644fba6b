"""What is found wrong before the first record: rules/batch-imports.md 1.7."""

from __future__ import annotations

import pytest

from importers.haplo.rules.program import RunBroken
from tests.kit.haplo.batches import a_control, constant, field
from tests.kit.haplo.instructions import (
    ANN,
)
from tests.kit.haplo.transforms import (
    prepared,
    transformed,
    written,
)


@pytest.mark.parametrize(
    ("instruction", "problem"),
    [
        (field("v", destination="nowhere"), "Unknown destination in field: nowhere"),
        (
            constant(1, "v", destination="value:x"),
            "Unknown destination in set-value: value:x",
        ),
        (
            {"action": "if-has-value", "destination": "x", "name": "v"},
            "Unknown destination in if-has-value: x",
        ),
        (
            {"action": "assert-destination", "destination": "x", "exists": True},
            "Unknown destination in assert-destination: x",
        ),
        (field("v", "1"), "Unknown name in field 1 for destination object"),
        (
            field("v", "x", destination="load:by-ref"),
            "Unknown name in field x for destination load:by-ref",
        ),
        (
            {"action": "remove-values", "destination": "object", "name": "1"},
            "Unknown name in remove-values for destination object",
        ),
        (
            field("v", type="magic"),
            "Couldn't create value transformer for field object/v",
        ),
        (
            field("v", type="text or ref"),
            "Couldn't create value transformer for field object/v",
        ),
        (
            field("v", mapInputValue=5),
            "Couldn't create value transformer for field object/v",
        ),
        (
            constant(1, "v", filters=["x"]),
            "Couldn't create value transformer for set-value object/v",
        ),
        (
            field("v", "index:a", relationship="cousin"),
            "Couldn't create value transformer for field object/index:a",
        ),
        (
            field("v", joiner=5),
            "Couldn't create value transformer for field object/v",
        ),
        (
            {
                "action": "field-structured",
                "structured": "object",
                "destination": "object",
                "name": "v",
            },
            "Unknown structured value destination in field-structured: object",
        ),
        (
            {"action": "assert-destination", "destination": "object", "exists": True},
            "Can only use dependent destinations in assert-destination: object",
        ),
        (
            field("v", qualifier="a b"),
            "Invalid qualifier 'a b' in field object/v",
        ),
    ],
)
def test_each_preparation_error(instruction, problem):
    """Rule 1.7: found once, before the first record."""
    assert prepared(a_control(*ANN, instruction)).problems == (problem,)


def test_a_dropped_instruction_does_not_stop_the_others():
    inner = {
        "action": "if-exists",
        "source": "v",
        "then": [field("v", destination="x"), field("v")],
    }
    found = transformed(a_control(*ANN, inner), {"v": "a"})
    assert written(found)["v"] == "a"


@pytest.mark.parametrize(
    "instruction",
    [
        {"action": "new", "destination": "x"},
        {"action": "load", "destination": "x", "using": "load:by-ref"},
        {"action": "load", "destination": "object", "using": "x"},
        {"action": "load", "destination": "object", "using": "value:person-name"},
    ],
)
def test_new_and_load_of_an_unknown_destination_break_the_run(instruction):
    """Rule 1.7."""
    with pytest.raises(RunBroken, match=r"^Unknown destination: (x|value:.*)$"):
        prepared(a_control(*ANN, instruction))
