"""Targets that are cases, new and loaded ones: rules/batch-imports.md 1.8.2, 1.8.4."""

from __future__ import annotations

import pytest

from ledger.forms.case_block import IndexUpdate
from tests.kit.haplo.batches import (
    NAME,
    a_control,
    constant,
    field,
    upsert,
)
from tests.kit.haplo.instructions import (
    ANN,
    BY_REF,
    CHILD,
    MOTHER,
    NOT_READY,
    family,
    if_has,
    instruction,
    seen,
)
from tests.kit.haplo.transforms import (
    a_case,
    messages,
    transformed,
    written,
)


def test_a_new_case():
    """Rule 1.8.2: its name is required, its owner is who imports."""
    found = transformed(a_control(*ANN, field("dob")), {"dob": "2020-01-01"})
    (block,) = found.blocks
    assert block.create == {
        "case_type": "patient",
        "case_name": "Ann",
        "owner_id": "u-amina",
    }
    assert block.update == {"dob": "2020-01-01"}
    assert not block.close


def test_a_new_case_with_everything():
    control = a_control(
        *ANN,
        field("x", "external_id"),
        field("o", "owner_id"),
        constant(value=True, name="close"),
        field("p", "index:parent", filters=["haplo:string-to-ref"]),
        field(
            "p",
            "index:host",
            filters=["haplo:string-to-ref"],
            relationship="extension",
            indexCaseType="house",
        ),
    )
    record = {"x": "x1", "o": "u-2", "p": "c1"}
    (block,) = transformed(control, record, a_case()).blocks
    assert block.create["owner_id"] == "u-2"
    assert block.update == {"external_id": "x1"}
    assert block.close
    child = {"case_id": "c1", "case_type": "patient", "relationship": "child"}
    host = {"case_id": "c1", "case_type": "house", "relationship": "extension"}
    assert block.indices == (
        IndexUpdate(name="parent", **child),
        IndexUpdate(name="host", **host),
    )


def test_an_index_to_no_case_aborts_the_record():
    control = a_control(
        *ANN, field("p", "index:parent", filters=["haplo:string-to-ref"])
    )
    found = transformed(control, {"p": "c9"})
    assert messages(found) == ["No case with id c9 for input field p"]
    assert found.aborted


def test_an_index_takes_refs_only():
    found = transformed(a_control(*ANN, field("p", "index:parent")), {"p": "c1"})
    assert found.blocks[0].indices == ()
    assert messages(found) == []


def test_owner_by_username():
    control = a_control(*ANN, field("o", "owner_id", filters=["haplo:username-to-ref"]))
    found = transformed(control, {"o": "Amina"}, users={"amina": "u-7"})
    assert found.blocks[0].create["owner_id"] == "u-7"


@pytest.mark.parametrize("name", ["case_name", "external_id", "owner_id"])
def test_names_that_are_too_long(name):
    """Rule R0.8."""
    control = a_control(*ANN, field("v", name))
    found = transformed(control, {"v": "x" * 256})
    assert messages(found) == [f"{name} must be 255 characters or fewer in object"]
    assert found.aborted
    assert transformed(control, {"v": "x" * 255}).blocks


@pytest.mark.parametrize(
    ("more", "value"),
    [
        ({}, "b"),
        ({"multivalue": True}, "a b"),
        ({"multivalue": True, "joiner": "; "}, "a; b"),
        ({"multivalue": False}, "b"),
    ],
)
def test_values_replace_or_are_appended(more, value):
    found = transformed(
        a_control(*ANN, field("a", "v", **more), field("b", "v", **more)),
        {"a": "a", "b": "b"},
    )
    assert written(found)["v"] == value


def test_remove_values_of_a_new_case_drops_what_was_set():
    about = instruction("remove-values", destination="object", name="v")
    assert seen([field("a", "v"), about], {"a": "a"}) is None
    assert seen([field("a", "v"), about, field("b", "v")], {"a": "a", "b": "b"}) == "b"


# -- cases that are there -------------------------------------------------------


LOAD = [
    field("x", "external_id", destination="load:by-external-id"),
    {"action": "load", "destination": "object", "using": "load:by-external-id"},
]


