from __future__ import annotations

import orjson
import pytest

from api.wire.dialects import CASE_V2, OPENROSA
from api.wire.problems import (
    InactiveUser,
    InvalidPayload,
    Problem,
    RowProblem,
    case_not_found,
    form_failed,
    from_ledger,
    method_not_allowed,
    several_cases,
    throttled,
    unauthenticated,
)
from ledger.errors import Conflict, Malformed, NotFound


def said(problem: Problem) -> dict:
    return orjson.loads(CASE_V2.render(problem).body)


def test_a_case_that_is_not_there_is_told_in_hqs_words():
    """rules/case-api-v2.md 4.1.1: unknown, deleted, or in another domain."""
    assert said(case_not_found("x1")) == {"error": "Case 'x1' not found"}


def test_every_case_with_an_ambiguous_external_id_is_listed():
    """rules/case-api-v2.md 4.3.1: several."""
    problem = several_cases("e", ["c1", "c2"])
    assert problem.status == 400
    assert problem.text == "Multiple cases found with external_id 'e': c1, c2"


def test_an_unknown_method_is_told_in_hqs_words():
    """rules/case-api-v2.md 1.6: any other method."""
    problem = method_not_allowed(["GET", "PUT"])
    assert (problem.status, problem.text) == (405, "Request method not allowed")
    assert problem.headers == {"Allow": "GET, PUT"}


def test_a_form_that_failed_is_named_under_both_keys():
    """rules/case-api-v2.md 8.5 and D1."""
    assert said(form_failed("InvalidCaseIndex: no", "f1")) == {
        "error": "InvalidCaseIndex: no",
        "form_id": "f1",
        "xform_id": "f1",
    }


def test_a_throttled_answer_has_no_body_and_says_when():
    """rules/case-api-v2.md 2.6: over the request rate."""
    problem = throttled(seconds=3)
    assert (problem.status, problem.empty) == (429, True)
    assert problem.headers == {"Retry-After": "3"}


def test_a_401_gives_no_hint_whether_the_user_exists():
    """rules/case-api-v2.md 2.3: one text for every reason."""
    assert said(unauthenticated()) == said(InactiveUser())


def test_the_rows_of_an_invalid_bulk_are_listed():
    """rules/case-api-v2.md 9.20: row, field and message of each."""
    rows = (
        RowProblem(row=1, field="case_type", message="Property case_type is required."),
        RowProblem(row=3, field=None, message="no object"),
    )
    problem = from_ledger(InvalidPayload("Error in row 1: …", rows))
    assert problem.status == 400
    assert said(problem)["errors"] == [
        {
            "row": 1,
            "field": "case_type",
            "message": "Property case_type is required.",
        },
        {"row": 3, "message": "no object"},
    ]


def test_a_conflict_under_the_lock_names_its_row():
    """rules/case-api-v2.md 5.3.4: look-up errors come without a prefix, with a row."""
    problem = from_ledger(Conflict("No case found with ID 'x'", row=2, field="case_id"))
    assert said(problem) == {
        "error": "No case found with ID 'x'",
        "errors": [
            {"row": 2, "field": "case_id", "message": "No case found with ID 'x'"}
        ],
    }


def test_a_key_that_stands_for_another_request_is_a_409():
    """rules/case-api-v2.md 10.1: a key that was used, or cannot be."""
    error = Conflict("used with another request", field="Idempotency-Key")
    assert from_ledger(error).status == 409


@pytest.mark.parametrize(
    ("error", "status"),
    [(NotFound("nothing"), 404), (Malformed("no form"), 400), (Conflict("c"), 400)],
)
def test_what_the_ledger_refuses_is_a_4xx(error, status):
    """docs/architecture.md, "Errors": problems.from_ledger gives each a status."""
    assert from_ledger(error).status == status


def test_a_text_that_utf_8_cannot_carry_is_escaped():
    """rules/case-api-v2.md 5.7: the error text itself must be encodable."""
    assert said(from_ledger(Conflict("bad \ud800"))) == {"error": "bad \\ud800"}


def test_a_phone_hears_406_where_others_hear_401():
    """rules/submission.md 1.2.5: an inactive mobile worker."""
    assert CASE_V2.render(InactiveUser()).status == 401
    rendered = OPENROSA.render(InactiveUser())
    assert rendered.status == 406
    assert set(orjson.loads(rendered.body)) == {"error", "default_response"}


def test_openrosa_is_told_in_plain_text():
    """rules/submission.md 1.3.4: the texts of refused submissions."""
    rendered = OPENROSA.render(Problem(400, "Post may not have an empty body\n"))
    assert rendered.content_type == "text/plain"
    assert rendered.body == b"Post may not have an empty body\n"
