"""Values with parts, qualifiers, constants: rules/batch-imports.md 1.5 and 1.6."""

from __future__ import annotations

from tests.kit.haplo.batches import NEW, a_control, constant, field
from tests.kit.haplo.instructions import (
    ANN,
    NOTHING,
    converted,
)
from tests.kit.haplo.transforms import (
    messages,
    transformed,
    written,
)


def test_names_of_haplo_persons_have_their_types():
    """Rule 1.8.2."""
    names = {
        "std:attribute:email": "x",
        "std:attribute:url": "x",
        "std:attribute:telephone": "1",
        "std:attribute:address": "x",
        "std:attribute:notes": "x",
        "std:attribute:job-title": "x",
    }
    fields = [field("v", name, destination="profile") for name in names]
    control = a_control(
        {**NEW, "destination": "profile"},
        constant("Ann", "case_name", destination="profile"),
        *fields,
        model="haplo:person",
    )
    found = transformed(control, {"v": "x"})
    assert messages(found) == [
        "Invalid email address for input field v: x",
        "Invalid URL for input field v: x",
    ]
    names = written(found)
    assert names["case_type"] == "person"
    assert {n: names.get(n) for n in ("telephone", "address", "notes")} == {
        "telephone": "x",
        "address": None,
        "notes": "x",
    }
    assert names["job_title"] == "x"


def test_a_qualifier_makes_another_property_of_the_same_type():
    """Rule 1.8.2: the property's name, and the last part of the qualifier's code."""
    control = a_control(
        {**NEW, "destination": "profile"},
        constant("Ann", "case_name", destination="profile"),
        field(
            "v",
            "std:attribute:email",
            destination="profile",
            qualifier="std:qualifier:at-home",
        ),
        model="haplo:person",
    )
    assert written(transformed(control, {"v": "a@b"}))["email_at_home"] == "a@b"
    assert messages(transformed(control, {"v": "x"}))


def test_an_unusable_qualifier_is_left_out():
    assert (
        written(transformed(a_control(*ANN, field("v", qualifier="a b")), {"v": "x"}))[
            "v"
        ]
        == "x"
    )


def structured(name, **more):
    about = {"action": "field-structured", "destination": "object", "name": name}
    return {**about, **more}


def test_structured_values_are_collected_and_cleared():
    """Rule 1.6.1: person names and postal addresses from their pseudo destinations."""
    control = a_control(
        NEW,
        field("f", "first", destination="value:person-name"),
        field("l", "last", destination="value:person-name"),
        structured("case_name", structured="value:person-name"),
        structured("again", structured="value:person-name"),
        field("c", "city", destination="value:postal-address"),
        constant("GB", "country", destination="value:postal-address"),
        structured("home", structured="value:postal-address"),
    )
    found = written(transformed(control, {"f": "Ann", "l": "Bo", "c": "Ely"}))
    assert found["case_name"] == "Ann Bo"
    assert found["home"] == "Ely\nGB"
    assert "again" not in found


def test_a_structured_value_that_cannot_be_converted():
    control = a_control(
        *ANN,
        field("c", "city", destination="value:postal-address"),
        structured("home", structured="value:postal-address", type="integer"),
    )
    assert messages(transformed(control, {"c": "Ely"})) == [
        (
            "Invalid integer for structured input field value:postal-address: "
            "[object Object]"
        )
    ]


def test_new_and_remove_values_of_a_pseudo_destination():
    control = a_control(
        *ANN,
        field("v", "last", destination="value:person-name"),
        {"action": "new", "destination": "value:person-name"},
        structured("a", structured="value:person-name"),
        field("v", "last", destination="value:person-name"),
        field("v", "first", destination="value:person-name"),
        {
            "action": "remove-values",
            "destination": "value:person-name",
            "name": "first",
        },
        {
            "action": "if-has-value",
            "destination": "value:person-name",
            "name": "first",
            "then": [constant("yes", "b")],
            "else": [constant("no", "b")],
        },
        structured("c", structured="value:person-name"),
    )
    found = written(transformed(control, {"v": "x"}))
    assert {n: found.get(n) for n in "abc"} == {"a": None, "b": "no", "c": "x"}


def test_a_bad_constant_is_reported_once_in_a_batch():
    """Rule 1.5: constants are converted once."""
    control = a_control(*ANN, constant("x", "v", type="integer"))
    said: set[str] = set()
    first = transformed(control, {}, said=said)
    second = transformed(control, {}, said=said)
    assert messages(first) == ["Invalid integer for set value object/v: x"]
    assert messages(second) == []
    assert not second.aborted


def test_a_constant_that_means_no_case_aborts_every_record():
    filters = ["ledger:external-id-to-ref"]
    control = a_control(*ANN, constant("x", "v", type="ref", filters=filters))
    said: set[str] = set()
    for _ in range(2):
        found = transformed(control, {}, said=said)
        assert messages(found) == ["No case with external_id x for set value object/v"]
        assert found.aborted


def test_json_that_is_too_deep_to_be_written_is_nothing():
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    assert converted(deep, type="json") is NOTHING
    assert converted([float("inf")], type="json") is NOTHING


def test_a_constant_may_be_anything():
    control = a_control(
        *ANN,
        constant(value=False, name="a"),
        constant(value=False, name="b", type="boolean"),
        constant(None, "c"),
        constant("", "d"),
        constant({"x": 1}, "e", type="json"),
    )
    found = written(transformed(control, {}))
    assert {n: found.get(n) for n in "abcde"} == {
        "a": "false",
        "b": "false",
        "c": None,
        "d": "",
        "e": '{"x":1}',
    }
