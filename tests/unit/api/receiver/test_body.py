"""Bodies of submissions (``rules/submission.md`` 1.3)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.receiver.body import (
    EXTENSIONS,
    is_multipart,
    read_body,
)
from api.receiver.limits import MAX_ATTACHMENT, MAX_FORM
from api.wire.problems import Problem
from ledger.entry import Upload
from ledger.forms.xml import own_text, parse_xml

FORM = b'<data xmlns="urn:f"/>'
TYPE = 'multipart/form-data; boundary="b0"'


def part(
    content: bytes = FORM,
    name: str = "xml_submission_file",
    filename: str | None = "form.xml",
    content_type: str | None = "text/xml",
) -> bytes:
    head = f'Content-Disposition: form-data; name="{name}"'
    head += "" if filename is None else f'; filename="{filename}"'
    head += "" if content_type is None else f"\r\nContent-Type: {content_type}"
    return b"--b0\r\n" + head.encode() + b"\r\n\r\n" + content + b"\r\n"


def photo(content: bytes = b"\xff\xd8", **more) -> bytes:
    values = {"name": "photo", "filename": "p.jpg", "content_type": "image/jpeg"}
    return part(content, **{**values, **more})


def body_of(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--b0--\r\n"


def refusal(*parts: bytes) -> tuple[int, str]:
    with pytest.raises(Problem) as caught:
        read_body(body_of(*parts), TYPE)
    return caught.value.status, caught.value.text


class TestRaw:
    """Rule 1.3.1: any other type, or none."""

    @pytest.mark.parametrize(
        "content_type", ["text/xml", "", "application/x-www-form-urlencoded", "a/b; c"]
    )
    def test_every_other_body_is_the_xml(self, content_type):
        """Rule 1.3.1."""
        sent = read_body(FORM, content_type)
        assert (sent.form, sent.uploads) == (FORM, ())

    def test_an_empty_body_is_refused(self):
        """Rule 1.3.4."""
        with pytest.raises(Problem, match=r"^Post may not have an empty body\n$") as it:
            read_body(b"", "text/xml")
        assert it.value.status == 400

    def test_a_form_has_at_most_ten_mebibytes(self):
        """Rule D-b."""
        assert read_body(b"x" * MAX_FORM, "").form
        with pytest.raises(Problem, match=r"^Form exceeds 10MB size limit\n$") as it:
            read_body(b"x" * (MAX_FORM + 1), "")
        assert it.value.status == 413


class TestCharset:
    """``rules/case-xml.md`` 2.5: a document that does not say how it is encoded."""

    XML = "<d>Zo\xeb</d>".encode("latin-1")

    def test_the_header_of_the_request_says_it(self):
        """And it is noted, because the bytes that are kept declare it."""
        sent = read_body(self.XML, 'text/xml; charset="ISO-8859-1"')
        assert own_text(parse_xml(sent.form)) == "Zo\xeb"
        assert sent.notes == {"charset": "ISO-8859-1"}
        assert sent.form.endswith(self.XML)

    def test_in_a_multipart_body_that_of_the_part_says_it(self):
        """The others are about other parts."""
        typed = part(self.XML, content_type="text/xml; charset=iso-8859-1")
        sent = read_body(body_of(typed), f"{TYPE}; charset=utf-8")
        assert own_text(parse_xml(sent.form)) == "Zo\xeb"
        assert sent.notes == {"charset": "iso-8859-1"}


class TestParts:
    """Rule 1.3.2: parts."""

    def test_the_form_and_its_attachments_are_found(self):
        """Rule 1.3.2: attachments are named by their part name."""
        sent = read_body(body_of(photo(), part(), photo(b"2", name="two")), TYPE)
        assert sent.form == FORM
        assert sent.uploads == (
            Upload(name="photo", content_type="image/jpeg", content=b"\xff\xd8"),
            Upload(name="two", content_type="image/jpeg", content=b"2"),
        )

    @pytest.mark.parametrize(
        "content_type",
        [
            "multipart/form-data; boundary=b0",
            "Multipart/Form-Data;charset=x;boundary=b0",
        ],
    )
    def test_the_type_is_read_without_case(self, content_type):
        """Rule 1.3.1."""
        assert is_multipart(content_type)
        assert read_body(body_of(part()), content_type).form == FORM

    @pytest.mark.parametrize("name", ["__csrf", "*isIncomplete*", "Дата", "x" * 999])
    def test_fields_beside_the_form_are_noted_and_ignored(self, name):
        """Rule 1.3.2: of any name, empty or not, before the form or behind it."""
        field = part(b"yes", name=name, filename=None, content_type=None)
        empty = part(b"", name="empty", filename=None)
        sent = read_body(body_of(field, part(), empty), TYPE)
        assert (sent.form, sent.uploads, sent.notice) == (FORM, (), "")
        assert sent.notes == {"fields": [name[:200], "empty"]}

    def test_a_form_may_be_sent_as_a_field(self):
        """Rule 1.3.2: but a file of that name goes before it."""
        field = part(filename=None, content_type=None)
        assert read_body(body_of(photo(), field), TYPE).form == FORM
        other = part(b"<x/>", filename=None)
        sent = read_body(body_of(other, part()), TYPE)
        assert (sent.form, sent.notes) == (FORM, {"fields": ["xml_submission_file"]})

    def test_a_file_need_not_say_its_name(self):
        """Rule 1.3.2: a part of a type that is no text is a file."""
        sent = read_body(body_of(part(), photo(filename=None)), TYPE)
        assert [upload.name for upload in sent.uploads] == ["photo"]

    @pytest.mark.parametrize("parts", [[], [photo()], [part(b"", filename="")]])
    def test_the_form_must_be_there(self, parts):
        """Rule 1.3.4: no file is called ``xml_submission_file``."""
        expected = (
            "If you use multipart/form-data, please name your file "
            "xml_submission_file.\nYou may also do a normal (non-multipart) post with "
            "the xml submission as the request body instead.\n"
        )
        assert refusal(*parts) == (400, expected)

    def test_there_is_one_form_only(self):
        """Rule 1.3.4: the same form twice is no difference."""
        status, text = refusal(part(), part(b"<other/>"))
        assert (status, "xml_submission_file" in text) == (400, True)
        assert read_body(body_of(part(), part()), TYPE).form == FORM

    def test_the_form_has_at_most_ten_mebibytes(self):
        """Rule 1.3.4."""
        expected = (413, "Form exceeds 10MB size limit\n")
        assert refusal(part(b"x" * (MAX_FORM + 1), filename="a.txt")) == expected

    @pytest.mark.parametrize("filename", ["form.txt", "blob", "form.XML", "ф.bin"])
    def test_the_form_is_known_by_its_part_and_not_by_its_file(self, filename):
        """Rule 1.3.2: engines in a browser send a ``blob``."""
        for content_type in ("text/xml", "application/octet-stream", None):
            named = part(filename=filename, content_type=content_type)
            assert read_body(body_of(named), TYPE).form == FORM

    def test_an_attachment_has_at_most_fifteen_mebibytes(self):
        """Rule 1.3.4: whatever its kind; the device keeps it then."""
        large = b"x" * MAX_ATTACHMENT
        assert len(read_body(body_of(part(), photo(large)), TYPE).uploads) == 1
        expected = (413, "Attachment exceeds 15MB size limit\n")
        bad = photo(filename="x.exe", content_type="text/html")
        assert refusal(part(), bad, photo(large + b"x")) == expected

    @pytest.mark.parametrize("name", ["audit.csv", "a.docx", "IMG", "a.exe", ".x"])
    def test_every_kind_of_file_is_kept(self, name):
        """Rule 1.3.5: as long as nobody decides otherwise."""
        for content_type in ("text/csv", None):
            file = photo(name=name, filename=name, content_type=content_type)
            sent = read_body(body_of(part(), file), TYPE)
            assert [upload.name for upload in sent.uploads] == [name]
            assert sent.notes == {}

    @pytest.mark.parametrize("extension", [*EXTENSIONS, "JPG", "Png"])
    def test_media_are_known_by_their_endings(self, extension):
        """Rule 1.3.5: in whatever letters, whatever their type."""
        file = photo(filename=f"a.{extension}", content_type="text/html")
        assert read_body(body_of(part(), file), TYPE, kinds=("media",)).uploads

    @pytest.mark.parametrize(
        "content_type",
        [
            "audio/x",
            "image/x",
            "video/x",
            "application/octet-stream",
            "application/pdf",
        ],
    )
    def test_media_are_known_by_their_types(self, content_type):
        """Rule 1.3.5: whatever their name."""
        file = photo(filename="a.bin", content_type=content_type)
        sent = read_body(body_of(part(), file), TYPE, kinds=("media",))
        assert [upload.content_type for upload in sent.uploads] == [content_type]

    @pytest.mark.parametrize("kinds", [("media",), ("csv", "pdf")])
    def test_a_file_of_another_kind_is_left_out_and_named(self, kinds):
        """Rule 1.3.5: the form and the other files are kept."""
        bad = photo(name="a.exe", filename="a.exe", content_type="text/html")
        good = photo(name="b.pdf", filename="b.pdf")
        sent = read_body(body_of(part(), bad, good), TYPE, kinds=kinds)
        assert [upload.name for upload in sent.uploads] == ["b.pdf"]
        assert sent.notes == {"refused_files": ["a.exe"]}
        assert sent.notice == "These files are of a kind that is not kept: a.exe"

    def test_a_type_that_is_not_said_is_guessed(self):
        """``rules/case-xml.md`` 11.1."""
        parts = [
            photo(name="a", filename="a.png", content_type=None),
            photo(name="b", filename="b.qcp", content_type=None),
        ]
        sent = read_body(body_of(part(), *parts), TYPE)
        types = [upload.content_type for upload in sent.uploads]
        assert types == ["image/png", "application/octet-stream"]

    def test_of_several_parts_of_a_name_none_is_lost(self):
        """``rules/case-xml.md`` 11.1: the first has it, others get a number."""
        named = [("p.jpg", b"1"), ("p.jpg", b"2"), ("p", b"3"), ("p.jpg", b"1")]
        named += [("p", b"4"), ("p.jpg", b"5"), ("p (2)", b"6"), ("p.jpg", b"2")]
        parts = [photo(content, name=name) for name, content in named]
        sent = read_body(body_of(part(), *parts), TYPE)
        assert {upload.name: upload.content for upload in sent.uploads} == {
            "p.jpg": b"1",
            "p (2).jpg": b"2",
            "p": b"3",
            "p (3)": b"4",
            "p (3).jpg": b"5",
            "p (2)": b"6",
        }
        assert sent.notes["renamed_files"] == {
            "p (2).jpg": "p.jpg",
            "p (3)": "p",
            "p (3).jpg": "p.jpg",
        }


HOSTILE = {
    "no boundary": (body_of(part()), "multipart/form-data"),
    "an empty boundary": (body_of(part()), "multipart/form-data; boundary="),
    "a boundary with a line break": (b"", 'multipart/form-data; boundary="a\nb"'),
    "another boundary": (body_of(part()), "multipart/form-data; boundary=b1"),
    "a boundary of broken bytes": (b"x", "multipart/form-data; boundary=\udcff"),
    "no end": (part(), TYPE),
    "an end in a header": (b"--b0\r\nContent-Dispo", TYPE),
    "no header": (b"--b0\r\n\r\nx\r\n--b0--", TYPE),
    "a huge header": (b"--b0\r\nX: " + b"x" * 100_000 + b"\r\n\r\n\r\n--b0--", TYPE),
    "many headers": (b"--b0\r\n" + b"X: y\r\n" * 99 + b"\r\n\r\n--b0--", TYPE),
    "many parts": (body_of(part(), photo() * 1001), TYPE),
    "broken names": (body_of(part()).replace(b"name=", b"name\xff=", 1), TYPE),
    "a lying length": (
        body_of(part()).replace(b"text/xml", b"text/xml\r\nContent-Length: 9", 1),
        TYPE,
    ),
}


@pytest.mark.parametrize(("body", "content_type"), HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_multipart_is_a_clear_400(body, content_type):
    """rules/libraries.md 3.4.6: hostile boundaries, missing ends, huge headers."""
    with pytest.raises(Problem) as caught:
        read_body(body, content_type)
    assert caught.value.status == 400
    assert caught.value.text.startswith("The multipart/form-data body could not be")
    assert len(caught.value.text) < 600


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 20), st.binary())))
def test_damaged_multipart_is_read_or_refused(changes):
    """rules/libraries.md 3.4.6: nothing but a problem is ever raised."""
    body = body_of(part(), photo())
    for start, length, piece in changes:
        body = body[:start] + piece + body[start + length :]
    outcome = outcome_of(body)
    if isinstance(outcome, Problem):
        assert 400 <= outcome.status < 500
        assert outcome.text.encode()
    else:
        assert outcome.form


def outcome_of(body: bytes):
    try:
        return read_body(body, TYPE)
    except Problem as problem:
        return problem
