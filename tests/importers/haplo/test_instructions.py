"""Instructions and targets: every row of batch-imports.md 1.5, and 1.8.3 to 1.8.4."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.caseblock import IndexUpdate
from tests.importers.haplo.batches import (
    NAME,
    NEW,
    a_control,
    constant,
    field,
    upsert,
)
from tests.importers.haplo.transforms import (
    a_case,
    messages,
    names,
    transformed,
    written,
)

ANN = (NEW, constant("Ann", "case_name"))
NOT_READY = (
    'Destination "object" needs be made ready with a "new" or "load" instruction'
)
BY_REF = [
    field("ref", "ref", destination="load:by-ref", filters=["haplo:string-to-ref"]),
    {"action": "load", "destination": "object", "using": "load:by-ref"},
]


def instruction(action, source=None, **more):
    about = {"action": action, **more}
    return about if source is None else {**about, "source": source}


def seen(instructions, record, *cases):
    """Return the property ``v`` that instructions set."""
    return written(transformed(a_control(*ANN, *instructions), record, *cases)).get("v")


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


def if_has(name):
    return instruction(
        "if-has-value",
        destination="object",
        name=name,
        then=[constant("yes", f"has_{name}")],
        **{"else": [constant("no", f"has_{name}")]},
    )


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


# -- new cases ------------------------------------------------------------------


def test_a_new_case():
    """1.8.2: its name is required, its owner is who imports."""
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
    """R0.8."""
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
    """1.8.4."""
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
    """1.8.4: an unchanged case has no block."""
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


# -- destinations that depend on another --------------------------------------


def family(*instructions, **child):
    """Return a control file with a mother and a child that depends on her."""
    destinations = {
        "mother": {"caseType": "patient"},
        "child": {
            "caseType": "patient",
            "depends": "mother",
            "optional": True,
            **child,
        },
    }
    return a_control(*instructions, model="ledger:cases", destinations=destinations)


def to(destination, source, name=None):
    return field(source, name, destination=destination)


def load_mother():
    return [
        field("ref", "ref", destination="load:by-ref", filters=["haplo:string-to-ref"]),
        {"action": "load", "destination": "mother", "using": "load:by-ref"},
    ]


MOTHER = [{"action": "new", "destination": "mother"}, to("mother", "m", "case_name")]
CHILD = to("child", "c", "case_name")


def test_a_dependent_destination_makes_a_case_that_hangs_on_the_other():
    """1.8.3."""
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
    """1.5: sorted, and a loaded case may have them already."""
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
    """1.6: on a name that is not multi-valued it has no effect."""
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


# -- anything -------------------------------------------------------------------

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from(
        ["c1", "x1", "m1", "2020-01-02", "\0", "\ud800", "a@b", "x" * 300]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(list("abcxv")), inner, max_size=4)
    ),
    max_leaves=8,
)


def every_step():
    """Return instructions of every action, type and filter that there is."""
    kinds = [
        "text",
        "integer",
        "number",
        "boolean",
        "email-address",
        "url",
        "telephone-number",
        "ref",
        "json",
        "person-name",
        "postal-address",
    ]
    return [
        *upsert("x"),
        field("a", "case_name", multivalue=True),
        *[field("b", f"p{n}", type=kind) for n, kind in enumerate(kinds)],
        field("c", "d", dateFormat="yyyy-MM-dd"),
        field("c", "index:parent", filters=["haplo:string-to-ref"]),
        field("c", "index:other", filters=["haplo:code-to-ref"]),
        field("a", "q", filters=["haplo:to-string", "haplo:fix-up-url"]),
        field("v", "r", multivalue=True, mapInputValue={"1": [1]}),
        instruction("within", "b", instructions=[field("a", "w"), if_has("w")]),
        instruction(
            "for-each",
            "v",
            wrapValues=True,
            instructions=[field("value", "s", multivalue=True), NEW],
        ),
        instruction("remove-values", destination="object", name="p1"),
        constant("Ann", "case_name"),
    ]


@given(VALUES)
def test_any_record_is_transformed(record):
    """Whatever it holds, the outcome is blocks or messages."""
    cases = [a_case("c1", external_id="x1"), a_case("m1")]
    found = transformed(a_control(*every_step()), record, *cases)
    assert found.reported >= len(found.messages)
    assert found.aborted or found.blocks
