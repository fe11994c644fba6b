"""Small JSON bodies of our own API."""

from __future__ import annotations

import codecs

import pytest

from api.wire.json_body import JsonBody, parse_object, parse_reason

MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
BODIES = (
    codecs.BOM_UTF8 + b'{"reason": "r"}',
    codecs.BOM_UTF16_LE + '{"reason": "r"}'.encode("utf-16-le"),
    codecs.BOM_UTF16_BE + '{"reason": "r"}'.encode("utf-16-be"),
)


@pytest.mark.parametrize("body", BODIES)
def test_a_byte_order_mark_is_left_out(body):
    """Windows PowerShell writes the mark; each kind of body reads alike."""
    assert parse_object(body) == {"reason": "r"}
    assert parse_reason(body) == "r"
    assert JsonBody(body, ["reason"]).text("reason") == "r"


@pytest.mark.parametrize("body", [b"", *MARKS])
def test_a_body_of_a_mark_alone_is_an_empty_one(body):
    """Where a body may be empty, the mark alone says nothing either."""
    assert parse_reason(body) == ""
    assert JsonBody(body, ["reason"]).text("reason") is None
