"""What the server writes as text is what lxml would write (docs/decisions/0032)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree

from importers.excel.rules.form import DEVICE_ID, XMLNS, build_chunk
from importers.rows.rules.form import Origin, build_record
from ledger.entry import Author
from ledger.forms.case_block import AttachmentUpdate, CaseBlock, IndexUpdate
from ledger.forms.form import CASE_API_XMLNS
from ledger.forms.form_xml import build_form, parse_form
from ledger.forms.names import is_legal
from ledger.forms.xml import to_bytes
from ledger.forms.xml_text import as_attribute, as_text, is_plain, require_tag
from tests.kit.lxml_forms import SPECIAL, built_by_lxml

NOW = "2024-03-05T07:14:00.000000Z"
SYSTEM = {"version": "1", "uiVersion": "1"}
LAST = 0x110000

CHARS = "ab&<>\"' \t\n\r\x7f\x85\u2028\ufdd0🤰é%s{}"
fit = st.text(st.characters(codec="utf-8")).filter(is_legal) | st.text(CHARS)
fit |= st.sampled_from(["", "]]>", "<b>&amp;", "%s", "%", "\r\n", "100 % <"])
anything = fit | st.text() | st.text(CHARS + "\x00\x0b\ud800\uffff")
good_names = st.text("abcé名", min_size=1, max_size=6)
good_names |= st.sampled_from(["xml", "a-.·", "𞤀"])
names = good_names | st.text(max_size=3)
names |= st.sampled_from(["a:b", "", "1", "a b", "}a", "{u}a", "%s", "a\x00", "\ud800"])


def blocks_of(
    texts: st.SearchStrategy[str], called: st.SearchStrategy[str]
) -> st.SearchStrategy[CaseBlock]:
    """Return blocks of every shape with these texts and names in them."""
    kinds = st.sampled_from(["child", "extension"]) | texts
    index = st.builds(
        IndexUpdate, name=called, case_id=texts, case_type=texts, relationship=kinds
    )
    file = st.builds(AttachmentUpdate, name=called, src=texts, origin=texts)
    return st.builds(
        CaseBlock,
        case_id=texts,
        user_id=st.none() | texts,
        date_modified=st.none() | st.just(NOW) | texts,
        create=st.none() | st.dictionaries(st.sampled_from(SPECIAL) | called, texts),
        update=st.none() | st.dictionaries(st.sampled_from(SPECIAL) | called, texts),
        indices=st.lists(index, max_size=3).map(tuple),
        close=st.booleans(),
        attachments=st.lists(file, max_size=3).map(tuple),
    )


some_blocks = st.lists(blocks_of(fit, good_names), max_size=3)
some_blocks |= st.lists(blocks_of(anything, good_names), max_size=2)
some_blocks |= st.lists(blocks_of(fit, names), max_size=2)
authors = st.builds(Author, user_id=anything, username=anything, device_id=anything)


def outcome(build: Callable[[], object]) -> tuple[str, object]:
    """Return the bytes of a form, or what refused it."""
    try:
        return "", build()
    except ValueError as error:
        return type(error).__name__, str(error)


@given(some_blocks, anything, authors, st.just(NOW) | anything)
@example([CaseBlock(case_id="c")], "f", Author(), NOW)
@example([CaseBlock(case_id="c", create={}, update={})], "", Author(), NOW)
def test_a_form_of_the_server_is_what_lxml_writes(some, form_id, author, now):
    """Byte for byte, or refused with the same error."""
    same = {"form_id": form_id, "author": author, "now": now}
    ours = outcome(partial(build_form, some, **same))
    theirs = partial(
        built_by_lxml, some, **same, xmlns=CASE_API_XMLNS, attributes=SYSTEM
    )
    assert ours == outcome(theirs)


@given(some_blocks, authors)
def test_a_form_of_a_workbook_is_what_lxml_writes(some, author):
    """Blocks without a user stay so."""
    ours = partial(build_chunk, some, form_id="f", author=author, now=NOW)
    device = Author(
        user_id=author.user_id, username=author.username, device_id=DEVICE_ID
    )
    theirs = partial(
        built_by_lxml,
        some,
        form_id="f",
        author=device,
        now=NOW,
        xmlns=XMLNS,
        attributes=SYSTEM,
        completed=False,
    )
    assert outcome(ours) == outcome(theirs)


@given(some_blocks, authors, anything)
def test_a_form_of_a_record_is_what_lxml_writes(some, author, told):
    """With what tells of the record in front."""
    origin = Origin(
        api="api", domain="d", job_id="job", file=told, xmlns="urn:r", author=author
    )
    head = {"control": told}
    ours = partial(build_record, some, origin, number=7, head=head, now=NOW)
    about = {"batch": "job", "file": told, "record": "7"}
    theirs = partial(
        built_by_lxml,
        some,
        form_id=origin.form_id(7),
        author=author,
        now=NOW,
        xmlns="urn:r",
        name="data",
        head={**about, **head},
    )
    assert outcome(ours) == outcome(theirs)


@pytest.mark.parametrize("places", [range(0x800), range(0x800, LAST)])
def test_all_of_unicode_is_written_as_lxml_writes_it(places):
    """Each character, in a text and in an attribute, and what reads it gets it back."""
    text = "".join(char for char in map(chr, places) if is_legal(char))
    element = etree.Element("a", b=text)
    element.text = text
    written = f'<a b="{as_attribute(text)}">{as_text(text)}</a>'.encode()
    assert written == to_bytes(element)
    back = etree.fromstring(written)
    assert (back.text, back.get("b")) == (text, text)


def test_what_xml_cannot_carry_is_refused_as_lxml_refuses_it():
    """Each such character, in a text and in an attribute, in the same words."""
    unfit = [char for char in map(chr, range(LAST)) if not is_legal(char)]
    assert len(unfit) > 2000
    for text in (f"a{char}{char}b" for char in unfit):
        theirs = outcome(partial(setattr, etree.Element("a"), "text", text))
        assert theirs[0]
        assert outcome(partial(as_text, text)) == theirs
        assert outcome(partial(as_attribute, text)) == theirs


def test_what_is_plain_is_written_as_it_stands():
    """No character passes the quick way that would be changed or refused."""
    plain = [char for char in map(chr, range(LAST)) if is_plain(char)]
    assert len(plain) > 100_000
    assert all(map(is_legal, plain))
    text = "".join(plain)
    assert as_text(text) == as_attribute(text) == text


@given(names)
def test_a_name_is_refused_as_lxml_refuses_it(name):
    """In the same words."""
    tag = f"{{urn:x}}{name}"
    made = outcome(partial(etree.Element, tag))
    assert outcome(partial(require_tag, tag))[0] == made[0]
    if made[0]:
        assert outcome(partial(require_tag, tag)) == made


@given(st.lists(anything, min_size=1, max_size=5))
def test_what_is_written_is_read_back(texts):
    """Law 1: parsing gives back what went in, whatever stood in it."""
    update = {f"p{place}": text for place, text in enumerate(texts)}
    made = outcome(
        partial(
            build_form,
            [CaseBlock(case_id="c", update=update)],
            form_id="f",
            author=Author(user_id="u"),
            now=NOW,
        )
    )
    assert bool(made[0]) is not all(map(is_legal, texts))
    if not made[0]:
        assert parse_form(made[1]).blocks == (
            CaseBlock(case_id="c", user_id="u", date_modified=NOW, update=update),
        )
