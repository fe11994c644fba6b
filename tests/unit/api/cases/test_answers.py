"""Answers of Case Data API v2 (``rules/case-api-v2.md`` 0, 3, 4.2 and 6)."""

from __future__ import annotations

import json

import pytest

from api.cases.answers import (
    bulk_fetch_response,
    bulk_response,
    decode_case,
    list_response,
    render_case,
    renderer,
    write_response,
)
from api.cases.fields import FieldFilter
from api.cases.wire import BulkFetch
from ledger.cases.case import Case, CaseIndex
from projections.rule.case_row import seen, to_row

OPENED = "2020-03-19T14:31:34.133000Z"
CLOSED = "2020-03-20T14:31:34.133000Z"
ROW = seen(
    to_row(
        Case(
            domain="queens-gambit",
            case_id="c1",
            case_type="patient",
            case_name='Elizabeth "Beth" Harmon\n😀',
            external_id="1",
            owner_id="o1",
            opened_on=OPENED,
            modified_on=CLOSED,
            server_modified_on=CLOSED,
            indexed_on=1_584_628_294_000_001,
            closed=True,
            closed_on=CLOSED,
            properties={"dob": "1948-11-02", "é": ""},
            indices={
                "parent": CaseIndex(
                    case_id="p1", case_type="household", relationship="child"
                ),
                "gone": CaseIndex(case_id="", case_type="x", relationship="child"),
            },
        )
    )
)
WIRE = {
    "domain": "queens-gambit",
    "case_id": "c1",
    "case_type": "patient",
    "case_name": 'Elizabeth "Beth" Harmon\n😀',
    "external_id": "1",
    "owner_id": "o1",
    "date_opened": OPENED,
    "last_modified": CLOSED,
    "server_last_modified": CLOSED,
    "indexed_on": "2020-03-19T14:31:34.000001Z",
    "closed": True,
    "date_closed": CLOSED,
    "properties": {"dob": "1948-11-02", "é": ""},
    "indices": {
        "parent": {
            "case_id": "p1",
            "case_type": "household",
            "relationship": "child",
        }
    },
}
BARE = seen(to_row(Case(domain="d", case_id="c2")))


def test_a_case_has_its_fourteen_keys_in_order():
    """Rule 3.1: exactly these keys; removed indices do not appear."""
    found = json.loads(render_case(ROW))
    assert list(found.items()) == list(WIRE.items())


def test_what_was_never_set_is_null():
    """Rule 3.1: external_id and date_closed; ``{}`` for properties and indices."""
    found = json.loads(render_case(BARE))
    assert found["external_id"] is found["date_closed"] is None
    assert found["closed"] is False
    assert found["properties"] == found["indices"] == {}


def test_a_cleared_external_id_stays_empty():
    """Rule 3.1: ``""`` after being cleared."""
    assert json.loads(render_case(BARE._replace(external_id="")))["external_id"] == ""


@pytest.mark.parametrize("row", [ROW, BARE])
def test_the_decoded_case_is_the_rendered_one(row):
    """Rule 3.1: the same keys from every endpoint."""
    assert decode_case(row) == json.loads(render_case(row))


def test_chosen_fields_are_rendered():
    """Rule 7.1: applied to each case object."""
    chosen = FieldFilter.parse([("fields", "case_id,properties.dob")])
    found = json.loads(renderer(chosen)(ROW))
    assert found == {"case_id": "c1", "properties": {"dob": "1948-11-02"}}
    assert renderer(None)(ROW) == render_case(ROW)


def test_a_write_is_answered_under_both_names_of_the_form():
    """Rule D1: form_id and xform_id with the same value."""
    found = json.loads(write_response("f1", render_case(ROW)))
    assert found == {"form_id": "f1", "xform_id": "f1", "case": WIRE}


def test_a_bulk_is_answered_with_a_case_per_row():
    """Rule 5.3.2."""
    texts = [render_case(ROW), render_case(ROW)]
    found = json.loads(bulk_response("f1", texts))
    assert found == {"form_id": "f1", "xform_id": "f1", "cases": [WIRE, WIRE]}


def test_an_empty_bulk_has_both_ids_null():
    """Rule 5.3.1: both id keys, null allowed."""
    found = json.loads(bulk_response(None, []))
    assert found == {"form_id": None, "xform_id": None, "cases": []}


def test_a_page_says_where_the_next_one_is():
    """Rules 6.2.2 and D12: absent when there is no further page."""
    found = json.loads(list_response(7, [render_case(ROW)], next_url="http://h/?a=é"))
    assert found == {"matching_records": 7, "cases": [WIRE], "next": "http://h/?a=é"}
    assert json.loads(list_response(0, [])) == {"matching_records": 0, "cases": []}


def test_a_bulk_fetch_answers_in_the_order_asked():
    """Rule 4.2.2: all case_ids first, repeats counted again, stubs of two keys."""
    asked = BulkFetch(case_ids=("c1", "no", "c1"), external_ids=("1", "no", "a\ud800"))
    case = render_case(ROW)
    found = bulk_fetch_response(
        asked, by_case_id={"c1": case}, by_external_id={"1": case}
    )
    assert json.loads(found) == {
        "cases": [
            WIRE,
            {"case_id": "no", "error": "not found"},
            WIRE,
            WIRE,
            {"external_id": "no", "error": "not found"},
            {"external_id": "a\ud800", "error": "not found"},
        ],
        "matching_records": 3,
        "missing_records": 3,
    }
