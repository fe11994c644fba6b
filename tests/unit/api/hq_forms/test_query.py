"""What a query string asks of HQ's lists of forms: rules/hq-forms.md 2."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest

from api.hq_forms.query import question_of
from api.wire.hq_query import HqQuery
from api.wire.problems import Problem
from projections.forms.values import FormOrder, FormQuestion, Span
from projections.rule.leaves import LeafTest

NINE, TEN = "2024-03-05T09:00:00", "2024-03-05T10:00:00.000001Z"
AT_NINE, AT_TEN = 1_709_629_200_000_000, 1_709_632_800_000_001
MISSING = {
    "missing": {"field": "server_modified_on", "null_value": True, "existence": True}
}


def asked(*pairs):
    """Return the question that these parameters are."""
    return question_of(HqQuery(urlencode(pairs)))


def of_modified(has, has_not=None, missing=MISSING):
    """Return the query that commcare-export sends for dates of changes."""
    return {
        "filter": {
            "or": [
                {"and": [{"not": missing}, {"range": {"server_modified_on": has}}]},
                {"and": [missing, {"range": {"received_on": has_not or has}}]},
            ]
        }
    }


def inserted(**bounds):
    return {"filter": {"range": {"inserted_at": bounds}}}


@pytest.mark.parametrize(
    ("pairs", "fields"),
    [
        ([], {}),
        ([("xmlns", "http://a")], {"xmlns": "http://a"}),
        ([("xmlns.exact", "http://a")], {"xmlns": "http://a"}),
        ([("xmlns", "b"), ("xmlns.exact", "a")], {"xmlns": "a", "hopeless": True}),
        ([("app_id", "a1")], {"app_id": "a1"}),
        ([("build_id", "b1")], {"hopeless": True}),
        ([("case_id", "c1")], {"case_id": "c1"}),
        (
            [("appVersion", "2.1")],
            {"leaves": (LeafTest("metadata.appVersion", "2.1"),)},
        ),
        (
            [("user_id", "u1")],
            {"leaves": (LeafTest("metadata.userID", "u1", is_exact=True),)},
        ),
        (
            [("form.meta.userID", "u1")],
            {"leaves": (LeafTest("form.meta.userID", "u1"),)},
        ),
        (
            [("received_on_start", NINE), ("received_on_end", TEN)],
            {"received": Span(AT_NINE, AT_TEN)},
        ),
        (
            [("indexed_on_start", NINE), ("server_modified_on_end", TEN)],
            {"indexed": Span(AT_NINE, AT_TEN)},
        ),
        (
            [("server_date_modified_start", NINE), ("indexed_on_start", TEN)],
            {"indexed": Span(AT_TEN)},
        ),
        ([("include_archived", "false")], {"include_archived": True}),
        ([("order_by", "received_on")], {"descending": False}),
        (
            [("order_by", "indexed_on")],
            {"order": FormOrder.INDEXED, "descending": False},
        ),
        (
            [("order_by", "-server_modified_on"), ("order_by", "received_on")],
            {"order": FormOrder.INDEXED},
        ),
        (
            [("_search", inserted(gt=NINE, lt=TEN))],
            {"indexed": Span(AT_NINE + 1, AT_TEN - 1)},
        ),
        ([("_search", inserted(gte=NINE))], {"indexed": Span(AT_NINE)}),
        (
            [("_search", of_modified({"gte": NINE, "lte": TEN}))],
            {"indexed": Span(AT_NINE, AT_TEN)},
        ),
        (
            [("cases__full", "true"), ("format", "json"), ("limit", "5"), ("_", "1")],
            {},
        ),
    ],
)
def test_each_parameter_is_a_condition(pairs, fields):
    """Each row of the table of rule 2.2, the orders of 2.3 and the queries of 2.5."""
    texts = [(n, v if isinstance(v, str) else json.dumps(v)) for n, v in pairs]
    assert asked(*texts) == FormQuestion(**fields)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("colour", "red", "'colour' is not a valid parameter."),
        ("form.", "red", "'form.' is not a valid parameter."),
        ("q", "age:3", "'q' is not a valid parameter."),
        ("received_on_start", "soon", "Cannot parse datetime 'soon'"),
        ("order_by", "size", "No matching 'size' field for ordering on."),
        ("order_by", "-domain", "The 'domain' field does not allow ordering."),
        ("case_id", "c\x00", "'case_id' has characters that no value has"),
        *(
            ("_search", text, "The '_search' parameter must be one of the queries")
            for text in (
                *("{", "[]", "null", "{}", '{"filter": 1}', '{"filter": {}}'),
                json.dumps({**inserted(gt=NINE), "size": 1}),
                json.dumps(inserted(eq=NINE)),
                json.dumps(inserted(gt=5)),
                json.dumps(of_modified({"gt": NINE})),
                json.dumps(of_modified({"gte": NINE}, missing={"missing": {}})),
                json.dumps({"filter": {"or": [{"and": []}, {"and": []}]}}),
            )
        ),
        ("_search", json.dumps(inserted(gt="soon")), "Cannot parse datetime 'soon'"),
    ],
)
def test_what_means_nothing_is_refused_by_its_name(name, text, told):
    """A 400 that says what is wrong, and never the unfiltered list."""
    with pytest.raises(Problem) as refused:
        asked((name, text))
    assert refused.value.status == 400
    assert refused.value.text.startswith(told)
