"""Whether a form is for the ledger (``rules/submission.md`` 1.1.6, 1.2.6, 1.2.7)."""

from __future__ import annotations

import pytest

from api.receiver.verdict import (
    ANYBODY,
    DEMO_USER,
    Verdict,
    demo_case_ids,
    is_demo,
    judge,
)
from ledger.forms.form_xml import parse_form

V2 = "http://commcarehq.org/case/transaction/v2"
LOG = "http://code.javarosa.org/devicereport"


def a_form(inner: str = "", user_id: str = "demo_user", xmlns: str = "urn:f"):
    meta = f"<meta><userID>{user_id}</userID></meta>"
    return parse_form(f'<data xmlns="{xmlns}">{meta}{inner}</data>'.encode())


OWN, OTHERS, DEVICE_LOG = a_form(), a_form(user_id="u1"), a_form("", "u1", LOG)


def test_a_form_of_the_demo_user_is_fit():
    """Rule 1.2.6: only forms whose meta userID is `demo_user`, or device logs."""
    assert is_demo(OWN)
    assert not is_demo(OTHERS)
    assert is_demo(DEVICE_LOG)


@pytest.mark.parametrize(
    ("attributes", "inner", "fit"),
    [
        ("", "<create><owner_id>demo_user</owner_id></create>", True),
        ('user_id="demo_user"', "<update><a>1</a></update>", True),
        ("", "<create><owner_id>u1</owner_id></create>", False),
        ("", "<update><owner_id>u1</owner_id></update>", False),
        ('user_id="u1"', "<update><a>1</a></update>", False),
    ],
)
def test_it_makes_cases_of_the_demo_user_only(attributes, inner, fit):
    """Rule 1.2.6: and which touch only demo-owned cases."""
    block = f'<case xmlns="{V2}" case_id="c" {attributes}>{inner}</case>'
    assert is_demo(a_form(block)) is fit


def test_the_cases_it_touches_and_points_at_are_looked_at():
    """Rule 1.2.6: those that exist."""
    inner = (
        f'<case xmlns="{V2}" case_id="c"><index><p case_type="t">b</p><q/></index>'
        '</case><balance xmlns="http://commcarehq.org/ledger/v1" entity-id="a"/>'
    )
    assert demo_case_ids(a_form(inner)) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("form", "owners", "practises", "verdict"),
    [
        (OWN, (), False, Verdict.TAKE),
        (OWN, ("demo_user", "demo_user_group_id", ""), False, Verdict.TAKE),
        (OWN, ("demo_user", "u1"), False, Verdict.REFUSE),
        (OWN, ("u1",), True, Verdict.IGNORE),
        (DEVICE_LOG, (), False, Verdict.TAKE),
        (OTHERS, (), False, Verdict.REFUSE),
        (OTHERS, (), True, Verdict.IGNORE),
        (None, (), False, Verdict.REFUSE),
        (None, (), True, Verdict.IGNORE),
    ],
)
def test_without_credentials_only_the_demo_user_is_heard(
    form, owners, practises, verdict
):
    """Rules 1.2.6 and 1.2.7; practice is thanked for and dropped."""
    assert judge(form, DEMO_USER, practises=practises, owners=owners) is verdict


@pytest.mark.parametrize(
    ("form", "practises", "verdict"),
    [
        (OTHERS, False, Verdict.TAKE),
        (OTHERS, True, Verdict.IGNORE),
        (OWN, True, Verdict.TAKE),
        (DEVICE_LOG, True, Verdict.TAKE),
        (None, False, Verdict.TAKE),
        (None, True, Verdict.TAKE),
    ],
)
def test_everybody_else_is_heard_unless_they_practise(form, practises, verdict):
    """Rule 1.1.6; bytes that are no form are kept as an error."""
    assert judge(form, ANYBODY, practises=practises, owners=()) is verdict
