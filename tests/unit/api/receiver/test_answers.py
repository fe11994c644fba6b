"""Answers to devices (``rules/submission.md`` 1.5 and 1.6)."""

from __future__ import annotations

import pytest

from api.receiver.answers import (
    answer_ignored,
    answer_receipt,
    head_headers,
    header_safe,
    headers,
)
from ledger.entry import Kind, Receipt
from ledger.forms.check import check_response

SAVED = "   √   "
DUPLICATE = "Form is a duplicate of another! (f1)"
PROBLEM = "IllegalCaseId: case_id must not be empty"

OUTCOMES = [
    # kind, resubmitted, problem, older versions, version 3.0
    (
        (Kind.NORMAL, False, None),
        (201, "submit_success", SAVED),
        (201, "submit_success", SAVED),
    ),
    (
        (Kind.DUPLICATE, False, DUPLICATE),
        (201, "submit_error", DUPLICATE),
        (201, "submit_success", SAVED),
    ),
    (
        (Kind.ERROR, True, PROBLEM),
        (201, "submit_error", DUPLICATE),
        (422, "processing_failure", PROBLEM),
    ),
    (
        (Kind.ERROR, False, PROBLEM),
        (201, "submit_error", PROBLEM),
        (422, "processing_failure", PROBLEM),
    ),
    (
        (Kind.SUBMISSION_ERROR, False, "Invalid XML: no"),
        (422, "processing_failure", "There was an error processing the form: "),
        (422, "processing_failure", "There was an error processing the form: "),
    ),
    (
        (Kind.DEVICE_LOG, False, None),
        (201, "submit_success", SAVED),
        (201, "submit_success", SAVED),
    ),
]


def a_receipt(kind: Kind, *, resubmitted: bool = False, problem: str | None = None):
    return Receipt(form_id="f1", kind=kind, resubmitted=resubmitted, problem=problem)


@pytest.mark.parametrize("version", [None, "1.0", "2.0", "2.1", "3.1", "3"])
@pytest.mark.parametrize(("outcome", "older", "_strict"), OUTCOMES)
def test_older_versions_get_201_for_whatever_was_kept(outcome, older, _strict, version):
    """Rules 1.6.1 and 1.4.1: exactly 3.0 is strict."""
    kind, resubmitted, problem = outcome
    receipt = a_receipt(kind, resubmitted=resubmitted, problem=problem)
    answer = answer_receipt(receipt, version=version)
    assert (answer.status, answer.nature) == older[:2]
    assert answer.text.startswith(older[2])


@pytest.mark.parametrize(("outcome", "_older", "strict"), OUTCOMES)
def test_version_3_gets_422_for_content_at_fault(outcome, _older, strict):
    """Rule 1.6.1."""
    kind, resubmitted, problem = outcome
    receipt = a_receipt(kind, resubmitted=resubmitted, problem=problem)
    answer = answer_receipt(receipt, version="3.0")
    assert (answer.status, answer.nature) == strict[:2]
    assert answer.text.startswith(strict[2])


def test_a_body_that_is_no_form_tells_the_problem():
    """Rule 1.6.3."""
    receipt = a_receipt(Kind.SUBMISSION_ERROR, problem="Invalid XML: no")
    answer = answer_receipt(receipt, version=None)
    assert answer.text == "There was an error processing the form: Invalid XML: no"


def test_the_document_is_the_one_of_the_protocol():
    """Rule 1.5.1: no declaration, UTF-8, three blanks around the mark."""
    body = answer_receipt(a_receipt(Kind.NORMAL), version=None).body
    assert body.decode() == (
        '<OpenRosaResponse xmlns="http://openrosa.org/http/response">'
        '<message nature="submit_success">   √   </message></OpenRosaResponse>'
    )
    assert check_response(body) == ()


def test_the_web_client_is_told_in_words():
    """Rule 1.5.4."""
    receipt = a_receipt(Kind.NORMAL)
    answer = answer_receipt(receipt, version="3.0", device_id="WebAppsLogin*amina")
    assert answer.text == "Form successfully saved!"
    assert answer_receipt(receipt, version="3.0", device_id="D-1").text == SAVED


