"""Documents that are mended before they are parsed (``rules/case-xml.md`` 2.6)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import Malformed
from ledger.forms.mending import mended
from ledger.forms.redaction import mentions
from ledger.forms.xml import own_text, parse_xml

FACE, HANDS = "\U0001f600", "\U0001f64f"


def read(text: str) -> str:
    return own_text(parse_xml(f"<a>{text}</a>".encode()))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("&#55357;&#56832;", FACE),
        ("&#xD83D;&#xDE4F;", HANDS),
        ("&#x00d83d;&#056911;", HANDS),
        ("&#55357;&#56832;&#xD83D;&#xDE4F;", FACE + HANDS),
        ("a&#55357;b", "a\ufffdb"),
        ("&#56832;&#55357;", "\ufffd\ufffd"),
        ("&#55357;&#55357;&#56832;", "\ufffd" + FACE),
        ("&#55357;&#65;&#56832;", "\ufffdA\ufffd"),
        ("&#55000;&#55357;&#57344;", "\ud6d8\ufffd\ue000"),
        ("<![CDATA[&#55357;]]>&#55357;", "&#55357;\ufffd"),
        ("<!-- &#55357; -->&#128646;&#55357;&#56832;", "\U0001f686" + FACE),
    ],
)
def test_halves_are_read_as_the_characters_they_mean(written, meant):
    """Rule 2.6: in texts and attributes, but not where a reference is none."""
    assert read(written) == meant
    if not written.startswith("<!["):
        root = parse_xml(f'<a b="{written.split("-->")[-1]}"/>'.encode())
        assert root.get("b") == meant


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30))
def test_any_text_that_is_written_in_halves_comes_back(text):
    """Rule 2.6: as kXML writes what is beyond the first plane."""
    units = memoryview(text.encode("utf-16-le")).cast("H")
    written = "".join(f"&#{unit};" for unit in units if unit < 0xFFFE)
    assert read(written) == "".join(c for c in text if c not in "\ufffe\uffff")


@given(st.binary(max_size=60), st.sampled_from((b"", b"<![CDATA[", b"<!--", b"<?")))
def test_what_is_mended_is_whole(noise, start):
    """Rule 2.6: to mend twice changes nothing, whatever the bytes are."""
    for body in (noise, start + noise.join((b"&#55357;", b"&#xDE00;"))):
        found = mended(body)
        if found is not None:
            assert mended(found.body) is None


def test_in_wide_encodings_it_is_the_same():
    """Rule 2.6: the mark of the document says how it is encoded."""
    for coding in ("utf-16", "utf-16-be"):
        mark = b"\xfe\xff" if coding.endswith("be") else b""
        body = mark + "<a>&#55357;&#56832;</a>".encode(coding)
        assert own_text(parse_xml(body)) == FACE


def test_nothing_else_is_mended():
    """Rule 2.2: a control character stays what refuses a document."""
    assert mended(b"<a>&#11;&#65;</a>") is None
    with pytest.raises(Malformed):
        parse_xml(b"<a>&#55357;&#11;</a>")


def test_it_is_counted():
    """Rule 2.6: for the note that the log keeps."""
    found = mended(b"<a>&#55357;&#56832;&#55357;&#55357;&#56832;&#56832;</a>")
    assert found is not None
    assert (found.joined, found.replaced) == (2, 2)


def test_an_erasure_finds_what_is_written_in_halves():
    """An id in a document that is no XML."""
    assert mentions(b"<a>case-&#55357;&#56832; is", [f"case-{FACE}"])
