"""Laws of reading and building forms (docs/architecture.md, "The idea")."""

from __future__ import annotations

import pickle
from string import ascii_letters

from hypothesis import example, given
from hypothesis import strategies as st

from ledger.entry import Author
from ledger.errors import Malformed
from ledger.forms.case_block import AttachmentUpdate, CaseBlock, IndexUpdate
from ledger.forms.form import Form
from ledger.forms.form_xml import build_form, parse_for_fold, parse_form
from projections.rebuild.parsing import from_flat, to_flat

NOW = "2024-03-05T07:14:00.000000Z"
SPECIAL = ("case_type", "case_name", "owner_id", "external_id", "date_opened")
UNFIT = "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x0b\x0c" + "".join(
    map(chr, (*range(0x0E, 0x20), 0xFFFE, 0xFFFF))
)

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=UNFIT))
texts |= st.sampled_from(["\r", "\r\n", "\t", " ", " a ", "]]>", "<b>&amp;", "🤰🏽"])
ids = texts.filter(lambda text: 0 < len(text) <= 255)
names = st.text(ascii_letters + "_é名", min_size=1, max_size=12)
properties = names
instants = st.datetimes().map(lambda when: when.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
instants = instants.map(lambda text: text.rjust(27, "0"))


def index_of(name: str) -> st.SearchStrategy[IndexUpdate]:
    # Blanks alone beside an attribute are layout (rules/case-xml.md 2).
    targets = texts.filter(lambda text: not text or text.strip(" \t\r\n"))
    return st.builds(
        IndexUpdate,
        name=st.just(name),
        case_id=targets,
        case_type=texts,
        relationship=st.sampled_from(["child", "extension"]),
    )


def attachment_of(name: str) -> st.SearchStrategy[AttachmentUpdate]:
    return st.builds(AttachmentUpdate, name=st.just(name), src=texts, origin=texts)


def each(of, most: int = 3):
    found = st.lists(names, unique=True, max_size=most)
    return found.flatmap(lambda some: st.tuples(*map(of, some)))


blocks = st.builds(
    CaseBlock,
    case_id=ids,
    user_id=ids,
    date_modified=instants,
    create=st.none() | st.dictionaries(st.sampled_from(SPECIAL), texts, min_size=1),
    update=st.none()
    | st.dictionaries(st.sampled_from(SPECIAL) | properties, texts, min_size=1),
    indices=each(index_of),
    close=st.booleans(),
    attachments=each(attachment_of),
)


@given(st.lists(blocks, max_size=4), ids, texts)
def test_built_forms_parse_back(some, user_id, device_id):
    """`built_forms_parse_back`: law 1 loses nothing of what a caller wanted."""
    author = Author(user_id=user_id, username=device_id, device_id=device_id)
    form = parse_form(build_form(some, form_id="f" * 32, author=author, now=NOW))
    assert form.blocks == tuple(some)
    assert form.rejection is None
    assert form.form_id == "f" * 32
    assert (form.meta.user_id, form.meta.device_id) == (user_id, device_id)
    assert form.meta.time_start == form.meta.time_end == NOW


def parsed(body: bytes) -> Form | None:
    try:
        return parse_form(body)
    except Malformed as error:
        str(error).encode()
        return None


def for_fold(form: Form | None) -> object:
    if form is None:
        return None
    problem = form.rejection and form.rejection.problem
    ids = (form.form_id, form.xmlns, form.meta.instance_id, form.meta.user_id)
    return ids, form.blocks, form.ledger_case_ids, form.is_device_log, problem


def same_for_the_fold(body: bytes) -> bool:
    try:
        light = parse_for_fold(body)
    except Malformed:
        light = None
    return for_fold(light) == for_fold(parsed(body))


@given(st.lists(blocks, max_size=4), ids, texts)
def test_a_fold_reads_what_everyone_reads(some, user_id, device_id):
    """Law 1: the light parse of a replay differs in nothing that a fold looks at."""
    author = Author(user_id=user_id, username=device_id, device_id=device_id)
    body = build_form(some, form_id="f" * 32, author=author, now=NOW)
    assert same_for_the_fold(body)
    form = parse_for_fold(body)
    sent = from_flat(pickle.loads(pickle.dumps(to_flat(form))))  # noqa: S301
    assert sent.blocks == form.blocks
    assert sent.xmlns == form.xmlns
    assert sent.form_id == form.form_id
    assert sent.meta.user_id == form.meta.user_id
    assert sent.ledger_case_ids == form.ledger_case_ids


@given(st.binary(max_size=400))
@example(b"")
def test_parser_never_raises_anything_else(body):
    """`parser_never_raises_anything_else`, for bytes of any kind."""
    parsed(body)


FORM = build_form(
    [
        CaseBlock(
            case_id="c",
            create={"case_type": "t"},
            update={"a": "é"},
            indices=(
                IndexUpdate(
                    name="p", case_id="d", case_type="t", relationship="extension"
                ),
            ),
            close=True,
            attachments=(AttachmentUpdate(name="x", src="y", origin="local"),),
        )
    ],
    form_id="f",
    author=Author(user_id="u", username="n", device_id="d"),
    now=NOW,
)
PIECES = st.sampled_from(
    (
        b"<",
        b">",
        b"/>",
        b"&",
        b"&#0;",
        b"\x00",
        b"\xff",
        b"]]>",
        b"<case>",
        b"</case>",
        b"<case case_id='x'/>",
        b"<case xmlns='urn:v3' case_id=''/>",
        b"<referral/>",
        b"<meta>",
        b"<!DOCTYPE a>",
        b"<?xml version='1.0' encoding='utf-16'?>",
        b"<!--",
        b"xmlns=''",
        b" relationship='no'",
    )
)
edits = st.lists(
    st.tuples(st.integers(0, len(FORM)), st.integers(0, 30), st.binary(max_size=3))
    | st.tuples(st.integers(0, len(FORM)), st.integers(0, 3), PIECES),
    min_size=1,
    max_size=4,
)


@given(edits)
def test_a_damaged_form_is_read_or_malformed(changes):
    """`parser_never_raises_anything_else`, for what was a form once."""
    body = FORM
    for start, length, piece in changes:
        body = body[:start] + piece + body[start + length :]
    assert same_for_the_fold(body)
    form = parsed(body)
    if form is not None and form.rejection is not None:
        form.rejection.problem.encode()
        assert form.blocks == ()


@given(texts, texts, texts)
def test_any_text_of_a_meta_block_is_read(form_id, when, version):
    """rules/case-xml.md 3: whatever stands there, the form is read."""
    author = Author(username=version, device_id=version)
    body = build_form([], form_id=form_id, author=author, now=when)
    form = parse_form(body)
    assert form.meta.username == form.meta.device_id == version
