"""Which case a body means, rows, fetches (``rules/case-api-v2.md`` 4.2, 5.1 to 5.3)."""

from __future__ import annotations

import pytest

from api.cases.wire import (
    BulkFetch,
    parse_bulk_fetch,
    parse_put_external,
    parse_single_update,
)
from ledger.cases.change import CaseChange, Intent
from tests.kit.case_bodies import (
    NEW,
    NEW_ROW,
    body,
    only,
    parse_bulk,
    parse_put,
    problem,
    put_external,
    refusal,
    row_refusal,
    single_update,
)

# Which case


def test_an_update_takes_the_case_of_the_url():
    """Rule 5.2.1: case_id absent, null, empty or the same."""
    for given in ({}, {"case_id": None}, {"case_id": ""}, {"case_id": "c"}):
        assert only(single_update(body(given))).case_id == "c"
    renamed = only(single_update(body({"external_id": ""})))
    assert renamed == CaseChange(intent=Intent.UPDATE, case_id="c", external_id="")


def test_an_update_refuses_another_case_in_the_body():
    """Rules 5.2.1 and 9.5."""
    found = problem(single_update, {"case_id": "d"})
    assert 'The given value of "case_id" does not match' in found.text
    assert found.field == "case_id"


@pytest.mark.parametrize("given", [{}, {"case_id": "", "external_id": ""}])
def test_an_update_needs_a_selector(given):
    """Rule 5.2.3: ``PUT /`` and ``create:false`` rows, neither given."""
    text = "Case updates must provide either a case_id or external_id"
    assert refusal(parse_put, given) == text
    assert row_refusal(given | {"create": False}) == text


def test_put_takes_its_selector_from_the_body():
    """Rule 5.2.3: case_id, else external_id."""
    found = only(parse_put(body({"case_id": "c", "external_id": "x"})))
    assert found == CaseChange(intent=Intent.PUT, case_id="c", external_id="x")
    assert only(parse_put(body({"external_id": "x"}))).case_id is None


def test_put_external_keeps_url_and_body_apart():
    """Rule 5.2.2: the body's external_id may be another."""
    found = only(put_external(body({"external_id": "y", "case_id": "c"})))
    assert (found.selector, found.external_id, found.case_id) == ("x", "y", "c")
    assert only(put_external(b"{}")).external_id is None


def test_put_external_needs_an_external_id():
    """Rule 1.3: an empty id selects nothing."""

    def parse(raw):
        return parse_put_external(raw, external_id="")

    assert "external_id" in refusal(parse, NEW)


@pytest.mark.parametrize("bad", ["a\x00b", "a\ud800", "\uffff"])
def test_an_id_of_the_url_must_be_legal(bad):
    """Rule 5.7: ``%00`` in a path id is a 400 of a PUT."""
    for name, parse in (
        ("case_id", parse_single_update),
        ("external_id", parse_put_external),
    ):

        def bound(raw, parse=parse, name=name):
            return parse(raw, **{name: bad})

        assert refusal(bound, {}).startswith(f"'{name}' contains a character")


# Rows


def test_create_says_what_a_row_does():
    """Rule D4: true, false or null."""
    rows = [
        NEW_ROW,
        {"create": False, "case_id": "c"},
        {"create": False, "external_id": "x"},
        {"create": None, "external_id": "x"},
        {"create": None, "external_id": "x", "case_id": None},
    ]
    found = parse_bulk(body(rows)).changes
    assert [change.intent.value for change in found] == [
        "create",
        "update",
        "update",
        "upsert",
        "upsert",
    ]
    assert [change.row for change in found] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("case_id", [{}, {"case_id": None}, {"case_id": ""}])
def test_an_omitted_create_upserts_by_external_id(case_id):
    """Rule D4: an external_id and no case_id."""
    (found,) = parse_bulk(body([{"external_id": "x"} | case_id])).changes
    assert (found.intent, found.case_id) == (Intent.UPSERT, None)


@pytest.mark.parametrize(
    "row",
    [
        NEW,
        NEW | {"external_id": ""},
        NEW | {"external_id": None},
        {"external_id": "x", "case_id": "c"},
        {},
    ],
)
def test_an_omitted_create_is_refused_otherwise(row):
    """Rule D4."""
    assert row_refusal(row) == "A 'create' flag is required for each update."


@pytest.mark.parametrize(
    ("value", "shown"), [("true", "true"), (1, "1"), (0, "0"), ([], "[]")]
)
def test_create_must_be_true_false_or_null(value, shown):
    """Rule 5.3.3."""
    text = f"'create' must be true, false or null, received '{shown}'"
    assert row_refusal(NEW | {"create": value}) == text