def test_load_by_ref():
    found = transformed(a_control(*BY_REF, field("v")), {"ref": "c1", "v": 1}, a_case())
    (block,) = found.blocks
    assert (block.case_id, block.create, block.update) == ("c1", None, {"v": "1"})


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(a_case("c2"), id="unknown"),
        pytest.param(a_case("c1", case_type="other"), id="of another type"),
    ],
)
def test_what_cannot_be_loaded_by_ref(case):
    """Rule 1.8.4."""
    found = transformed(a_control(*BY_REF), {"ref": "c1"}, case)
    assert messages(found) == ["Couldn't load destination: object"]
    assert found.aborted


def test_a_closed_case_may_be_loaded():
    case = a_case(closed=True, external_id="x1")
    for control in (a_control(*BY_REF, field("v")), a_control(*LOAD, field("v"))):
        record = {"ref": "c1", "x": "x1", "v": 1}
        assert transformed(control, record, case).blocks


@pytest.mark.parametrize("record", [{}, {"x": ""}, {"x": "other"}])
def test_what_cannot_be_loaded_by_external_id(record):
    found = transformed(a_control(*LOAD), record, a_case(external_id="x1"))
    assert messages(found) == ["Couldn't load destination: object"]


def test_open_cases_are_preferred_by_external_id():
    cases = [
        a_case("c1", external_id="x1", closed=True),
        a_case("c2", external_id="x1"),
    ]
    found = transformed(a_control(*LOAD, field("v")), {"x": "x1", "v": 1}, *cases)
    assert found.blocks[0].case_id == "c2"


def test_more_than_one_case_with_an_external_id_aborts():
    """Otherwise is not run, and other types do not count."""
    cases = [a_case("c1", external_id="x1"), a_case("c2", external_id="x1")]
    found = transformed(a_control(*upsert("x")), {"x": "x1"}, *cases)
    assert messages(found) == [
        "More than one case with external_id x1 for destination object"
    ]
    cases[1] = a_case("c2", external_id="x1", case_type="other")
    control = a_control(*upsert("x"), field("v"))
    assert transformed(control, {"x": "x1", "v": 1}, *cases).blocks[0].case_id == "c1"


def test_load_clears_what_it_was_told():
    """So the second load without a value finds nothing."""
    again = LOAD[1]
    found = transformed(a_control(*LOAD, again), {"x": "x1"}, a_case(external_id="x1"))
    assert messages(found) == ["Couldn't load destination: object"]


def test_otherwise_runs_when_nothing_is_found():
    control = a_control(*upsert("x"), NAME)
    found = transformed(control, {"x": "x1", "name": "Ann"})
    assert written(found)["external_id"] == "x1"
    nothing = [LOAD[0], {**LOAD[1], "otherwise": []}]
    found = transformed(a_control(*nothing, *ANN), {"x": "x1"})
    assert messages(found) == []


def test_use_after_a_load_that_failed_is_told_as_well():
    found = transformed(a_control(*LOAD, field("v")), {"v": 1})
    assert messages(found) == ["Couldn't load destination: object", NOT_READY]


def test_new_makes_a_case_even_if_the_external_id_is_there():
    control = a_control(*ANN, field("x", "external_id"))
    found = transformed(control, {"x": "x1"}, a_case(external_id="x1"))
    assert found.blocks[0].create is not None


def test_only_what_changes_is_written():
    """Rule 1.8.4: an unchanged case has no block."""
    case = a_case(
        external_id="x1", properties={"a": "1", "b": "2", "c": ""}, closed=True
    )
    control = a_control(
        *BY_REF,
        *map(field, "abcd"),
        field("n", "case_name"),
        constant(value=True, name="close"),
        constant("", "e"),
    )
    same = {"ref": "c1", "a": 1, "b": "2", "n": "Idris"}
    assert transformed(control, same, case).blocks == ()
    found = transformed(control, {**same, "b": "3"}, case)
    assert written(found) == {"b": "3"}


@pytest.mark.parametrize(
    ("name", "case", "has"),
    [
        ("index:parent", a_case("c1", parent="p1"), "yes"),
        ("index:other", a_case("c1", parent="p1"), "no"),
        ("close", a_case(closed=True), "yes"),
        ("close", a_case(), "no"),
        ("external_id", a_case(external_id="x"), "yes"),
        ("external_id", a_case(), "no"),
    ],
)
def test_if_has_value_of_every_part_of_a_case(name, case, has):
    about = instruction(
        "if-has-value",
        destination="object",
        name=name,
        then=[constant("yes", "v")],
        **{"else": [constant("no", "v")]},
    )
    found = transformed(a_control(*BY_REF, about), {"ref": "c1"}, case)
    assert written(found) == {"v": has}


