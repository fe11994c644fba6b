"""Why a form is refused, or would be, and where (``rules/case-xml.md`` 2 to 12)."""

from __future__ import annotations

import socket

import pytest

from ledger.forms.check import (
    MOST,
    Finding,
    check_form,
    check_response,
    where_attachment,
    where_case,
    where_id,
    where_index,
)
from ledger.forms.form import CASE_NS, META_NS
from ledger.forms.xml import parse_xml
from tests.kit.build import CASE, XMLNS, a_block, a_create, a_form, an_update

LONG = "x" * 256
TOO_LONG = "Error: Value exceeds allowed length: 255"
PROCESSING = "CaseValueError: Error processing case update: Field:"
NOT_HERE = "may not stand here; it is ignored"
NO_TIME = "this is no time such as 2026-05-01T12:00:00Z; it is ignored"


def told(findings: tuple[Finding, ...]) -> list[tuple[str, str, str]]:
    """Return what is told of a document, without the lines."""
    return [(f.weight.value, f.place.path, f.text) for f in findings]


def findings(*blocks: str, **more) -> list[tuple[str, str, str]]:
    """Return what is told of a form with these blocks."""
    return told(check_form(a_form(blocks, **more)).findings)


def refused(path: str, text: str) -> list[tuple[str, str, str]]:
    return [("refused", path, text)]


def warned(path: str, text: str) -> list[tuple[str, str, str]]:
    return [("warning", path, text)]


@pytest.mark.parametrize(
    "blocks",
    [
        [],
        [a_create(update={"a": "1"}, index={"parent": "c2"}, close=True)],
        [an_update(case="a property", name=LONG, location_id=LONG)],
        [a_block(update={"case_type": ""}), a_block(date_modified="", user_id=None)],
        [a_block(date_modified="2024-03-05 08:00:30.5-05")],
        [a_block(index={"parent": ("", None, None)})],
        [a_block(attach={"photo": {"src": "a.jpg"}, "scan": {"from": "local"}})],
        [a_block(extra="<create/><update><a>1</a></update><update><b/></update>")],
        [a_block(extra='<n:update xmlns:n="urn:n"><n:a n:b="1">x</n:a></n:update>')],
        [a_block(extra="<close>\n</close>")],
        ["<case>a question</case>", "<case><age>3</age></case>"],
    ],
)
def test_a_form_without_a_fault_has_no_finding(blocks):
    """What the rules take and give a meaning is no finding."""
    assert findings(*blocks) == []


@pytest.mark.parametrize(
    ("block", "path", "text"),
    [
        (
            a_block(date_modified="soon"),
            "/data/case/@date_modified",
            "PhoneDateValueError: 'soon'",
        ),
        (
            a_block(date_modified="2024-02-30"),
            "/data/case/@date_modified",
            "PhoneDateValueError: '2024-02-30'",
        ),
        (
            a_block(""),
            "/data/case/@case_id",
            "IllegalCaseId: case_id must not be empty",
        ),
        (a_block(LONG), "/data/case/@case_id", f"{PROCESSING} case_id, {TOO_LONG}"),
        (a_block(xmlns=None), "/data/case", "VersionNotSupported: "),
        (
            a_block(xmlns="urn:x"),
            "/data/case",
            (
                "CaseGenerationException: urn:x not a valid case xmlns. "
                "We don't know how to handle this version."
            ),
        ),
        (
            a_block(extra="<referral/>"),
            "/data/case/referral",
            "UsesReferrals: Sorry, referrals are no longer supported!",
        ),
        (
            a_block(create={"case_type": LONG}),
            "/data/case/create/case_type",
            f"{PROCESSING} type, {TOO_LONG}",
        ),
        (
            a_block(update={"case_name": LONG}),
            "/data/case/update/case_name",
            f"{PROCESSING} name, {TOO_LONG}",
        ),
        (
            a_block(update={"owner_id": LONG}),
            "/data/case/update/owner_id",
            f"{PROCESSING} owner_id, {TOO_LONG}",
        ),
        (
            a_block(update={"hq_user_id": LONG}),
            "/data/case/update/hq_user_id",
            f"{PROCESSING} external_id, {TOO_LONG}",
        ),
        (
            a_block(create={"date_opened": ""}),
            "/data/case/create/date_opened",
            f"{PROCESSING} opened_on, Error: Unable to parse date string ''",
        ),
        (
            a_block(index={"parent": ("c2", None, None)}),
            "/data/case/index/parent",
            "CaseGenerationException: Invalid index, must have a case type attribute.",
        ),
        (
            a_block(index={"parent": ("c2", "t", "sibling")}),
            "/data/case/index/parent",
            f"{PROCESSING} relationship, Error: sibling",
        ),
        (
            a_block(index={LONG: "c2"}),
            f"/data/case/index/{LONG}",
            f"{PROCESSING} index, Error: Name exceeds allowed length: 255",
        ),
        (
            f'<balance xmlns="http://commcarehq.org/ledger/v1" entity-id="{LONG}"/>',
            "/data/balance/@entity-id",
            f"{PROCESSING} case_id, {TOO_LONG}",
        ),
    ],
)
def test_a_rule_that_refuses_a_form_is_told_with_its_place(block, path, text):
    """Rule 12.1: the problem that would be kept, and once only."""
    checked = check_form(a_form([block]))
    assert told(checked.findings) == refused(path, text)
    assert checked.form is not None
    rejection = checked.form.rejection
    assert rejection is None or rejection.problem == text


