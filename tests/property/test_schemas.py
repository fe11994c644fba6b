"""Both libraries read our schemas alike, so a form that one accepts has no faults.

``form check`` asks libxml2 first, and ``xmlschema``, which can explain, only about
what libxml2 refuses.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest
import xmlschema
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from ledger.forms.form import CASE_NS, META_NS
from ledger.forms.schemas import RESPONSE_NS

EXAMPLES = {"ci": 150, "dev": 600, "nightly": 10_000}[
    os.environ.get("CASELEDGER_TEST_PROFILE", "ci")
]
SCHEMAS = Path(__file__).parents[2] / "schemas"
KINDS = {
    "case-transaction-v2.xsd": (CASE_NS, ("case",)),
    "openrosa-meta.xsd": (META_NS, ("meta", "Meta")),
    "openrosa-response.xsd": (RESPONSE_NS, ("OpenRosaResponse",)),
}
_XML = st.characters(
    codec="utf-8",
    exclude_characters="\x7f\ufffe\uffff",
    exclude_categories=("Cc", "Cs"),
)
_TIMES = st.from_regex(
    r"[0-9]{3,5}(-[0-9]{1,2}(-[0-9]{1,2}([T ][0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]*)?)?"
    r"([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)?)?)?)?",
    fullmatch=True,
)
_LONG = st.builds(
    lambda sign, length: sign * length,
    st.sampled_from(("x", "\u00e9", "\U0001f600", " ", "\n", "1", "\u0663")),
    st.sampled_from((1, 254, 255, 256, 300)),
)
_TEXTS = st.one_of(
    st.sampled_from(("", " ", "\n", "\t", "1", "\u0663", "2024-03-05\n", "a\r1")),
    _TIMES,
    _LONG,
    st.text(_XML, max_size=6),
    st.builds("".join, st.lists(st.one_of(_TIMES, _LONG), max_size=2)),
)
_ATTRIBUTES = st.dictionaries(
    st.sampled_from(
        ("case_id", "date_modified", "user_id", "nature", "src", "from", "odd")
    ),
    _TEXTS,
    max_size=3,
)
_NAMES = st.sampled_from(
    (
        *("create", "update", "index", "attachment", "close", "case_type", "case_name"),
        *("owner_id", "external_id", "date_opened", "case", "p", "any", "deviceID"),
        *("timeStart", "timeEnd", "username", "userID", "instanceID", "message"),
    )
)
_SPACES = st.sampled_from(("own", "own", "own", "", "urn:other"))
_PARTS = st.recursive(
    st.tuples(_NAMES, _SPACES, _ATTRIBUTES, _TEXTS, st.just(())),
    lambda parts: st.tuples(
        _NAMES, _SPACES, _ATTRIBUTES, _TEXTS, st.lists(parts, max_size=3)
    ),
    max_leaves=6,
)


@cache
def _both(name: str) -> tuple[etree.XMLSchema, xmlschema.XMLSchema]:
    path = str(SCHEMAS / name)
    explains = xmlschema.XMLSchema(path, allow="sandbox", base_url=str(SCHEMAS))
    return etree.XMLSchema(etree.parse(path)), explains


def _put(parent, part, namespace):
    name, space, attributes, text, below = part
    where = namespace if space == "own" else space
    element = etree.SubElement(parent, f"{{{where}}}{name}" if where else name)
    _fill(element, attributes, text, below, namespace)


def _fill(element, attributes, text, below, namespace):
    for name, value in attributes.items():
        element.set(name, value)
    element.text = text
    for part in below:
        _put(element, part, namespace)


@pytest.mark.parametrize("name", KINDS)
@settings(max_examples=EXAMPLES)
@given(
    data=st.data(),
    attributes=_ATTRIBUTES,
    text=st.sampled_from(("", "", "", " ", "loose")),
    parts=st.lists(_PARTS, max_size=3),
)
def test_what_one_accepts_has_no_fault_for_the_other(
    name, data, attributes, text, parts
):
    """So no explanation is lost."""
    namespace, roots = KINDS[name]
    root = etree.Element(f"{{{namespace}}}{data.draw(st.sampled_from(roots))}")
    if data.draw(st.integers(0, 4)):
        attributes = {"case_id": "c1", **attributes} if "case" in name else {}
    _fill(root, attributes, text, parts, namespace)
    quick, explains = _both(name)
    if quick.validate(root):
        assert list(explains.iter_errors(root)) == []


@pytest.mark.parametrize("name", KINDS)
def test_a_sound_document_is_accepted_by_both(name):
    """Otherwise the property above would hold for nothing."""
    namespace, (root, *_) = KINDS[name]
    sound = {
        "case": f'<case xmlns="{namespace}" case_id="c" date_modified="2026-05-01">'
        "<create><case_name>A</case_name></create><update><p>1</p></update></case>",
        "meta": f'<meta xmlns="{namespace}"><timeStart>2026-05-01T12:00:00Z</timeStart>'
        "<instanceID>f</instanceID></meta>",
        "OpenRosaResponse": f'<OpenRosaResponse xmlns="{namespace}">'
        '<message nature="submit_success">ok</message></OpenRosaResponse>',
    }[root]
    quick, explains = _both(name)
    assert quick.validate(etree.fromstring(sound))
    assert explains.is_valid(etree.fromstring(sound))
