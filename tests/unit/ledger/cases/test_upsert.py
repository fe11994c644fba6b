"""From changes to case blocks (``rules/case-api-v2.md`` 5.2, 5.3, 5.5 and 8)."""

from __future__ import annotations

import pytest

from ledger.cases.change import IndexRef, Intent
from ledger.cases.upsert import missing_fields, wanted
from ledger.forms.case_block import CaseBlock, IndexUpdate
from tests.kit.resolving import (
    BODY,
    NOW,
    change,
    create,
    existing,
    put,
    put_external,
    refusal,
    resolved,
    to,
    update,
    upsert,
)

# The block: rule 8.3


def test_a_create_block_has_its_three_names_always():
    """Rule 8.3: case_type, case_name and owner_id; the rest stands in update."""
    made = resolved(
        create(owner_id="", external_id="x", properties={"b": "2", "a": ""}, close=True)
    )
    assert made.blocks == (
        CaseBlock(
            case_id="new1",
            user_id="u",
            date_modified=NOW,
            create={"case_type": "patient", "case_name": "Ann", "owner_id": ""},
            update={"external_id": "x", "a": "", "b": "2"},
            close=True,
        ),
    )
    assert made.case_ids == ("new1",)
    assert made.created == (True,)


def test_a_create_without_more_has_no_update():
    """Rule 8.3: left out when it would be empty."""
    assert resolved(create()).blocks[0].update is None


def test_an_update_block_names_come_in_order():
    """Rule 8.3: the names given, then external_id, then properties by alphabet."""
    asked = update(
        case_id="c",
        external_id="x",
        owner_id="o",
        case_type="t",
        properties={"z": "1", "B": "2", "a": "3"},
    )
    made = resolved(asked, cases=[existing("c")])
    assert made.blocks[0].create is None
    assert list((made.blocks[0].update or {}).items()) == [
        ("case_type", "t"),
        ("owner_id", "o"),
        ("external_id", "x"),
        ("B", "2"),
        ("a", "3"),
        ("z", "1"),
    ]
    assert made.created == (False,)


def test_an_empty_update_touches_the_case():
    """Rule 5.2.6: ``{}`` on an existing case just touches it."""
    made = resolved(update(case_id="c"), cases=[existing("c")])
    assert made.blocks == (CaseBlock(case_id="c", user_id="u", date_modified=NOW),)


def test_an_empty_external_id_clears_and_null_leaves():
    """Rule 5.1.2."""
    cleared = resolved(update(case_id="c", external_id=""), cases=[existing("c", "x")])
    assert cleared.blocks[0].update == {"external_id": ""}
    left = resolved(update(case_id="c", case_name="n"), cases=[existing("c", "x")])
    assert left.blocks[0].update == {"case_name": "n"}


def test_indices_are_set_and_removed():
    """Rule 5.5.1: one id sets it, no id removes it, also without a relationship."""
    wishes = {
        "parent": IndexRef(case_id="p", case_type="t", relationship="extension"),
        "old": IndexRef(),
    }
    made = resolved(update(case_id="c", indices=wishes), cases=[existing("c")])
    assert made.blocks[0].indices == (
        IndexUpdate(
            name="parent", case_id="p", case_type="t", relationship="extension"
        ),
        IndexUpdate(name="old", case_id="", case_type="", relationship="child"),
    )


def test_no_changes_make_no_blocks():
    """Rule 5.3.1."""
    assert resolved().blocks == ()


# Which case: rule 5.2


@pytest.mark.parametrize("intent", [Intent.UPDATE, Intent.PUT])
@pytest.mark.parametrize(
    "cases", [[], [existing("c", deleted_on="2020-01-01T00:00:00.000000Z")]]
)
def test_an_unknown_or_deleted_case_cannot_be_updated(intent, cases):
    """Rules 5.2.1, 5.2.3 and 9.19."""
    asked = change(intent, case_id="c")
    text = "No case found with ID 'c'"
    assert refusal(asked, cases=cases) == (text, 1, "case_id")


@pytest.mark.parametrize("intent", [Intent.UPDATE, Intent.PUT, Intent.UPSERT])
def test_a_case_is_found_by_external_id(intent):
    """Rule 5.2.3: when there is no case_id."""
    asked = change(intent, external_id="x", case_name="n")
    made = resolved(asked, cases=[existing("c", "x")])
    assert made.case_ids == ("c",)
    assert made.created == (False,)
    assert made.blocks[0].update == {"case_name": "n", "external_id": "x"}


def test_an_update_by_unknown_external_id_is_refused():
    """Rules D5, 5.2.5 and 9.19: deleted counts as no case."""
    gone = existing("c", "x", deleted_on="2020-01-01T00:00:00.000000Z")
    text = "Could not find a case with external_id 'x'"
    asked = update(external_id="x", **BODY)
    assert refusal(asked, cases=[gone]) == (text, 1, "external_id")


def test_an_update_of_nothing_finds_nothing():
    """Rule 5.2.3: an empty external_id selects no case."""
    text = "Could not find a case with external_id ''"
    assert refusal(update(external_id=""), cases=[existing("c", "")])[0] == text


