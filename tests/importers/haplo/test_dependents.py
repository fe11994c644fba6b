"""Destinations that depend on another: rules/batch-imports.md 1.8.3."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.forms.case_block import IndexUpdate
from tests.kit.haplo.batches import (
    a_control,
    field,
)
from tests.kit.haplo.instructions import (
    CHILD,
    MOTHER,
    family,
    instruction,
    to,
)
from tests.kit.haplo.transforms import (
    a_case,
    messages,
    names,
    transformed,
)


def load_mother():
    return [
        field("ref", "ref", destination="load:by-ref", filters=["haplo:string-to-ref"]),
        {"action": "load", "destination": "mother", "using": "load:by-ref"},
    ]


def test_a_dependent_destination_makes_a_case_that_hangs_on_the_other():
    """Rule 1.8.3."""
    found = transformed(family(*MOTHER, CHILD), {"m": "Mia", "c": "Cy"})
    mother, child = found.blocks
    about = {"case_id": mother.case_id, "case_type": "patient"}
    assert child.indices == (IndexUpdate(name="parent", relationship="child", **about),)
    assert mother.indices == ()


def test_the_index_and_its_relationship_are_as_declared():
    control = family(*MOTHER, CHILD, index="host", relationship="extension")
    found = transformed(control, {"m": "Mia", "c": "Cy"})
    assert [(i.name, i.relationship) for i in found.blocks[1].indices] == [
        ("host", "extension")
    ]


def test_the_oldest_open_dependent_is_taken():
    cases = [
        a_case("m1"),
        a_case("d1", parent="m1", opened_on="2020", closed=True),
        a_case("d2", parent="m1", opened_on="2022"),
        a_case("d3", parent="m1", opened_on="2021"),
        a_case("d4", parent="m1", opened_on="2019", case_type="other"),
    ]
    control = family(*load_mother(), CHILD)
    found = transformed(control, {"ref": "m1", "c": "Cy"}, *cases)
    (block,) = found.blocks
    assert (block.case_id, block.update) == ("d3", {"case_name": "Cy"})


def test_without_a_dependent_a_new_one_is_made():
    control = family(*load_mother(), CHILD)
    found = transformed(control, {"ref": "m1", "c": "Cy"}, a_case("m1"))
    (block,) = found.blocks
    assert block.create["case_name"] == "Cy"
    assert block.indices[0].case_id == "m1"


def test_a_new_mother_has_children_of_her_own():
    each = instruction("for-each", "all", instructions=[*MOTHER, new_child()])
    record = {"all": [{"m": "Mia", "c": "Cy"}, {"m": "Moe", "c": "Cleo"}]}
    blocks = transformed(family(each), record).blocks
    assert names(blocks) == ["Mia", "Cy", "Moe", "Cleo"]
    assert [b.indices[0].case_id for b in blocks if b.indices] == [
        blocks[0].case_id,
        blocks[2].case_id,
    ]


def new_child():
    """Return what names a child that comes into being by being used."""
    named = {**CHILD, "multivalue": True}
    return instruction("if-exists", "c", then=[named])


def test_a_child_made_by_hand_is_linked_to_the_mother():
    """In whatever order they are begun; a link that is given stays."""
    new = {"action": "new", "destination": "child"}
    found = transformed(family(new, CHILD, *MOTHER), {"m": "Mia", "c": "Cy"})
    child, mother = found.blocks
    assert child.indices[0].case_id == mother.case_id
    other = field(
        "p", "index:parent", destination="child", filters=["haplo:string-to-ref"]
    )
    control = family(*MOTHER, new, CHILD, other)
    found = transformed(control, {"m": "Mia", "c": "Cy", "p": "p1"}, a_case("p1"))
    assert found.blocks[1].indices[0].case_id == "p1"


def test_use_of_a_dependent_whose_dependency_is_not_ready():
    found = transformed(family(CHILD), {"c": "Cy"})
    assert messages(found) == [
        (
            'Destination "mother" needs be made ready with a "new" or "load" '
            "instruction, required by use of child "
        )
    ]


def test_dependencies_are_followed_for_sixteen_levels():
    destinations: dict[str, Any] = {"d0": {"caseType": "patient"}}
    for n in range(1, 19):
        destinations[f"d{n}"] = {"caseType": "patient", "depends": f"d{n - 1}"}
    more = {"model": "ledger:cases", "destinations": destinations}
    new = {"action": "new", "destination": "d0"}
    found = transformed(a_control(new, to("d18", "v"), **more), {"v": 1})
    assert messages(found) == [
        'Couldn\'t make destination "d2" available from dependency "d1"'
    ]


@pytest.mark.parametrize(
    ("cases", "exists", "said"),
    [
        ([], True, ["assert-destination failed: child"]),
        ([], False, []),
        ([a_case("d1", parent="m1")], True, []),
        ([a_case("d1", parent="m1")], False, ["assert-destination failed: child"]),
    ],
)
def test_assert_destination(cases, exists, said):
    check = instruction("assert-destination", destination="child", exists=exists)
    control = family(*load_mother(), check)
    found = transformed(control, {"ref": "m1"}, a_case("m1"), *cases)
    assert messages(found) == said
    assert found.aborted is bool(said)


def test_required_names_must_have_values():
    """Rule 1.5j: sorted, and a loaded case may have them already."""
    required = {"b": {"required": True}, "a": {"required": True}, "c": {}}
    control = family(*load_mother(), CHILD, names=required)
    record = {"ref": "m1", "c": "Cy"}
    found = transformed(control, record, a_case("m1"))
    assert messages(found) == ["Missing values in child: a, b"]
    child = a_case("d1", parent="m1", properties={"a": "1", "b": "2"})
    assert transformed(control, record, a_case("m1"), child).blocks


def test_an_optional_destination_may_have_nothing():
    assert transformed(family(*MOTHER), {"m": "Mia"}).blocks
    found = transformed(family(*MOTHER, optional=False), {"m": "Mia"})
    assert messages(found) == ["No data set in required destination child"]


@pytest.mark.parametrize(
    ("declared", "given", "value"),
    [
        (None, None, "b"),
        (None, True, "a b"),
        (True, None, "a b"),
        (True, False, "b"),
        (False, True, "b"),
    ],
)
def test_multivalue_as_declared(declared, given, value):
    """Rule 1.6b: on a name that is not multi-valued it has no effect."""
    rule = {} if declared is None else {"multivalue": declared}
    more = {} if given is None else {"multivalue": given}
    fields = [{**to("child", n, "v"), **more} for n in "ab"]
    control = family(*MOTHER, CHILD, *fields, names={"v": rule})
    record = {"m": "Mia", "c": "Cy", "a": "a", "b": "b"}
    assert transformed(control, record).blocks[1].update == {"v": value}


def test_types_as_declared():
    control = family(
        *MOTHER, CHILD, to("child", "age"), names={"age": {"type": "integer"}}
    )
    found = transformed(control, {"m": "Mia", "c": "Cy", "age": "old"})
    assert messages(found) == ["Invalid integer for input field age: old"]
