"""What a block may say, row by row: rules/case-xml.md 6, 10 and 11."""

from __future__ import annotations

import pytest

from ledger.forms.form_xml import parse_form
from projections.rule.fold import FORM, INDEX, blocks_by_case, new_targets
from tests.kit import build
from tests.kit.folding import actions_of, folded, index, of_blocks, problem

# Rule 6: names with a meaning


@pytest.mark.parametrize("action", ["create", "update"])
@pytest.mark.parametrize(
    ("name", "field", "label"),
    [
        ("case_type", "case_type", "type"),
        ("case_name", "case_name", "name"),
        ("owner_id", "owner_id", "owner_id"),
        ("external_id", "external_id", "external_id"),
    ],
)
def test_a_special_name_sets_its_field(action, name, field, label):
    """Rule 6.1: up to 255 characters, never a property."""
    case = of_blocks(build.a_block(**{action: {name: "é" * 255}}))
    assert getattr(case, field) == "é" * 255
    assert case.properties == {}
    assert problem(build.a_block(**{action: {name: "é" * 256}})) == (
        f"CaseValueError: Error processing case update: Field: {label}, "
        "Error: Value exceeds allowed length: 255"
    )


@pytest.mark.parametrize("action", ["create", "update"])
@pytest.mark.parametrize(
    ("text", "opened_on"),
    [
        ("2024-03-05", "2024-03-05T00:00:00.000000Z"),
        ("2024-03-05T09:14:00+02:00", "2024-03-05T07:14:00.000000Z"),
        ("2024-03-05T09:14:00", "2024-03-05T09:14:00.000000Z"),
        ("1985", "1985-01-01T00:00:00.000000Z"),
    ],
)
def test_date_opened_sets_opened_on(action, text, opened_on):
    """Rules 6.2 and 9: to UTC; no offset is UTC, a date midnight, a year its day."""
    case = of_blocks(build.a_block(**{action: {"date_opened": text}}))
    assert case.opened_on == opened_on
    assert case.properties == {}


@pytest.mark.parametrize("text", ["", "soon", "2024-13-01", "2024-02-30T00:00:00Z"])
def test_a_date_opened_that_is_no_date_is_refused(text):
    """Rules 6.2 and 9.4: anything else, also empty text."""
    assert problem(build.a_block(create={"date_opened": text})) == (
        "CaseValueError: Error processing case update: Field: opened_on, "
        f"Error: Unable to parse date string '{text}'"
    )


@pytest.mark.parametrize("action", ["create", "update"])
def test_user_id_has_no_lasting_effect(action):
    """Rule 6.3: overwritten by the acting user at the end of the block."""
    case = of_blocks(build.a_block(**{action: {"user_id": "somebody"}}))
    assert case.modified_by == case.opened_by == build.USER
    assert case.properties == {}


def test_other_names_of_a_create_are_ignored():
    """Rule 5.3: silently, and they do not become properties."""
    case = of_blocks(build.a_block(create={"color": "red", "case_type": "t"}))
    assert (case.properties, case.case_type) == ({}, "t")


def test_name_in_an_update_is_the_case_name_without_a_limit():
    """Rule 6.4: legacy, no property, no length check."""
    case = of_blocks(build.a_block(update={"name": "n" * 300}))
    assert case.case_name == "n" * 300
    assert case.properties == {}


def test_location_id_has_its_own_column():
    """Rule 6.4: not among the properties."""
    case = of_blocks(build.a_block(update={"location_id": "here"}))
    assert (case.location_id, case.properties) == ("here", {})


def test_hq_user_id_is_a_property_and_the_external_id():
    """Rule 6.5: stored as property and copied."""
    case = of_blocks(build.a_block(update={"hq_user_id": "u1"}))
    assert case.properties == {"hq_user_id": "u1"}
    assert case.external_id == "u1"


def test_reserved_names_of_an_update_are_ignored():
    """Rule 6.6: case_id, date_modified, supply_point_location_id."""
    names = ("case_id", "date_modified", "supply_point_location_id")
    case = of_blocks(build.a_block(update=dict.fromkeys(names, "x")))
    assert case.properties == {}


@pytest.mark.parametrize("name", ["type", "closed", "status", "doc_type", "p-1.é"])
@pytest.mark.parametrize("value", ["", "x", " x ", "2015-04-17T16:04:54.950-04", "😀"])
def test_any_other_name_is_a_property_kept_as_sent(name, value):
    """Rules 6.7 and D-14: empty text is stored, nothing is trimmed or rewritten."""
    case = of_blocks(build.a_block(update={name: value}))
    assert case.properties == {name: value}
    assert not case.closed