def test_a_dependent_that_is_in_use_exists():
    check = instruction("assert-destination", destination="child", exists=True)
    found = transformed(family(*MOTHER, CHILD, check), {"m": "Mia", "c": "Cy"})
    assert messages(found) == []


def test_an_index_that_stands_is_not_written_again():
    control = a_control(
        *BY_REF, field("p", "index:parent", filters=["haplo:string-to-ref"])
    )
    cases = [a_case("c1", parent="p1"), a_case("p1"), a_case("p2")]
    assert transformed(control, {"ref": "c1", "p": "p1"}, *cases).blocks == ()
    found = transformed(control, {"ref": "c1", "p": "p2"}, *cases)
    assert found.blocks[0].indices[0].case_id == "p2"


def test_closing():
    control = a_control(*BY_REF, field("c", "close"))
    assert transformed(control, {"ref": "c1", "c": True}, a_case()).blocks[0].close
    assert transformed(control, {"ref": "c1", "c": "false"}, a_case()).blocks == ()
    closed = a_case(closed=True)
    assert transformed(control, {"ref": "c1", "c": True}, closed).blocks == ()


def test_remove_values_of_a_loaded_case_writes_the_empty_string():
    remove = [
        instruction("remove-values", destination="object", name=name)
        for name in ("a", "b", "index:parent")
    ]
    case = a_case("c1", parent="p1", properties={"a": "1"})
    (block,) = transformed(a_control(*BY_REF, *remove), {"ref": "c1"}, case).blocks
    assert block.update == {"a": ""}
    assert [(i.name, i.case_id) for i in block.indices] == [("parent", "")]


def test_removing_the_name_of_a_loaded_case_aborts():
    remove = instruction("remove-values", destination="object", name="case_name")
    found = transformed(a_control(*BY_REF, remove), {"ref": "c1"}, a_case())
    assert messages(found) == ["case_name is not set in object object"]


@pytest.mark.parametrize(
    ("before", "values", "after"),
    [
        ("a", ["b"], "a b"),
        ("", ["b"], "b"),
        ("a b", ["b", "a"], None),
        ("a b", ["b", "c"], "a b c"),
        ("ab", ["a"], "ab a"),
    ],
)
def test_values_are_appended_to_those_of_the_case(before, values, after):
    """What it has already is not added again, so a batch may run twice."""
    inner = [field("value", "v", multivalue=True)]
    each = instruction("for-each", "all", wrapValues=True, instructions=inner)
    case = a_case(properties={"v": before})
    found = transformed(a_control(*BY_REF, each), {"ref": "c1", "all": values}, case)
    assert (written(found)["v"] if found.blocks else None) == after


def test_remove_values_makes_room_for_appended_ones():
    remove = instruction("remove-values", destination="object", name="v")
    control = a_control(*BY_REF, remove, field("a", "v", multivalue=True))
    case = a_case(properties={"v": "old"})
    assert written(transformed(control, {"ref": "c1", "a": "new"}, case)) == {
        "v": "new"
    }


def test_one_case_loaded_twice_by_a_record_is_one_block():
    """The second load sees what the first one left."""
    steps = [*BY_REF, field("a", multivalue=True), field("b")]
    control = a_control(
        instruction("for-each", "all", instructions=[*steps, if_has("b")])
    )
    record = {"all": [{"ref": "c1", "a": 1, "b": 2}, {"ref": "c1", "a": 3}]}
    found = transformed(control, record, a_case())
    assert written(found) == {"a": "1 3", "b": "2", "has_b": "yes"}


def test_of_several_loaded_cases_those_that_change_are_written():
    control = a_control(
        instruction(
            "for-each", "all", instructions=[*BY_REF, field("a", multivalue=True)]
        )
    )
    record = {"all": [{"ref": "c1"}, {"ref": "c2", "a": 1}, {"ref": "c3"}]}
    found = transformed(control, record, *map(a_case, ("c1", "c2", "c3")))
    assert [block.case_id for block in found.blocks] == ["c2"]
