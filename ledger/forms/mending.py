"""Characters that a sender wrote in halves, mended before the parser sees them. Pure.

Some phones write a character beyond the first plane as two references, one for each
half of its UTF-16 (``rules/case-xml.md`` 2.6). No XML may do that, and no form is lost
for it. What is mended follows from the bytes alone, so a replay mends the same.
"""

from __future__ import annotations

import codecs
import re
from typing import Final, NamedTuple

_REFERENCE: Final = rb"&#(?:x0*[dD][89a-fA-F][0-9a-fA-F]{2}|0*5[5-7][0-9]{3});"
_RUNS: Final = re.compile(
    # Inside of these a reference is none; what is not closed goes on to the end.
    rb"<!\[CDATA\[(?:.*?\]\]>|.*)|<!--(?:.*?-->|.*)|<\?(?:.*?\?>|.*)|"
    rb"(?:" + _REFERENCE + rb")+",
    re.DOTALL,
)
_SPLIT: Final = re.compile(_REFERENCE)
_HIGH: Final = range(0xD800, 0xDC00)
_LOW: Final = range(0xDC00, 0xE000)
_REPLACEMENT: Final = b"&#xFFFD;"
_WIDE: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Mended(NamedTuple):
    """A document whose halves were mended.

    ``joined`` counts the characters that two references made, ``replaced`` the halves
    without another, for which U+FFFD stands.
    """

    body: bytes
    joined: int
    replaced: int


def mended(body: bytes) -> Mended | None:
    """Return a document with whole characters, ``None`` where all of them are.

    Bytes in UTF-16 must say so with their mark.
    """
    if body[:2] in _WIDE:
        found = _mended(body.decode("utf-16", "replace").encode())
        return found and found._replace(body=found.body.decode().encode("utf-16"))
    return _mended(body)


def _mended(body: bytes) -> Mended | None:
    if _SPLIT.search(body) is None:
        return None
    counts = {"joined": 0, "replaced": 0}

    def whole(run: re.Match[bytes]) -> bytes:
        if run[0].startswith(b"<"):
            return run[0]
        written: list[bytes] = []
        high: int | None = None
        for reference in _SPLIT.findall(run[0]):
            code = _code(reference)
            if high is not None and code in _LOW:
                counts["joined"] += 1
                point = 0x10000 + (high - 0xD800) * 0x400 + code - 0xDC00
                written[-1], high = b"&#x%X;" % point, None
                continue
            is_half = code in _HIGH or code in _LOW
            written.append(_REPLACEMENT if is_half else reference)
            high = code if code in _HIGH else None
            counts["replaced"] += is_half
        return b"".join(written)

    found = _RUNS.sub(whole, body)
    # A high half counted as lost until its other one came.
    counts["replaced"] -= counts["joined"]
    return Mended(found, **counts) if found != body else None


def _code(reference: bytes) -> int:
    digits = reference[2:-1]
    return int(digits[1:], 16) if digits[:1] == b"x" else int(digits)