def test_an_empty_value_does_not_remove_a_property():
    """Rule 6.7: properties can only be set to empty."""
    case = of_blocks(build.an_update(p="1"), build.an_update(p=""))
    assert case.properties == {"p": ""}


def test_of_several_values_the_last_one_counts():
    """Rules 6.9 and D-6: in one block, user properties and special names alike."""
    extra = (
        "<update><p>1</p><case_name>A</case_name><p>2</p></update>"
        "<update><case_name>B</case_name></update>"
    )
    case = of_blocks(build.a_block(extra=extra))
    assert (case.properties, case.case_name) == ({"p": "2"}, "B")


def test_a_property_with_elements_or_attributes_is_its_own_text():
    """Rule D-7: no JSON object, no @-properties."""
    extra = '<update a="1">loose<p b="2">text<c>inner</c>tail</p></update>'
    assert of_blocks(build.a_block(extra=extra)).properties == {"p": "text"}


# Rule 10: indices


@pytest.mark.parametrize(
    ("given", "kept"), [(None, "child"), ("", "child"), ("extension", "extension")]
)
def test_an_index_is_a_child_unless_it_says_otherwise(given, kept):
    """Rule 10.2: missing or empty relationship."""
    case = of_blocks(build.a_block(index={"parent": ("c2", "t", given)}))
    assert case.indices == {"parent": index("c2", "t", kept)}


def test_an_index_is_known_by_its_name():
    """Rule 10.1: set again it replaces type, target and relationship."""
    case = of_blocks(
        build.a_block(index={"parent": "c2", "host": "c3"}),
        build.a_block(index={"parent": ("c4", "t", "extension")}),
    )
    assert case.indices == {
        "parent": index("c4", "t", "extension"),
        "host": index("c3"),
    }


def test_a_cleared_index_leaves_a_tombstone():
    """Rule 10.3: kept for the restore, not among the live ones; can be set again."""
    forms = [
        build.a_form([build.a_block(index={"parent": ("c2", "t", "extension")})]),
        build.a_form([build.a_block(index={"parent": ("", None, None)})]),
    ]
    case = folded(*forms)
    assert case.indices == {"parent": index("", "t", "extension")}
    assert case.live_indices == {}
    again = build.a_form([build.a_block(index={"parent": "c3"})])
    assert folded(*forms, again).live_indices == {"parent": index("c3")}


def test_clearing_what_is_not_there_does_nothing():
    """Rule 10.3: a no-op, and still an index action."""
    block = build.a_block(index={"parent": ""})
    assert of_blocks(block).indices == {}
    assert actions_of(block) == FORM | INDEX


def test_a_case_may_point_at_itself():
    """Rule 10.7: stored."""
    assert of_blocks(build.a_block(index={"i": "c1"})).live_indices == {
        "i": index("c1")
    }


def test_what_must_exist_is_what_the_form_leaves_set():
    """Rules 10.5 and 10.6: targets are validated after the whole form."""
    form = parse_form(
        build.a_form(
            [
                build.a_block("c2", index={"i": "x", "j": "y"}),
                build.a_block("c1", index={"i": "gone"}),
                build.a_block("c1", index={"i": "here"}),
                build.a_block("c2", index={"j": ""}),
            ]
        )
    )
    assert new_targets(blocks_by_case(form)) == [("c1", "here"), ("c2", "x")]


# Rule 11: attachments


def test_an_attachment_points_at_a_file_of_the_form():
    """Rule 11.2: under its own name, at the part that src names."""
    block = build.a_block(attach={"photo": {"src": "a.jpg", "from": "local"}})
    (kept,) = of_blocks(block, attachments=["a.jpg"]).attachments.items()
    assert kept[0] == "photo"
    assert (kept[1].form_id, kept[1].source) == ("f1", "a.jpg")


def test_an_attachment_without_source_is_deleted():
    """Rule 11.3: neither src nor from."""
    first = build.a_form([build.a_block(attach={"photo": {"src": "a.jpg"}})])
    gone = build.a_form([build.a_block(attach={"photo": {}})])
    assert folded(first, gone, attachments=["a.jpg"]).attachments == {}


def test_from_without_src_is_ignored():
    """Rule 11.3."""
    first = build.a_form([build.a_block(attach={"photo": {"src": "a.jpg"}})])
    other = build.a_form([build.a_block(attach={"photo": {"from": "remote"}})])
    assert list(folded(first, other, attachments=["a.jpg"]).attachments) == ["photo"]


def test_a_file_that_did_not_come_is_refused():
    """Rules 11.2 and D-4."""
    block = build.a_block(attach={"photo": {"src": "a.jpg"}})
    assert problem(block, attachments=["b.jpg"]) == "AttachmentNotFound: f1: 'a.jpg'"
