"""Which texts XML can carry and which may name an element. Pure.

Names of properties and indices become element names, and everything else becomes text,
in a form that is read back before it counts. So whatever a caller sends is tested here
first (``rules/case-api-v2.md`` 5.4 and 5.7).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from functools import lru_cache

MAX_TEXT_BYTES = 10_000_000
"""The longest text that the XML parser takes in one place."""

_MAX_NAME = 10_000
_SHOWN = 5_000
_SHORT = 100
_START = (
    "A-Z_a-z\xc0-\xd6\xd8-\xf6\xf8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d"
    "\u2070-\u218f\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd"
    "\U00010000-\U000effff"
)
_NAME = re.compile(rf"(?!xml)[{_START}][{_START}\-.0-9\xb7\u0300-\u036f\u203f-\u2040]*")
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def is_name(text: str) -> bool:
    """Tell whether a text may name a property or an index.

    It must be an NCName of XML 1.0 that does not start with lower-case ``xml``
    (``rules/case-api-v2.md`` 5.4).
    """
    return _is_known_name(text) if len(text) <= _SHORT else _is_name(text)


def _is_name(text: str) -> bool:
    if _NAME.fullmatch(text) is None or len(text) > _MAX_NAME:
        return False
    return text.isascii() or _spelled(text)


# The rows of a request have the same names; senders choose them, so few are kept.
_is_known_name = lru_cache(maxsize=4096)(_is_name)


def is_legal(text: str) -> bool:
    """Tell whether every character of a text is one that XML 1.0 can carry."""
    # Nothing that XML refuses can be printed, and to be printable is told quickly.
    return text.isprintable() or _ILLEGAL.search(text) is None


def is_too_long(text: str) -> bool:
    """Tell whether a text is longer than the XML parser takes in one place."""
    return len(text) * 4 > MAX_TEXT_BYTES and _byte_length(text) > MAX_TEXT_BYTES


def is_any_too_long(texts: Collection[str]) -> bool:
    """Tell whether one of many texts is too long; quick when none is long at all."""
    longest = max(map(len, texts), default=0)
    return longest * 4 > MAX_TEXT_BYTES and any(map(is_too_long, texts))


def printable(text: str) -> str:
    """Return a text as a message may hold it: encodable, and cut when it is huge.

    What XML cannot carry, UTF-8 or a log line often cannot either, so such characters
    are shown as escapes.
    """
    cut = text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
    return _ILLEGAL.sub(_escape, cut)


def _spelled(text: str) -> bool:
    # The newest edition of XML lets the planes beyond the first name anything, emoji
    # included. There only what Unicode calls a letter, mark or digit is taken, which
    # keeps scripts such as Adlam and refuses pictures.
    return all(
        unicodedata.category(char)[0] in "LMN" for char in text if char > "\uffff"
    )


def _byte_length(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"  # noqa: PLR2004
