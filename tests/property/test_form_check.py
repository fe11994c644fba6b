"""A check refuses what the ledger refuses, and warns of what it ignores."""

from __future__ import annotations

import os
import re
from itertools import count
from xml.sax.saxutils import escape, quoteattr

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.cli.form_trial import Trial
from ledger.cases.case import FoldKey
from ledger.entry import Attachment, Kind
from ledger.errors import Rejected
from ledger.forms.check import MOST, Finding, Weight, check_form
from ledger.forms.form import CASE_API_XMLNS, Form
from ledger.forms.form_xml import parse_form
from ledger.forms.places import place_of
from ledger.forms.xml import local_name, parse_xml, to_bytes
from ledger.times import format_micros
from projections.rule.fold import Stamp, apply_form, blocks_by_case
from tests.kit import build, strategies

EXAMPLES = {"ci": 25, "dev": 100, "nightly": 1000}[
    os.environ.get("CASELEDGER_TEST_PROFILE", "ci")
]
LONG = "x" * 256
VALUES = ("case_type", "case_name", "owner_id", "date_opened", "hq_user_id", "name")
OTHERS = ("user_id", "case_id", "date_modified", "p", "case", "update")
_DOMAINS = count(1)
ACTIONS = ("create", "update", "index", "attachment", "close", "odd", "referral")

_TEXTS = st.sampled_from(("", " ", "t", "c1", "2024-03-05", "2024-02-30", "soon", LONG))
_ATTRIBUTES = st.dictionaries(
    st.sampled_from(("case_type", "relationship", "src", "from", "a")),
    st.sampled_from(("", "t", "child", "sibling", "a.jpg")),
    max_size=2,
)


def _element(name: str, attributes: dict[str, str | None], inside: str) -> str:
    given = {n: v for n, v in attributes.items() if v is not None}
    told = "".join(f" {name}={quoteattr(value)}" for name, value in given.items())
    return f"<{name}{told}>{inside}</{name}>"


_VALUE = st.builds(
    lambda name, attributes, text, deeper: _element(
        name, attributes, escape(text) + deeper
    ),
    st.sampled_from((*VALUES, *OTHERS)),
    _ATTRIBUTES,
    _TEXTS,
    st.sampled_from(("", "", "", "<b>1</b>")),
)
_ACTION = st.builds(
    lambda name, values, loose: _element(name, {}, "".join(values) + loose),
    st.sampled_from((*ACTIONS[:5] * 4, *ACTIONS)),
    st.lists(_VALUE, max_size=4),
    st.sampled_from(("", "", "loose")),
)
_BLOCK = st.builds(
    lambda attributes, actions: _element("case", attributes, "".join(actions)),
    st.fixed_dictionaries(
        {
            "xmlns": st.sampled_from((build.CASE,) * 8 + ("", "urn:x")),
            "case_id": st.sampled_from(("c1", "c2", "c3", "c1", "c2", None, "", LONG)),
            "date_modified": st.sampled_from((None, "", "2024-03-05", "1999", "soon")),
            "user_id": st.sampled_from((None, "", "u")),
            "odd": st.sampled_from((None, None, None, "1")),
        }
    ),
    st.lists(_ACTION, max_size=4),
)
_FORM = st.builds(
    lambda blocks, xmlns, form_id: build.a_form(blocks, xmlns=xmlns, form_id=form_id),
    st.lists(_BLOCK, max_size=4),
    st.sampled_from(("urn:f", "urn:f", "urn:f", CASE_API_XMLNS)),
    st.sampled_from(("f1", "f1", "f1", LONG)),
)


@settings(max_examples=EXAMPLES * 10)
@given(body=_FORM)
def test_a_check_refuses_what_the_reader_and_the_fold_refuse(body):
    """No more and no less, and their problem is among those that are told."""
    found = check_form(body).findings
    problem = problem_of(body)
    told = {finding.text for finding in found if finding.weight is Weight.REFUSED}
    assert (problem is not None) == bool(told)
    assert problem is None or problem in told or len(told) >= MOST