@pytest.mark.parametrize("intent", [Intent.UPDATE, Intent.PUT, Intent.UPSERT])
def test_an_ambiguous_external_id_is_refused(intent):
    """Rule 5.2.5: ``PUT /`` and both kinds of bulk row."""
    cases = [existing("a", "x"), existing("b", "x")]
    text = "There are multiple cases with external_id x"
    asked = change(intent, external_id="x", **BODY)
    assert refusal(asked, cases=cases) == (text, 1, "external_id")


def test_put_creates_from_a_complete_body():
    """Rule D5: external_id, case_type, case_name and owner_id, no case_id."""
    made = resolved(put(external_id="x", **BODY))
    assert made.created == (True,)
    assert made.blocks[0].create == BODY
    assert made.blocks[0].update == {"external_id": "x"}


@pytest.mark.parametrize("missing", list(BODY))
def test_put_of_an_incomplete_body_finds_no_case(missing):
    """Rule D5: otherwise 400 and nothing is saved."""
    body = {name: value for name, value in BODY.items() if name != missing}
    text = "Could not find a case with external_id 'x'"
    assert refusal(put(external_id="x", **body)) == (text, 1, "external_id")


def test_an_upsert_row_of_a_new_case_names_what_is_missing():
    """Rule 5.2.4."""
    text, row, field = refusal(change(Intent.UPSERT, external_id="x", case_name="n"))
    assert text == "case_type, owner_id required for new case x"
    assert (row, field) == (1, "case_type")


# By external id in the URL: rule 5.2.2


def test_put_external_updates_the_case_it_finds():
    """Rule 5.2.2: absent external_id leaves it as it is."""
    made = resolved(put_external("x", case_name="n"), cases=[existing("c", "x")])
    assert made.case_ids == ("c",)
    assert made.blocks[0].update == {"case_name": "n"}


@pytest.mark.parametrize("external_id", [None, "", "x"])
def test_put_external_creates_under_the_id_of_the_url(external_id):
    """Rule 5.2.2: absent, null and (on create) empty mean the URL's value."""
    made = resolved(put_external("x", external_id=external_id, **BODY))
    assert made.created == (True,)
    assert made.blocks[0].update == {"external_id": "x"}


@pytest.mark.parametrize("cases", [[], [existing("c", "x")]])
def test_put_external_with_another_id_renames(cases):
    """Rule 5.2.2: a different body value changes the external id, or becomes it."""
    made = resolved(put_external("x", external_id="y", **BODY), cases=cases)
    assert (made.blocks[0].update or {})["external_id"] == "y"


def test_put_external_may_clear_the_id():
    """Rule 5.2.2: an empty value is a different one once the case exists."""
    made = resolved(put_external("x", external_id=""), cases=[existing("c", "x")])
    assert made.blocks[0].update == {"external_id": ""}


def test_put_external_accepts_the_case_id_it_finds():
    """Rule 5.2.2: only another case_id is refused."""
    made = resolved(put_external("x", case_id="c"), cases=[existing("c", "x")])
    assert made.case_ids == ("c",)


def test_put_external_refuses_another_case_id():
    """Rule 5.2.2: case_id is read-only."""
    text = (
        'The given value of "case_id" does not match the existing value for the case '
        'identified by external_id = "x". "case_id" is read-only and cannot be '
        "modified."
    )
    found = refusal(put_external("x", case_id="d"), cases=[existing("c", "x")])
    assert found == (text, 1, "case_id")


def test_put_external_refuses_a_case_id_for_a_new_case():
    """Rule 5.2.2: no case, but a case_id in the body."""
    text = "You cannot specify case_id when creating a new case"
    assert refusal(put_external("x", case_id="d", **BODY)) == (text, 1, "case_id")


@pytest.mark.parametrize("missing", list(BODY))
def test_put_external_of_a_new_case_needs_its_fields(missing):
    """Rule 5.2.2: no case, and a required field is missing."""
    body = {name: value for name, value in BODY.items() if name != missing}
    text = f"Property {missing} is required."
    assert refusal(put_external("x", **body)) == (text, 1, missing)


def test_put_external_lists_every_case_of_an_ambiguous_id():
    """Rule 4.3: the one opened first stands first."""
    cases = [existing("a", "x", opened_on="2"), existing("b", "x", opened_on="1")]
    text = "Multiple cases found with external_id 'x': b, a"
    assert refusal(put_external("x"), cases=cases) == (text, 1, "external_id")


# What must be looked up


def test_every_id_that_selects_is_wanted():
    """Rules 5.2 and 5.3: selectors and external ids of indices; not what creates."""
    found = wanted(
        [
            create(external_id="no", indices={"p": to(external_id="i")}),
            update(case_id="c", indices={"p": to(case_id="no")}),
            update(external_id="u"),
            upsert("up"),
            put(external_id="pe"),
            put(case_id="pc"),
            put_external("sel"),
            update(case_id="c2", external_id=""),
        ]
    )
    assert found.case_ids == {"c", "pc", "c2"}
    assert found.external_ids == {"i", "u", "up", "pe", "sel"}


def test_missing_fields_come_in_order():
    """Rule 5.1: required on create; an empty text is there."""
    assert missing_fields(update()) == ("case_type", "case_name", "owner_id")
    assert missing_fields(update(case_name="", owner_id="o")) == ("case_type",)
