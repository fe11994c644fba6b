"""What nobody sees in a header is no part of it. Pure.

``rules/excel-import.md`` 6.1a.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from importers.tables.notices import Notice

_SPACES = (
    "\t\n\v\f\r \x1c-\x1f\x85\xa0\u1680\u180e\u2000-\u200a\u2028\u2029"
    "\u202f\u205f\u3000"
)
_WIDTHLESS = "\xad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
_EDGES = re.compile(f"\\A[{_SPACES}{_WIDTHLESS}]+|[{_SPACES}{_WIDTHLESS}]+\\Z")
_INSIDE = re.compile("[\xad\u200b\u2060\ufeff]")
"""Joiners stay where they join letters."""

_BREAK = re.compile(f"[{_SPACES}]*[\xa0\n\r\v\f\x85\u2028\u2029][{_SPACES}]*")


def is_blank(text: str) -> bool:
    """Tell whether a text has nothing that anybody could see."""
    return not text or (not text[0].isalnum() and not _EDGES.sub("", text))


def trimmed(header: str) -> str:
    """Return a header without what nobody sees, its letters composed (NFC).

    A line break inside is a blank.
    """
    if header.isascii() and header.isidentifier():
        return header
    text = _BREAK.sub(" ", _INSIDE.sub("", _EDGES.sub("", header)))
    return unicodedata.normalize("NFC", text)


def told_of(headers: Iterable[str]) -> Iterator[Notice]:
    """Yield a notice of each header that is not read as it stands."""
    for header in headers:
        name = trimmed(header)
        if name != header and name:
            text = f"The header {visible(header)} was read as {visible(name)}"
            yield Notice("Header trimmed", text, column=name)


def visible(text: str) -> str:
    """Return a text in quotes, what cannot be seen in it by its number."""
    return '"' + "".join(map(_visible, text)) + '"'


def _visible(char: str) -> str:
    if char in _SHORT:
        return _SHORT[char]
    if char.isprintable() and not unicodedata.combining(char):
        return char
    code = ord(char)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004


_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