def test_a_block_that_names_its_case_in_a_child_is_told_both():
    """Rules 4.2 and 4.5: the attribute is missing, and the child does not help."""
    text = "No case_id attribute found in v2 case block, this is a required property."
    assert findings(a_block(None, extra="<case_id>c1</case_id>")) == [
        *refused("/data/case/@case_id", f"CaseGenerationException: {text}"),
        *warned("/data/case/case_id", f"'case_id' {NOT_HERE}"),
    ]


def test_a_form_id_that_is_too_long_is_told_with_its_place():
    """Rule 3.2."""
    text = f"{PROCESSING} instanceID, {TOO_LONG}"
    assert findings(form_id=LONG) == refused("/data/meta/instanceID", text)


def test_every_rule_that_is_broken_is_told():
    """The reader stops at the first; whoever mends a form wants all of them."""
    blocks = [
        a_block("", date_modified="soon"),
        a_block(index={"a": ("x", None, None), "b": ("x", None, None)}),
        a_block(update={"case_type": LONG, "owner_id": LONG}),
    ]
    assert [path for _, path, _ in findings(*blocks)] == [
        "/data/case[1]/@date_modified",
        "/data/case[1]/@case_id",
        "/data/case[2]/index/a",
        "/data/case[2]/index/b",
        "/data/case[3]/update/case_type",
        "/data/case[3]/update/owner_id",
    ]


@pytest.mark.parametrize(
    ("block", "path", "text"),
    [
        (a_block(extra="<odd/>"), "/data/case/odd", f"'odd' {NOT_HERE}"),
        (a_block(extra="loose"), "/data/case", f"text {NOT_HERE}"),
        (
            a_block(extra="<update><a/>loose</update>"),
            "/data/case/update",
            f"text {NOT_HERE}",
        ),
        (a_block(extra="<close>no</close>"), "/data/case/close", f"text {NOT_HERE}"),
        (
            a_block(extra='<create a="1"><case_type>t</case_type></create>'),
            "/data/case/create/@a",
            f"the attribute 'a' {NOT_HERE}",
        ),
        (
            a_block(create={"colour": "red"}),
            "/data/case/create/colour",
            f"'colour' {NOT_HERE}",
        ),
        (
            a_block(update={"user_id": "u"}),
            "/data/case/update/user_id",
            "'user_id' means nothing here; it is ignored",
        ),
        (
            a_block(extra="<update><a><b>1</b></a></update>"),
            "/data/case/update/a",
            "a value is the text in front of its children; they are ignored",
        ),
        (
            a_block(None),
            "/data/case",
            "a case without a case_id is taken for a question and ignored",
        ),
        (
            f'<g><case xmlns="{CASE}" case_id="c1" caseid="c2"/></g>',
            "/data/g/case/@caseid",
            f"the attribute 'caseid' {NOT_HERE}",
        ),
    ],
)
def test_what_is_said_in_vain_is_a_warning(block, path, text):
    """Rules 4.2, 5.3, 5.5, 6.3, 6.6 and D-7: the ledger takes it and ignores it."""
    checked = check_form(a_form([block]))
    assert told(checked.findings) == warned(path, text)
    assert checked.form is not None
    assert checked.form.rejection is None


def test_a_value_that_another_overrides_cannot_refuse_the_form():
    """Rule 6.9: of one name the last value counts."""
    values = f"<case_type>{LONG}</case_type><case_type>t</case_type>"
    found = findings(a_block(extra=f"<create>{values}</create>"))
    text = "the value has more than 255 characters; it is ignored"
    assert found == warned("/data/case/create/case_type[1]", text)


