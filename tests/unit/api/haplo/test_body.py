from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.haplo.body import Request, Sent, named_files, parts_of, read_given
from api.wire.multipart_body import Part
from api.wire.problems import Problem

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=x"


def a_part(name: str, content: bytes, filename: str | None = None) -> Part:
    return Part(name, filename, None, content)


def test_the_last_of_several_values_counts():
    """rules/batch-imports.md 1.1b: the body goes before the query string."""
    found = read_given(Request("a=1&b=2", FORM, b"a=3&a=4&c="))
    assert found.texts == {"a": "4", "b": "2", "c": ""}


@pytest.mark.parametrize("kind", ["", "text/plain", "application/json", "multipart/x"])
def test_a_body_of_another_type_has_no_parameters(kind):
    """What stands in the query string has to do."""
    assert read_given(Request("a=1", kind, b"b=2")).texts == {"a": "1"}


def test_the_type_of_a_form_may_have_a_charset():
    """As browsers and clients send it."""
    found = read_given(Request("", f"{FORM.upper()}; charset=utf-8", "a=é".encode()))
    assert found.texts == {"a": "é"}


def test_what_a_comment_cannot_hold_is_replaced():
    """Every comment can be kept; an empty one is none."""
    found = read_given(Request("", FORM, b"comment=a%00b"))
    assert found.comment("none") == "a\ufffdb"
    assert read_given(Request("comment=", "", b"")).comment("none") == "none"


def test_files_take_the_names_before_them():
    """A field in which no file was chosen uses its name up."""
    parts = [
        a_part("name", b"a"),
        a_part("file", b"1", "x"),
        a_part("file", b"2", "y"),
        a_part("name", b"b"),
        a_part("file", b"", ""),
        a_part("file", b"3", "dir/z"),
        a_part("other", b"4", "w"),
    ]
    assert list(named_files(parts)) == [
        ("a", Sent("x", b"1")),
        (None, Sent("y", b"2")),
        (None, Sent("z", b"3")),
    ]


@given(
    query=st.text(max_size=50),
    kind=st.sampled_from([FORM, MULTIPART, "multipart/form-data", "multipart", ""]),
    body=st.binary(max_size=200) | st.text(max_size=50).map(str.encode),
)
def test_no_request_is_a_defect(query, kind, body):
    """Whatever comes is parameters, or a problem that can be told."""
    request = Request(query, kind, body)
    with suppress(Problem):
        found = read_given(request, files=("file",))
        list(named_files(parts_of(request)))
        found.name()
