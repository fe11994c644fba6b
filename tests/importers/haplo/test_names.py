"""Names of a case destination: rules/batch-imports.md 1.8.2."""

from __future__ import annotations

import pytest

from importers.haplo.rules.names import (
    CASE_NAME,
    CLOSE,
    EXTERNAL_ID,
    OWNER_ID,
    Part,
    Slot,
    qualified,
    slot_of,
)


def prop(name):
    return Slot(Part.PROPERTY, name)


@pytest.mark.parametrize(
    ("name", "slot"),
    [
        ("case_name", CASE_NAME),
        ("dc:attribute:title", CASE_NAME),
        ("external_id", EXTERNAL_ID),
        ("owner_id", OWNER_ID),
        ("close", CLOSE),
        ("index:parent", Slot(Part.INDEX, "parent")),
        ("property:dob", prop("dob")),
        ("property:close", prop("close")),
        ("dob", prop("dob")),
        ("_a.b-c", prop("_a.b-c")),
        ("std:attribute:job-title", prop("job_title")),
        ("a:b", prop("b")),
    ],
)
def test_what_a_name_sets(name, slot):
    assert slot_of(name) == slot


@pytest.mark.parametrize(
    "name",
    [
        "",
        "1a",
        "a b",
        "xmlns",
        "é",
        "a\n",
        "index:",
        "index:a b",
        "index:xml",
        "property:",
        "property:a:b",
        "std:attribute:",
        "std:attribute:1",
        "case_id",
        "case_type",
        "name",
        "date_opened",
        "date_modified",
        "user_id",
        "hq_user_id",
        "location_id",
        "supply_point_location_id",
        "property:case_id",
        "std:attribute:user-id",
        "property:owner_id",
        "std:attribute:external-id",
        "x" * 256,
        "index:" + "x" * 256,
    ],
)
def test_unknown_names(name):
    assert slot_of(name) is None


@pytest.mark.parametrize(
    ("slot", "qualifier", "found"),
    [
        (prop("phone"), "std:qualifier:home-office", prop("phone_home_office")),
        (prop("phone"), "home", prop("phone_home")),
        (CASE_NAME, "std:qualifier:alternative", prop("case_name_alternative")),
        (prop("phone"), "a b", None),
        (CLOSE, "home", None),
        (Slot(Part.INDEX, "parent"), "home", None),
    ],
)
def test_qualifiers_make_a_property(slot, qualifier, found):
    assert qualified(slot, qualifier) == found
