"""Instructions: every row of rules/batch-imports.md 1.5."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kit.haplo.batches import (
    NEW,
    a_control,
    constant,
    field,
)
from tests.kit.haplo.instructions import (
    ANN,
    BY_REF,
    NOT_READY,
    if_has,
    instruction,
    seen,
)
from tests.kit.haplo.transforms import (
    a_case,
    messages,
    names,
    transformed,
    written,
)


@pytest.mark.parametrize(
    ("record", "value"),
    [
        ({"v": "x"}, "x"),
        ({"v": 0}, "0"),
        ({"v": 0.0}, "0"),
        ({"v": True}, "true"),
        ({}, None),
        ({"v": None}, None),
        ({"v": ""}, None),
        ({"v": False}, None),
    ],
)
def test_field_skips_what_is_absent(record, value):
    """Absent, null, the empty string and false are skipped; 0 is kept."""
    assert seen([field("v")], record) == value


@pytest.mark.parametrize(
    ("record", "value"),
    [
        ({"a": 1}, "then"),
        ({"a": 0}, "then"),
        ({"a": []}, "then"),
        ({"a": {}}, "then"),
        ({"a": ""}, "else"),
        ({"a": False}, "else"),
        ({"a": None}, "else"),
        ({}, "else"),
    ],
)
def test_if_exists(record, value):
    about = instruction(
        "if-exists",
        "a",
        then=[constant("then", "v")],
        **{"else": [constant("else", "v")]},
    )
    assert seen([about], record) == value


@pytest.mark.parametrize(
    ("values", "record", "value"),
    [
        (["x", 1], {"a": "x"}, "then"),
        (["x", 1], {"a": 1}, "then"),
        (["x", 1], {"a": "1"}, "else"),
        ([1], {"a": True}, "else"),
        ([None], {"a": None}, "then"),
        ([None], {}, "else"),
        ([[]], {"a": []}, "else"),
        (None, {"a": "x"}, "else"),
        (5, {"a": 5}, "else"),
    ],
)
def test_if_value_one_of(values, record, value):
    """Strictly equal, type included."""
    more = {} if values is None else {"values": values}
    branches: dict[str, Any] = {
        "then": [constant("then", "v")],
        "else": [constant("else", "v")],
    }
    about = instruction("if-value-one-of", "a", **more, **branches)
    assert seen([about], record) == value


def test_if_has_value_sees_what_was_loaded_or_set_earlier():
    """It is false for the empty string."""
    case = a_case(properties={"a": "1", "b": ""})
    control = a_control(*BY_REF, field("c"), *map(if_has, "abcd"))
    found = written(transformed(control, {"ref": "c1", "c": "x"}, case))
    assert {name: found[f"has_{name}"] for name in "abcd"} == {
        "a": "yes",
        "b": "no",
        "c": "yes",
        "d": "no",
    }


def test_within_runs_inside_a_value():
    about = instruction("within", "in", instructions=[field("v")])
    assert seen([about], {"in": {"v": "x"}}) == "x"
    assert seen([about], {"in": ""}) is None
    assert seen([about], {"in": "text"}) is None
    assert seen([about], {"in": ["x"]}) is None


@pytest.mark.parametrize(
    ("record", "more", "value"),
    [
        ({"all": [{"v": "a"}, {"v": "b"}]}, {}, "a b"),
        ({"all": {"x": {"v": "a"}, "y": {"v": "b"}}}, {}, "a b"),
        ({"all": ["a", 1]}, {"wrapValues": True}, "a 1"),
        ({"all": ["a", 1]}, {}, None),
        ({"all": []}, {}, None),
        ({}, {}, None),
    ],
)
def test_for_each(record, more, value):
    """Once for each element; wrapValues is needed for scalars."""
    source = "value" if more else "v"
    inner = [field(source, "v", multivalue=True)]
    about = instruction("for-each", "all", instructions=inner, **more)
    assert seen([about], record) == value


def test_for_each_of_what_has_no_elements_aborts_the_record():
    about = instruction("for-each", "all", instructions=[])
    found = transformed(a_control(*ANN, about), {"all": "text"})
    assert messages(found) == ["Not an array in input field all"]
    assert found.aborted


@pytest.mark.parametrize(
    ("action", "message", "said", "aborted"),
    [
        ("abort-record", "Stop.", "Stop.", True),
        ("abort-record", "", "abort", True),
        ("abort-record", None, "abort", True),
        ("log-error", "Hm.", "Hm.", False),
        ("log-error", "", "error", False),
    ],
)
def test_abort_record_and_log_error(action, message, said, aborted):
    found = transformed(a_control(*ANN, instruction(action, message=message)), {})
    assert messages(found) == [said]
    assert found.aborted is aborted
    assert bool(found.blocks) is not aborted


def test_aborting_does_not_stop_the_list():
    """Later instructions may add errors; the end is not checked any more."""
    control = a_control(
        instruction("abort-record", message="one"),
        NEW,
        instruction("log-error", message="two"),
    )
    found = transformed(control, {})
    assert messages(found) == ["one", "two"]
    assert not found.blocks


def test_a_value_error_is_reported_and_the_record_applied():
    found = transformed(a_control(*ANN, field("v", type="integer")), {"v": "x"})
    assert messages(found)
    assert written(found)["case_name"] == "Ann"


def test_use_before_new_is_told_once():
    found = transformed(a_control(field("v"), field("w")), {"v": 1, "w": 1})
    assert messages(found) == [NOT_READY]
    assert found.aborted


def test_a_second_new_makes_a_second_case():
    """And early ones come first."""
    control = a_control(
        instruction("for-each", "all", instructions=[NEW, field("n", "case_name")])
    )
    found = transformed(control, {"all": [{"n": "a"}, {"n": "b"}, {"n": "c"}]})
    assert names(found.blocks) == ["a", "b", "c"]
    assert len({block.case_id for block in found.blocks}) == 3


def test_a_target_is_checked_when_the_next_one_begins():
    control = a_control(NEW, *ANN)
    found = transformed(control, {})
    assert messages(found) == ["case_name is not set in object object"]
    assert found.aborted


def test_nothing_in_a_required_destination():
    found = transformed(a_control(), {})
    assert messages(found) == ["No data set in required destination object"]
    assert found.aborted


def test_a_record_that_is_no_object():
    for record in (5, "x", None, [1], True):
        found = transformed(a_control(*ANN), record)
        assert messages(found) == ["Record is not an object"]
        assert found.aborted