def test_names_mean_nothing_special_in_forms_of_the_case_api():
    """Rule 6.8: there they are properties."""
    block = an_update(user_id="u", case_id="x", hq_user_id=LONG)
    assert findings(block, xmlns="http://commcarehq.org/case_api") == []


@pytest.mark.parametrize(
    ("meta", "path", "text"),
    [
        ("<timeStart>soon</timeStart>", "/data/meta/timeStart", NO_TIME),
        (
            "<username><first/></username><deviceID a='1'/>",
            "/data/meta/deviceID/@a",
            f"the attribute 'a' {NOT_HERE}",
        ),
    ],
)
@pytest.mark.parametrize("xmlns", ["http://openrosa.org/jr/xforms", "urn:x", ""])
def test_what_is_left_out_of_a_meta_block_is_a_warning(meta, path, text, xmlns):
    """Rules 1.1, 3.5 and 3.6: whatever the namespace of the block is."""
    body = (
        f'<data xmlns="urn:f"><meta xmlns="{xmlns}"><instanceID>f1</instanceID>{meta}'
        "</meta></data>"
    )
    assert told(check_form(body.encode()).findings) == warned(path, text)


@pytest.mark.parametrize(
    ("meta", "path"),
    [
        ("", "/data"),
        ("<meta/>", "/data/meta"),
        ("<meta><instanceID> </instanceID></meta>", "/data/meta/instanceID"),
    ],
)
def test_a_form_without_an_id_is_a_warning(meta, path):
    """Rule 3.2: it is taken, and cannot be known again."""
    found = check_form(f'<data xmlns="urn:f">{meta}</data>'.encode()).findings
    text = "without an instanceID the form gets another id each time it comes"
    assert told(found) == warned(path, text)


def test_old_names_of_the_meta_block_are_known():
    """Rules 3.3 and 3.6: uid goes before instanceID, and anything else is kept."""
    old = "<uid>f1</uid><instanceID/><user_id>u</user_id><drift a='1'><x/></drift>"
    body = f'<d xmlns="urn:f"><Meta>{old}</Meta></d>'.encode()
    assert check_form(body).findings == ()
    body = f'<d xmlns="urn:f"><Meta><uid>{LONG}</uid></Meta></d>'.encode()
    text = f"{PROCESSING} instanceID, {TOO_LONG}"
    assert told(check_form(body).findings) == refused("/d/Meta/uid", text)


def test_a_bare_case_block_is_no_form_of_that_case():
    """Rule 4.1: the search begins below the root."""
    [first, second] = check_form(a_block().encode()).findings
    assert first.place.path == "/case"
    assert "no case block" in first.text
    assert "instanceID" in second.text


def test_device_logs_have_no_case_blocks():
    """Rule 4.1."""
    log = "http://code.javarosa.org/devicereport"
    assert findings(a_block(""), xmlns=log) == []
    assert check_form(f'<log xmlns="{log}"/>'.encode()).findings == ()


@pytest.mark.parametrize(
    ("body", "line", "path", "text"),
    [
        (b"no form", 1, "", "Invalid XML: Start tag expected"),
        (b"<a>\n<b></a>", 2, "", "Invalid XML: Opening and ending tag mismatch"),
        (b"<!-- -->\n<!DOCTYPE a><a/>", 2, "", "Invalid XML: DOCTYPE is not allowed"),
        (b"<a>\n\n&x;</a>", 3, "", "Invalid XML: Entity 'x' not defined"),
        (b"\n<a/>", 2, "/a", "Form is missing a required field: XMLNS"),
    ],
)
def test_bytes_that_are_no_form_are_told_with_the_line(body, line, path, text):
    """Rules 2.1, 2.2 and 12.3."""
    checked = check_form(body)
    [found] = checked.findings
    assert found.place == (path, line)
    assert found.text.startswith(text)
    assert (checked.form, checked.problem) == (None, found.text)


def test_a_finding_has_the_line_of_its_element():
    """Findings come in the order of their lines."""
    blocks = [f"\n{a_block('')}", f"\n\n{a_block(extra='<odd/>')}"]
    found = check_form(a_form(blocks)).findings
    assert [f.place.line for f in found] == [2, 4]


