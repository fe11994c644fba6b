"""A form as JSON (``rules/hq-apis.md`` 3.2 and 3.3)."""

from __future__ import annotations

import pytest

from ledger.forms.form_xml import parse_form
from ledger.forms.xml import parse_xml
from projections.rule.form_json import METADATA, form_json, has_metadata, metadata_json
from tests.kit.build import a_create, a_form

NS = "http://example.org/visit"


def json_of(inside: str, attributes: str = ""):
    """Return what becomes of a root with this inside, its type and xmlns left out."""
    body = f'<data xmlns="{NS}"{attributes}>{inside}</data>'
    found = form_json(parse_xml(body.encode()))
    assert found.pop("#type") == "data"
    assert found.pop("@xmlns") == NS
    return found


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("", {}),
        ("<q>yes</q>", {"q": "yes"}),
        ("<q/>", {"q": ""}),
        ("<q> two  blanks </q>", {"q": " two  blanks "}),
        ('<q a="1">yes</q>', {"q": {"@a": "1", "#text": "yes"}}),
        ('<q a="1"/>', {"q": {"@a": "1"}}),
        ("<g><q>1</q><r>2</r></g>", {"g": {"q": "1", "r": "2"}}),
        ("<g>\n  <q>1</q>\n</g>", {"g": {"q": "1"}}),
        ("<q>1</q><r>2</r><q>3</q>", {"q": ["1", "3"], "r": "2"}),
        ("<q>1</q><q/><q>3</q>", {"q": ["1", "", "3"]}),
        ('<p:q xmlns:p="urn:p">1</p:q>', {"q": {"@xmlns": "urn:p", "#text": "1"}}),
        (
            '<g xmlns="urn:g"><q>1</q></g>',
            {"g": {"@xmlns": "urn:g", "q": "1"}},
        ),
        ("<g>one<q>1</q>two</g>", {"g": {"#text": "onetwo", "q": "1"}}),
        ("<!-- no --><q>1<!-- no -->2</q><?no no?>", {"q": "12"}),
        ('<q p:a="1" xmlns:p="urn:p"/>', {"q": {"@a": "1"}}),
        (
            '<q a="1" p:a="2" xmlns:p="urn:p"/>',
            {"q": {"@a": "1", "@{urn:p}a": "2"}},
        ),
    ],
)
def test_xml_becomes_json(inside, expected):
    """Each row of the table of rule 3.2."""
    assert json_of(inside) == expected


def test_keys_stand_in_document_order():
    """Attributes come before what is inside, each in the order of the document."""
    assert list(json_of("<b/><a/>", ' y="1" x="2"')) == ["@y", "@x", "b", "a"]


def test_the_app_version_of_a_meta_block_is_its_text():
    """Its own xmlns means nothing; that of other elements is told."""
    version = '<appVersion xmlns="http://commcarehq.org/xforms">v7</appVersion>'
    assert json_of(f"<meta>{version}</meta>") == {"meta": {"appVersion": "v7"}}
    told = {"@xmlns": "http://commcarehq.org/xforms", "#text": "v7"}
    assert json_of(f"<other>{version}</other>") == {"other": {"appVersion": told}}


def test_metadata_has_every_key():
    """Rule 3.3: absent values are null, times are canonical."""
    inside = (
        "<meta><deviceID>d1</deviceID><timeStart>2024-03-05T09:14:00+02</timeStart>"
        "<instanceID>i1</instanceID><deprecatedID>i0</deprecatedID></meta>"
    )
    body = f'<data xmlns="{NS}">{inside}</data>'.encode()
    found = metadata_json(parse_form(body).meta)
    assert set(found) == set(METADATA)
    assert {name: text for name, text in found.items() if text is not None} == {
        "deviceID": "d1",
        "instanceID": "i1",
        "deprecatedID": "i0",
        "timeStart": "2024-03-05T07:14:00.000000Z",
    }


def test_a_form_that_is_known_by_its_id_says_its_xmlns():
    """rules/case-xml.md 2.3: what lies in it has no namespace all the same."""
    told = form_json(parse_xml(b'<data id="visit"><q>1</q></data>'))
    assert told == {"#type": "data", "@xmlns": "visit", "@id": "visit", "q": "1"}


def test_a_form_with_a_meta_block_is_known():
    """So that a form without one has no metadata at all."""
    assert has_metadata(form_json(parse_xml(a_form([a_create()]))))
    assert not has_metadata(json_of("<q>meta</q>"))
