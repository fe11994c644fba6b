"""The one XML parser (``rules/case-xml.md`` 2)."""

from __future__ import annotations

import threading

import pytest
from lxml import etree

from ledger.errors import Malformed
from ledger.forms.xml import (
    local_name,
    namespace,
    own_text,
    parse_xml,
    texts_by_name,
    to_bytes,
    xml_safe,
)

BOMB = b"""<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;">
<!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;"><!ENTITY f "&e;&e;&e;&e;&e;&e;&e;&e;">]>
<a xmlns="x">&f;&f;&f;&f;</a>"""

HOSTILE = {
    "nothing": b"",
    "blanks": b" \n",
    "no XML": b"hello",
    "JSON": b'{"a": 1}',
    "NUL": b'<a xmlns="x">\x00</a>',
    "NUL reference": b'<a xmlns="x">&#0;</a>',
    "control character": b'<a xmlns="x">&#1;</a>',
    "broken UTF-8": b'<a xmlns="x">\xff\xfe\xfd</a>',
    "lone surrogate": b'<a xmlns="x">\xed\xa0\x80</a>',
    "overlong UTF-8": b'<a xmlns="x">\xc0\x80</a>',
    "UTF-16 said, ASCII sent": b'<?xml version="1.0" encoding="utf-16"?><a/>',
    "unknown encoding": b'<?xml version="1.0" encoding="nope"?><a/>',
    "unknown entity": b"<a>&x;</a>",
    "not closed": b"<a><b></a>",
    "two roots": b"<a/><b/>",
    "attribute twice": b'<a b="1" b="2"/>',
    "unbound prefix": b"<x:a/>",
    "10,000 deep": b"<a>" * 10_000 + b"</a>" * 10_000,
    "10,000 deep, not closed": b"<a>" * 10_000,
    "text over 10 MB": b"<a>" + b"x" * 10_500_000 + b"</a>",
    "entity bomb": BOMB,
    "inner entity": b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
    "outer entity": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    "outer DTD": b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd"><a/>',
    "bare DOCTYPE": b"<!DOCTYPE a><a/>",
    "DOCTYPE in UTF-16": '<!DOCTYPE a [<!ENTITY x "y">]><a/>'.encode("utf-16"),
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_not_well_formed_is_malformed(body):
    """Rules 2.2 and 12.3: `Invalid XML: <parser message>`, nothing else."""
    with pytest.raises(Malformed, match=r"^Invalid XML: \S.*$") as caught:
        parse_xml(body)
    message = str(caught.value)
    assert len(message) < 600
    assert message.isprintable()


def test_a_doctype_is_refused_even_when_it_is_harmless():
    """rules/libraries.md 3.1.1: entities would leave holes in the text, unseen."""
    with pytest.raises(Malformed, match="DOCTYPE is not allowed"):
        parse_xml(b"<!DOCTYPE a><a/>")


def test_a_body_over_the_limit_is_malformed_before_it_is_parsed():
    """Rule 2.2: the limit counts bytes."""
    assert parse_xml(b"<a/>", limit=4).tag == "a"
    with pytest.raises(Malformed, match="exceeds 3 bytes"):
        parse_xml(b"<a/>", limit=3)


def test_fifty_megabytes_do_no_harm():
    """Rule 2.2: within the limit they are read, beyond it they are refused."""
    part = b"<b>" + b"x" * 8_300_000 + b"</b>"
    body = b'<a xmlns="urn:f">' + part * 6 + b"</a>"
    assert [len(own_text(child)) for child in parse_xml(body)] == [8_300_000] * 6
    with pytest.raises(Malformed, match="exceeds"):
        parse_xml(body * 2)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_of_every_plane_survives(encoding):
    """Rule 2.5: characters outside the BMP survive, a BOM is no text."""
    body = "<a xmlns='x'>Zoë 🤰🏽 מרים</a>".encode(encoding)
    assert parse_xml(body).text == "Zoë 🤰🏽 מרים"


def test_comments_and_instructions_are_gone_and_text_is_whole():
    """Rule 2.1: comments removed; CDATA is text."""
    root = parse_xml(b"<a>1<!-- no -->2<?no no?>3<![CDATA[<4>]]>5</a>")
    assert own_text(root) == "123<4>5"
    assert len(root) == 0


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"<a/>", ""),
        (b"<a></a>", ""),
        (b"<a>  x </a>", "  x "),
        (b"<a>  </a>", "  "),
        (b"<a b='1'>  </a>", ""),
        (b"<a>\n <b/>\n</a>", ""),
        (b"<a>x<b>y</b>z</a>", "x"),
        ("<a b='1'>\u00a0</a>".encode(), "\u00a0"),
    ],
)
def test_own_text_is_verbatim_and_layout_is_dropped(body, text):
    """Rule 2.4: not trimmed; blanks beside children or attributes dropped."""
    root = parse_xml(body)
    assert own_text(root) == text
    assert texts_by_name([root]) == {"a": text}


def test_the_last_text_of_a_name_wins():
    """Rule D-6: the last value wins."""
    root = parse_xml(b"<r><a>1</a><b/><a>2</a></r>")
    assert texts_by_name(list(root)) == {"a": "2", "b": ""}


def test_names_are_split_from_namespaces():
    """Rule 2.3: only local names matter."""
    root = parse_xml(b"<r xmlns:p='urn:p'><p:a/><b/></r>")
    assert [local_name(child) for child in root] == ["a", "b"]
    assert [namespace(child) for child in root] == ["urn:p", ""]


def test_names_chosen_by_senders_do_not_fill_the_memory():
    """Tags are remembered, but only so many and only short ones."""
    for number in range(25_000):
        element = etree.Element(f"n{number}")
        assert local_name(element) == f"n{number}"
    long = etree.Element("n" * 10_000)
    assert local_name(long) == "n" * 10_000


def test_a_printed_element_reads_back_the_same():
    r"""rules/case-api-v2.md 5.4.3: `\r` is a reference, so it is no newline then."""
    element = etree.Element("a", b="\r\n\t\"'<&>")
    element.text = "\r\n ]]> 🤱 \t"
    body = to_bytes(element)
    assert b"<?xml" not in body
    assert b"\r" not in body
    again = parse_xml(body)
    assert (again.text, again.get("b")) == (element.text, element.get("b"))


def test_unfit_characters_are_replaced():
    """rules/case-api-v2.md 5.4.4: what XML 1.0 cannot carry, lone surrogates too."""
    assert xml_safe("a\x00b\ud800c\ufffe\t\r\nd🤱") == "a\ufffdb\ufffdc\ufffd\t\r\nd🤱"


def test_threads_parse_at_the_same_time():
    """rules/libraries.md 3.1.4: a parser is never shared."""
    bodies = [f"<a xmlns='x'>{number}</a>".encode() for number in range(400)]
    read: dict[bytes, str | None] = {}

    def work(part: list[bytes]) -> None:
        read.update((body, parse_xml(body).text) for body in part)

    threads = [
        threading.Thread(target=work, args=(bodies[part::4],)) for part in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read == {body: str(number) for number, body in enumerate(bodies)}