def test_a_problem_that_does_not_explain_itself_is_explained():
    """Its text is that of the rule; what it means is told behind it."""
    for block, words in {
        a_block(xmlns=None): "must stand in the namespace",
        a_block(xmlns="urn:x"): "must stand in the namespace",
        a_block(date_modified="soon"): "no time such as",
    }.items():
        [found] = check_form(a_form([block])).findings
        assert found.told.startswith(found.text.strip())
        assert words in found.told


def test_no_more_findings_are_told_than_anybody_reads():
    """Those that refuse the form are never crowded out by warnings."""
    odd, bad = a_block(extra="<odd/>"), a_block("")
    found = check_form(a_form([odd] * 2 * MOST + [bad])).findings
    assert len(found) == MOST + 2
    assert [f.weight.value for f in found].count("refused") == 1
    assert found[-1].text == f"and more than these {MOST}"


@pytest.mark.parametrize(
    "extra",
    [
        "<update>" + "<a>" * 240 + "</a>" * 240 + "</update>",
        (
            '<update><case_type xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
            'xsi:type="no:type" xsi:nil="perhaps">t</case_type></update>'
        ),
        (
            '<html xmlns="http://www.w3.org/1999/xhtml" '
            'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
            'xsi:schemaLocation="urn:x http://127.0.0.1:1/x.xsd"/>'
        ),
        '<update><x:a xmlns:x="http://www.w3.org/1999/xlink"/></update>',
    ],
)
def test_a_document_decides_nothing_about_the_check(extra, monkeypatch):
    """It has nothing loaded, chooses no types, and cannot nest a check too deep."""

    def refuse(*_args, **_more):
        raise AssertionError("somebody opens a connection")

    monkeypatch.setattr(socket, "socket", refuse)
    body = a_form([a_block(extra=extra)])
    assert all(f.weight.value == "warning" for f in check_form(body).findings)


def test_the_place_of_a_verdict_is_found():
    """What only a domain can say names ids, which are looked up in the form."""
    root = parse_xml(
        a_form(
            [
                a_create("c1"),
                a_block("c2", index={"parent": "c1", "host": "c3"}),
                a_block("c2", attach={"photo": {"src": "a.jpg"}}),
            ],
            xmlns=XMLNS,
        )
    )
    assert where_id(root).path == "/data/meta/instanceID"
    assert where_case(root, "c2").path == "/data/case[2]/@case_id"
    assert where_index(root, "c2", "c3").path == "/data/case[2]/index/host"
    assert where_attachment(root, "a.jpg").path == (
        "/data/case[3]/attachment/photo/@src"
    )


RESPONSE = 'xmlns="http://openrosa.org/http/response"'
SUCCESS = '<message nature="submit_success"/>'


@pytest.mark.parametrize(
    ("body", "path", "text"),
    [
        ("<a/>", "/a", "the root must be OpenRosaResponse"),
        (
            f"<OpenRosaResponse {RESPONSE}/>",
            "/OpenRosaResponse",
            "'message' is missing",
        ),
        (
            f"<OpenRosaResponse {RESPONSE}><message>x</message></OpenRosaResponse>",
            "/OpenRosaResponse/message/@nature",
            "the attribute 'nature' is missing",
        ),
        (
            f'<OpenRosaResponse {RESPONSE}><message nature="ok"/></OpenRosaResponse>',
            "/OpenRosaResponse/message/@nature",
            "it must be one of ['submit_success'",
        ),
        (
            f'<OpenRosaResponse {RESPONSE} items="x">{SUCCESS}</OpenRosaResponse>',
            "/OpenRosaResponse/@items",
            "the value cannot stand here",
        ),
        ("<a", "", "Invalid XML: "),
    ],
)
def test_a_response_that_breaks_its_schema_is_told(body, path, text):
    """rules/submission.md 1.5: what a device would not understand."""
    [found] = check_response(body.encode())
    assert (found.weight.value, found.place.path) == ("refused", path)
    assert found.text.startswith(text)


def test_digits_of_other_scripts_are_no_finding():
    """Rule 9.1: times in them are read, in case blocks and in the meta block."""
    digits = {str(n): chr(0x660 + n) for n in range(10)}
    when = "2026-03-01T10:00:00Z".translate(str.maketrans(digits))
    block = f'<case xmlns="{CASE_NS}" case_id="c1" date_modified="{when}"/>'
    meta = f"<instanceID>f</instanceID><timeEnd>{when}</timeEnd>"
    body = f'<data xmlns="urn:f">{block}<meta xmlns="{META_NS}">{meta}</meta></data>'
    assert check_form(body.encode()).findings == ()
