"""Forms read without walking their trees are read as by walking (decision 32)."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from bench.xforms import create_form, visit_form
from importers.rows.rules.form import Origin, build_record
from ledger.entry import Author
from ledger.errors import Malformed
from ledger.forms.case_block import CaseBlock, IndexUpdate
from ledger.forms.form import CASE_NS, LEDGER_NS, META_NS, Form
from ledger.forms.form_xml import (
    build_form,
    named_case_ids,
    parse_for_fold,
    parse_for_proof,
    parse_form,
    parse_written,
    read_meta,
)
from ledger.forms.plain_form import read_plain_form
from ledger.forms.xml import parse_xml

NOW = "2024-03-05T07:14:00.000000Z"
AUTHOR = Author(user_id="u", username="n", device_id="d")
CHARS = "ab \t\n\r&<>\"'é🤰\x85\ufffd"
texts = st.text(CHARS) | st.sampled_from(["", " ", "\n ", "]]>", "&amp;", "x < y > z"])
ids = st.text(CHARS, min_size=1).filter(lambda text: text.strip())
names = st.sampled_from(
    ["p", "q_1", "case", "update", "meta", "case_type", "owner_id", "close", "x.y-z"]
)
values = st.dictionaries(names, texts, max_size=4)
indices = st.lists(
    st.builds(
        IndexUpdate,
        name=names,
        case_id=texts,
        case_type=texts,
        relationship=st.sampled_from(["child", "extension", "child", "other"]),
    ),
    max_size=2,
).map(tuple)
blocks = st.builds(
    CaseBlock,
    case_id=ids | st.just("") | st.just("x" * 256),
    user_id=st.none() | texts,
    date_modified=st.sampled_from([None, NOW, "2024-03-05", "2024-03-05T07:14:00+02"]),
    create=st.none() | values,
    update=st.none() | values,
    indices=indices,
    close=st.booleans(),
    attachments=st.just(()),
)


def as_tree(body: bytes) -> Form | None:
    try:
        return parse_for_proof(body)._replace(meta=read_meta(parse_xml(body)))
    except Malformed:
        return None


def is_read_alike(body: bytes) -> bool:
    """Read bytes; tell whether they were plain. What is plain must be read alike."""
    tree = as_tree(body)
    if tree is None or read_plain_form(body) is None:
        return False
    assert parse_form(body) == parse_written(body) == tree
    for ours, theirs in zip(tree.blocks, parse_written(body).blocks, strict=True):
        assert list(ours.create or ()) == list(theirs.create or ())
        assert list(ours.update or ()) == list(theirs.update or ())
    light = parse_for_fold(body)
    assert light == parse_for_proof(body)
    assert named_case_ids(body) == sorted({block.case_id for block in tree.blocks})
    return True


@given(st.lists(blocks, max_size=3), ids, texts)
def test_what_the_server_writes_is_read_alike(some, form_id, told):
    """Whatever it says, in plain words or not."""
    author = Author(user_id=told, username=told, device_id=told)
    is_read_alike(build_form(some, form_id=form_id, author=author, now=NOW))
    origin = Origin(
        api="a", domain="d", job_id="j", file=told, xmlns="urn:r", author=author
    )
    is_read_alike(build_record(some, origin, number=1, head={"q": told}, now=NOW))


def a_block(**said) -> CaseBlock:
    return CaseBlock(case_id="c", date_modified=NOW, user_id="u", **said)


LINK = IndexUpdate(name="p", case_id="d", case_type="t", relationship="extension")
FULL = build_form(
    [
        a_block(create={"case_type": "t & u", "date_opened": NOW}, update={"a": "é"}),
        a_block(update={"a": "1", "b": ""}, indices=(LINK,), close=True),
        CaseBlock(case_id="e", close=True),
    ],
    form_id="f",
    author=AUTHOR,
    now=NOW,
)
PLAIN = (FULL, create_form(3, 100), visit_form(3, 4))


def test_the_usual_forms_are_plain():
    """Otherwise nothing here would prove anything."""
    assert all(map(is_read_alike, PLAIN))
    crowd = [a_block(update={"a": str(n)}, close=n % 2 == 0) for n in range(50)]
    assert is_read_alike(build_form(crowd, form_id="f", author=AUTHOR, now=NOW))


PIECES = st.sampled_from(
    [
        *"<>/&\"'= ;\r\n\t\x00",
        *("&amp;", "&#13;", "&#0;", "&nbsp;", "]]>", "<!-- -->", "<![CDATA[x]]>"),
        *("<a>", "</a>", "<a/>", "<a>1</a>", "<b>1</b>", "<x y='1'>", "</case>"),
        *("<case>", "<case case_id='x'/>", "<update>", "</update>", "<update/>"),
        *("<close/>", "<close></close>", "<referral/>", "<index>", "</index>"),
        *("<create>", "</create>", "<case_id>x</case_id>", "<orx:a>", "</orx:meta>"),
        *("xmlns=''", " xmlns='urn:q'", " xmlns:n='urn:q'", " relationship='no'"),
        *(' case_id="d"', ' version="2"', ' id="i"', ' relationship="child"'),
        *(f'<meta xmlns="{META_NS}">', "</meta>", "<instanceID>9</instanceID>"),
        *(f'<balance xmlns="{LEDGER_NS}" entity-id="z"/>', LEDGER_NS, CASE_NS),
        *("<!DOCTYPE a>", "<?xml version='1.0' encoding='utf-16'?>", "<?p?>", "\ufeff"),
        *("\ufffe", "\uffff", "\ud800", "\x0b", "xml", ":", "é", "http://www.w3.org/"),
    ]
).map(lambda piece: piece.encode("utf-8", "surrogatepass"))
edits = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 12), PIECES | st.binary(max_size=2)),
    min_size=1,
    max_size=4,
)


@given(st.sampled_from(PLAIN), edits)
@example(FULL, [(0.5, 0, b"")])
def test_what_was_plain_once_is_read_alike(body, changes):
    """Or it is left to the parser of XML; nothing is taken that it refuses."""
    for where, length, piece in changes:
        start = int(where * len(body))
        body = body[:start] + piece + body[start + length :]
    is_read_alike(body)


SPLITS = [body.replace(b">", b">\x01").replace(b"<", b"\x01<") for body in PLAIN]
PARTS = [[part for part in body.split(b"\x01") if part] for body in SPLITS]


@given(st.sampled_from(PARTS), st.data())
def test_tags_that_moved_are_read_alike(parts, data):
    """Tags and texts that are doubled, dropped, exchanged or put among others."""
    parts = list(parts)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(parts) - 1))
        others = st.sampled_from(parts).map(lambda part: [part])
        new = data.draw(st.just([]) | others | PIECES.map(lambda piece: [piece]))
        parts[place : place + data.draw(st.integers(0, 2))] = new
        if not parts:
            return
    is_read_alike(b"".join(parts))
