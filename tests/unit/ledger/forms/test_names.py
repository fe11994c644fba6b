"""Names and texts that XML can carry (``rules/case-api-v2.md`` 5.4 and 5.7)."""

from __future__ import annotations

import pytest
from lxml import etree

from ledger.forms.names import MAX_TEXT_BYTES, is_legal, is_name, is_too_long, printable

GOOD = ("_a", "a-b", "a.b", "é", "名", "XMLfoo", "a·", "a1", "Xml", "a\u0301", "𞤀𞤣")
BAD = ("1a", "a b", "-a", ".a", "a:b", "a@", "😀", "a😀", "", " ", "xmlfoo", "xml")
MARKUP = ('a x="1"', "a\n", "\na", "a/", "a><b", "a\x00", "a\ud800", "\xd7", "\u037e")


@pytest.mark.parametrize("name", GOOD)
def test_a_valid_xml_name_may_name_a_property(name):
    """Rule 5.4.2: an element of that name can be written and read."""
    assert is_name(name)
    assert (
        etree.fromstring(etree.tostring(etree.Element(name), encoding="utf-8")).tag
        == name
    )


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_xml_name_may_not(name):
    """Rule 5.4.2: these fail."""
    assert not is_name(name)


@pytest.mark.parametrize("name", MARKUP)
def test_markup_does_not_slip_through(name):
    """Rules 5.4.2 and 9.12."""
    assert not is_name(name)


def test_every_name_of_one_character_can_be_written():
    """Rule 5.4.2: whatever passes is a name to the XML library too."""
    for code in range(0x110000):
        if is_name(chr(code)):
            etree.Element(chr(code))


def test_a_name_too_long_for_the_parser_is_no_name():
    """Rule 5.4.2: the parser stops at 50,000 bytes, so no name gets near."""
    assert is_name("a" * 10_000)
    assert not is_name("a" * 10_001)


@pytest.mark.parametrize("text", ["\t\n\r", "\x7f\x85", "\ud7ff\ue000\ufffd", "😀", ""])
def test_legal_text_is_legal(text):
    """Rule 5.4.3: any character of XML 1.0."""
    assert is_legal(text)


@pytest.mark.parametrize(
    "char",
    ["\x00", "\x08", "\x0b", "\x0c", "\x0e", "\x1f", "\ufffe", "\uffff", "\ud800"],
)
def test_what_xml_cannot_carry_is_found(char):
    """Rule 5.4.4: the characters that must be refused."""
    assert not is_legal(f"a{char}b")


def test_length_counts_bytes():
    """Rule 5.4.4: what the XML parser would refuse is known before."""
    half = MAX_TEXT_BYTES // 2
    assert not is_too_long("é" * half)
    assert is_too_long("é" * half + "a")
    assert is_too_long("\ud800" * half)


def test_a_message_is_always_encodable():
    """Rule 5.7.1: the error text itself must be encodable."""
    shown = printable("a\x00b\x1fc\ud800d\uffffé")
    assert shown == "a\\x00b\\x1fc\\ud800d\\uffffé"
    assert shown.encode()


def test_a_huge_text_is_cut_in_a_message():
    """Rule 5.7: an answer does not repeat megabytes."""
    assert len(printable("a" * 1_000_000)) < 6_000