def test_the_id_under_which_a_form_is_stored_is_a_header():
    """Rules 1.5.3 and 1.6.4: a device log is not stored as a form."""
    stored = answer_receipt(a_receipt(Kind.DUPLICATE, problem="x"), version=None)
    assert stored.headers == {"X-CommCareHQ-FormID": "f1"}
    assert answer_receipt(a_receipt(Kind.DEVICE_LOG), version=None).headers == {}
    assert answer_ignored().headers == {}


def test_an_ignored_submission_is_a_success():
    """Rule 1.3.6."""
    answer = answer_ignored()
    assert (answer.status, answer.nature) == (201, "submit_success")
    assert answer.text == "√ (this submission was ignored)"


@pytest.mark.parametrize("version", [None, "3.0"])
@pytest.mark.parametrize("kind", [Kind.NORMAL, Kind.DUPLICATE])
def test_what_a_sender_should_know_is_in_every_answer(version, kind):
    """Rule 1.6.2: that a form was deleted also stands beside the sign of success."""
    notice = "It was deleted."
    problem = f"{DUPLICATE} {notice}" if kind is Kind.DUPLICATE else None
    receipt = Receipt(form_id="f1", kind=kind, problem=problem, notice=notice)
    answer = answer_receipt(receipt, version=version)
    assert (answer.status, notice in answer.text) == (201, True)


@pytest.mark.parametrize("version", [None, "3.0"])
@pytest.mark.parametrize(("kind", "_", "problem"), [o[0] for o in OUTCOMES])
def test_a_file_that_is_not_kept_is_named_whatever_becomes_of_the_form(
    version, kind, _, problem
):
    """Rule 1.3.5: the verdict stays what it is."""
    receipt = a_receipt(kind, problem=problem)
    plain = answer_receipt(receipt, version=version)
    told = answer_receipt(receipt, version=version, notice="not kept: a.exe")
    assert (told.status, told.nature) == (plain.status, plain.nature)
    assert told.text == f"{plain.text.rstrip()} not kept: a.exe"


def test_headers_are_correct_and_the_odd_one_is_there():
    """Rules 1.5.2 and D-e."""
    assert headers("https://ledger.example.org") == {
        "Location": "https://ledger.example.org",
        "X-OpenRosa-Version": "1.0",
        "HTTP_X_OPENROSA_VERSION": "1.0",
    }


def test_a_head_says_how_large_a_form_may_be():
    """Rule D-a."""
    found = head_headers("https://h/ledger/a/d%C3%A9/receiver?a=%20b")
    assert found["X-OpenRosa-Accept-Content-Length"] == "10485760"
    assert found["Location"] == "https://h/ledger/a/d%C3%A9/receiver?a=%20b"
    assert head_headers("http://h/é\n")["Location"] == "http://h/%C3%A9%0A"


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("uuid:9d1c-2f60", "uuid:9d1c-2f60"),
        ("a b", "a b"),
        ("a\r\nX-Evil: 1", "a%0D%0AX-Evil: 1"),
        ("é\ud800%", "%C3%A9?%25"),
    ],
)
def test_a_form_id_cannot_break_out_of_its_header(text, header):
    """Rule 1.5.3: form ids are used verbatim, so they may hold a line break."""
    assert header_safe(text) == header
    receipt = Receipt(form_id=text, kind=Kind.NORMAL)
    sent = answer_receipt(receipt, version=None).headers["X-CommCareHQ-FormID"]
    assert sent == header


def test_a_problem_may_hold_any_character():
    """Rule 1.5.5: whatever a form made the problem say, the answer is XML."""
    receipt = a_receipt(Kind.ERROR, problem="\x00\ud800<b>&" + "x" * 100_000)
    body = answer_receipt(receipt, version=None).body
    assert check_response(body) == ()
    assert len(body) < 10_000
