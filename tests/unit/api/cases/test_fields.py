"""``fields`` and ``exclude`` (``rules/case-api-v2.md`` 7)."""

from __future__ import annotations

import copy

import pytest

from api.cases.fields import Family, FieldFilter, family_of
from ledger.errors import Conflict

PARENT = {"case_id": "p1", "case_type": "household", "relationship": "child"}
CASE = {
    "case_id": "c1",
    "external_id": None,
    "closed": False,
    "properties": {"edd": "2013-12-09", "age": "22", "a.b": "dotted"},
    "indices": {"parent": PARENT},
}


def chosen(*pairs):
    found = FieldFilter.parse(pairs)
    assert found is not None
    before = copy.deepcopy(CASE)
    result = found.apply(CASE)
    assert before == CASE
    return result


def without(*names):
    return {name: value for name, value in CASE.items() if name not in names}


def test_a_value_is_a_list_of_paths():
    """Rule 7.2: comma-separated paths, each dot-separated."""
    assert chosen(("fields", "case_id,properties.age,indices.parent.case_id")) == {
        "case_id": "c1",
        "properties": {"age": "22"},
        "indices": {"parent": {"case_id": "p1"}},
    }


@pytest.mark.parametrize(
    ("prefixed", "plain"),
    [
        (("fields.properties", "edd,age"), ("fields", "properties.edd,properties.age")),
        (("fields.indices.parent", "case_id"), ("fields", "indices.parent.case_id")),
        (("fields.indices", "parent.case_id"), ("fields", "indices.parent.case_id")),
        (("exclude.properties", "edd"), ("exclude", "properties.edd")),
    ],
)
def test_the_prefix_form_means_the_same(prefixed, plain):
    """Rule 7.2: any depth."""
    assert chosen(prefixed) == chosen(plain)


def test_repeated_parameters_add_up():
    """Rule 7.2: ``fields=a&fields=b`` is ``fields=a,b``."""
    both = chosen(("fields", "case_id"), ("fields", "closed"))
    assert (
        both
        == chosen(("fields", "case_id,closed"))
        == without("external_id", "properties", "indices")
    )


def test_blanks_around_parts_are_trimmed():
    """Rule 7.2: around commas, dots and parts of the parameter name."""
    spaced = chosen((" fields . properties ", " edd , age "), ("fields", " closed\t"))
    assert spaced == chosen(("fields", "properties.edd,properties.age,closed"))
    assert chosen(("fields", "properties . edd")) == {
        "properties": {"edd": "2013-12-09"}
    }


@pytest.mark.parametrize(
    ("pair", "result"),
    [
        (("fields", ""), {}),
        (("fields", "case_id,"), {"case_id": "c1"}),
        (("fields.properties", ""), {}),
        (("fields.", "case_id"), {}),
        (("fields", "properties..edd"), {}),
        (("exclude", ""), CASE),
        (("exclude.properties", ""), CASE),
    ],
)
def test_a_path_with_an_empty_part_matches_nothing(pair, result):
    """Rule 7.3."""
    assert chosen(pair) == result


def test_unknown_names_are_ignored():
    """Rule 7.3."""
    assert chosen(("fields", "nope,case_id")) == {"case_id": "c1"}
    assert chosen(("exclude", "nope,properties.nope,nope.x")) == CASE


def test_a_path_through_a_plain_value_finds_nothing():
    """Rule 7.3."""
    assert chosen(("fields", "case_id.x,external_id.y")) == {}
    assert chosen(("exclude", "case_id.x,external_id.y")) == CASE


def test_an_object_without_the_key_is_left_empty():
    """Rule 7.3."""
    assert chosen(("fields", "properties.nope")) == {"properties": {}}


@pytest.mark.parametrize(
    "paths", ["properties,properties.age", "properties.age,properties"]
)
def test_a_child_narrows_its_parent(paths):
    """Rule 7.4: in either order."""
    assert chosen(("fields", paths)) == {"properties": {"age": "22"}}
    rest = {"edd": "2013-12-09", "a.b": "dotted"}
    assert chosen(("exclude", paths)) == CASE | {"properties": rest}


def test_a_property_with_a_dot_cannot_be_addressed():
    """Rule 7.4."""
    assert chosen(("fields", "properties.a.b")) == {"properties": {}}
    assert chosen(("exclude", "properties.a.b")) == CASE


@pytest.mark.parametrize(
    "pairs",
    [
        [("fields", "a"), ("exclude", "b")],
        [("fields", ""), ("exclude", "")],
        [("exclude.properties", "a"), ("limit", "1"), ("fields", "b")],
        [("fields.", "a"), (" exclude.x", "")],
    ],
)
def test_the_two_families_exclude_each_other(pairs):
    """Rule 7.1: even empty, even only ``exclude.x``."""
    with pytest.raises(
        Conflict, match=r"^You cannot specify both 'fields' and 'exclude'$"
    ):
        FieldFilter.parse(pairs)


def test_other_parameters_ask_for_nothing():
    """Rule 7: no parameter of either family is no filter at all."""
    assert FieldFilter.parse([("limit", "1"), ("fieldset", "a"), ("", "")]) is None


def test_a_parameter_knows_its_family():
    """Rule 6: a list must tell these parameters from unknown ones."""
    assert family_of("fields") is family_of("fields.properties") is Family.FIELDS
    assert family_of("exclude.x.y") is Family.EXCLUDE
    assert family_of("fieldsx") is family_of("properties.fields") is None


def test_a_very_deep_path_is_walked_without_recursion():
    """Rule 5.7: very deep ``fields`` paths are ignored."""
    deep = ".".join(["properties"] * 100_000)
    assert chosen(("fields", deep)) == {"properties": {}}
    assert chosen(("exclude", deep)) == CASE
    assert chosen(("fields." + deep, "a," * 1000)) == {"properties": {}}