@settings(max_examples=EXAMPLES * 10)
@given(body=_FORM)
def test_what_a_warning_is_about_is_ignored(body):
    """Say something else there, and the form does the same to its cases."""
    checked = check_form(body)
    if checked.form is None or problem_of(body) is not None:
        return
    for finding in checked.findings:
        other = otherwise(body, finding)
        assert states_of(other) == states_of(body), finding


@settings(
    max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    described=st.lists(
        st.one_of(
            strategies.forms(),
            strategies.forms(form_id="f1"),
            strategies.forms(form_id="f2"),
        ),
        min_size=1,
        max_size=6,
    ),
    repeats=st.booleans(),
)
def test_a_trial_says_of_forms_what_becomes_of_them(store, described, repeats):
    """Several files are tried as if they came one after the other."""
    domain = f"d{next(_DOMAINS)}"
    build.a_domain(store, domain)
    files = ("a.jpg",)
    bodies = [strategies.body_of(form, domain) for form in described]
    bodies += bodies[:2] if repeats else []
    before = build.dump(store, domain)
    trial = Trial(store, domain, files)
    tried = [trial.findings(body, check_form(body)) for body in bodies]
    trial.close()
    assert build.dump(store, domain) == before
    for body, said in zip(bodies, tried, strict=True):
        uploads = [build.a_file(name) for name in files]
        receipt = build.submit(store, body, domain=domain, attachments=uploads)
        findings = (*check_form(body).findings, *said)
        refused = [f.text for f in findings if f.weight is Weight.REFUSED]
        assert bool(refused) == (receipt.kind is Kind.ERROR)
        assert receipt.kind is not Kind.ERROR or any(
            without_ids(text) == without_ids(receipt.problem) for text in refused
        )
        warned = [f for f in said if f.weight is Weight.WARNING]
        expected = receipt.kind in {Kind.DUPLICATE, Kind.EDIT} or (
            receipt.kind is Kind.NORMAL and receipt.form_id != said_id(body)
        )
        assert bool(warned) == expected


def without_ids(text: str) -> str:
    """Return a text without the ids that the server makes."""
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", text)


def said_id(body: bytes) -> str | None:
    """Return the id that a form says is its own."""
    return parse_form(body).form_id


def problem_of(body: bytes) -> str | None:
    """Return why a form is refused in an empty domain that asks nothing of indices."""
    form = parse_form(body)
    if form.rejection is not None:
        return form.rejection.problem
    try:
        states_of(body)
    except Rejected as rejected:
        return rejected.problem
    return None


def states_of(body: bytes) -> dict[str, object]:
    """Return the cases that a form alone makes; every file came that it names."""
    form = parse_form(body)
    stamp = Stamp(
        domain=build.DOMAIN,
        form_id="f1",
        position=1,
        appended_on=build.NOW,
        key=FoldKey(received_on=build.NOW, position=1),
        received_on=format_micros(build.NOW),
        attachments=_Everything(form),
    )
    return {
        case_id: apply_form(None, blocks, form, stamp)[0]
        for case_id, blocks in blocks_by_case(form).items()
    }


class _Everything(dict[str, Attachment]):
    """Every attachment that a form names."""

    def __init__(self, form: Form) -> None:
        """Make one for each name."""
        names = {a.src for block in form.blocks for a in block.attachments}
        found = Attachment(name="a", content_type="image/png", sha256="0", length=1)
        super().__init__(dict.fromkeys(names, found))


def otherwise(body: bytes, finding: Finding) -> bytes:
    """Return a form that says something else, or nothing, at a place."""
    root = parse_xml(body)
    elements = {place_of(element).path: element for element in root.iter()}
    path, _, attribute = finding.place.path.partition("/@")
    element = elements[path]
    parent = element.getparent()
    if attribute:
        element.set(attribute, "something else")
    elif finding.text.startswith("text"):
        for part in element:
            part.tail = "something else"
    elif "children" in finding.text or finding.text.startswith("no element"):
        for part in element:
            part.text = "something else"
    elif parent is not None and local_name(parent) in {"create", "update"}:
        element.text = "something else"
    elif parent is not None:
        parent.remove(element)
    return to_bytes(root)
