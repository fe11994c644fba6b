"""The bytes of a JSON body, in whichever Unicode encoding a client wrote them. Pure."""

from __future__ import annotations

import codecs
from typing import Any

import orjson

_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_OTHERS = {
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}


def parse_json(body: bytes) -> Any:
    """Return the value that a body is; raises ``ValueError`` for what is no JSON."""
    return orjson.loads(in_utf8(body))


def is_empty(body: bytes) -> bool:
    """Tell whether a body says nothing: no byte at all, or the mark alone."""
    return not body or body in _MARKS


def in_utf8(body: bytes) -> bytes:
    """Return a body in UTF-8 without a byte order mark.

    Windows PowerShell puts the mark in front of what it writes, and writes UTF-16
    where nobody tells it otherwise. Raises ``ValueError`` for broken UTF-16.
    """
    if body.startswith(codecs.BOM_UTF8):
        return body[len(codecs.BOM_UTF8) :]
    encoding = _OTHERS.get(body[:2])
    return body if encoding is None else body[2:].decode(encoding).encode()