def test_an_upsert_row_is_chosen_by_external_id_alone():
    """Rule 5.1: case_id forbidden, external_id required and not empty."""
    row = {"create": None, "external_id": "x", "case_id": "c"}
    assert "UPSERT does not allow case_id" in row_refusal(row)
    for external_id in ("", None):
        row = NEW | {"create": None, "external_id": external_id}
        assert "UPSERT requires external_id" in row_refusal(row)


@pytest.mark.parametrize(("row", "shown"), [(None, "None"), ("x", "x"), ([], "[]")])
def test_a_row_must_be_an_object(row, shown):
    """Rules 5.3.3 and 9.7."""
    text = f"Each update must be a JSON object, received '{shown}'"
    assert row_refusal(row) == text


def test_a_temporary_id_is_unique_in_its_request():
    """Rule 5.3.3: a ``temporary_id`` that another row has."""
    row = NEW_ROW | {"temporary_id": "t"}
    text = "Error in row 2: temporary_id 't' is used more than once"
    assert refusal(parse_bulk, [row, row]) == text
    empty = NEW_ROW | {"temporary_id": ""}
    assert len(parse_bulk(body([empty, empty])).changes) == 2


def test_every_row_is_validated():
    """Rules 5.3.3 and 9.20."""
    rows = [{}, NEW_ROW, NEW_ROW | {"nope": 1}, {"create": False}]
    found = problem(parse_bulk, rows)
    assert found.text == (
        "Error in row 1: A 'create' flag is required for each update.; "
        "Error in row 3: 'nope' is not a valid field.; "
        "Error in row 4: Case updates must provide either a case_id or external_id"
    )
    assert [(error.row, error.field) for error in found.errors] == [
        (1, "create"),
        (3, "nope"),
        (4, "case_id"),
    ]
    assert (found.row, found.field) == (1, "create")


# Bulk fetch


@pytest.mark.parametrize(
    ("given", "ids"),
    [
        ({"case_ids": ["a", "a", ""]}, (("a", "a", ""), ())),
        ({"case_id": ["a"], "external_id": ["b"]}, (("a",), ("b",))),
        ({"case_ids": ["a"], "case_id": ["b"]}, (("a",), ())),
        ({"case_ids": None, "case_id": ["b"], "more": 1}, (("b",), ())),
        ({"external_ids": ["b"], "case_ids": []}, ((), ("b",))),
    ],
)
def test_a_bulk_fetch_takes_both_spellings(given, ids):
    """Rules D3 and 4.2: the plural wins; order and duplicates kept."""
    asked = BulkFetch(case_ids=ids[0], external_ids=ids[1])
    assert parse_bulk_fetch(body(given)) == asked


@pytest.mark.parametrize(
    "given", [{}, {"case_ids": []}, {"case_ids": [], "case_id": ["a"]}]
)
def test_a_bulk_fetch_needs_an_id(given):
    """Rule 4.2.4: neither list present, or both empty."""
    text = "Payload must include 'case_ids' or 'external_ids' fields"
    assert refusal(parse_bulk_fetch, given) == text


def test_a_bulk_fetch_is_limited():
    """Rule 4.2.4: more than 5000 ids in total."""
    ids = ["a"] * 2500
    whole = {"case_ids": ids, "external_ids": ids}
    assert len(parse_bulk_fetch(body(whole)).case_ids) == 2500
    text = "You cannot request more than 5000 cases per request."
    assert refusal(parse_bulk_fetch, whole | {"case_ids": [*ids, "b"]}) == text


@pytest.mark.parametrize("name", ["case_ids", "external_ids", "case_id", "external_id"])
@pytest.mark.parametrize("value", ["a", {"a": 1}, [1], ["a", None], 5])
def test_ids_must_be_a_list_of_strings(name, value):
    """Rule 4.2.4: list not an array, item not a string."""
    text = f"'{name}' must be a list of strings"
    assert refusal(parse_bulk_fetch, {name: value}) == text


def test_a_bulk_fetch_is_an_object():
    """Rule 4.2.4: body not an object."""
    assert refusal(parse_bulk_fetch, []) == "Payload must be a single JSON object"


def test_an_illegal_id_of_a_bulk_fetch_is_refused():
    """Rule 5.7: also in ids of a bulk fetch."""
    assert "case_ids" in refusal(parse_bulk_fetch, {"case_ids": ["a", "b\x00"]})
