"""The records of a JSON document, without holding more of an array than one.

Elements are cut out by their brackets and parsed alone.
"""

from __future__ import annotations

import json
import mmap
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import orjson

# An open string at the end is a token too, or each quote in it would be tried anew.
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\Z)|[\[\]{},]', re.DOTALL)
_GUESSED_LENGTH = 1000
LONGEST = 10_000_000
"""Bytes of an element; the brackets of a longer one are not even counted."""
_BLANK = re.compile(rb"[ \t\r\n]*")
_BOM = b"\xef\xbb\xbf"
_OPENING = b"[{"
_CLOSING = b"]}"


class BadJson(ValueError):
    """The bytes are no JSON in UTF-8, or no array or object."""


def json_records(path: Path, *, longest: int = LONGEST) -> Iterator[tuple[Any, int]]:
    """Yield each element of an array, or each value of an object, with its length.

    Raises ``BadJson``, behind the elements that are good; for a ``longest`` one, too.
    """
    with path.open("rb") as file:
        if not path.stat().st_size:
            raise BadJson("the file is empty")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            start = _behind_blanks(content, len(_BOM) * (content[:3] == _BOM))
            if content[start : start + 1] == b"[":
                for piece in _elements(content, start + 1, longest):
                    yield parsed(piece), len(piece)
                return
    yield from _values(whole_json(path))


def whole_json(path: Path) -> Any:
    """Return a document; raises ``BadJson``."""
    return parsed(path.read_bytes().removeprefix(_BOM))


def parsed(piece: bytes) -> Any:
    """Return the value that bytes are; raises ``BadJson``.

    Half a surrogate pair is let through, so that only its record suffers.
    """
    try:
        return orjson.loads(piece)
    except orjson.JSONDecodeError as error:
        told = str(error)
    try:
        return json.loads(piece.decode(), parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise BadJson(told) from None


def _values(document: Any) -> Iterator[tuple[Any, int]]:
    if not isinstance(document, dict):
        raise BadJson("neither an array nor an object")
    for value in document.values():
        yield value, _GUESSED_LENGTH


def _elements(content: mmap.mmap, start: int, longest: int) -> Iterator[bytes]:
    """Yield the elements of an array that begins before ``start``."""
    depth, begin, count = 0, start, 0
    for token in _TOKEN.finditer(content, start):
        if token.end() - begin > longest:
            raise BadJson(f"element {count + 1} has more than {longest} bytes")
        char = token[0]
        if char in _OPENING:
            depth += 1
        elif char == b"," and depth == 0:
            yield content[begin : token.start()]
            begin, count = token.end(), count + 1
        elif char in _CLOSING:
            depth -= 1
            if depth < 0:
                yield from _last(content, begin, token, count)
                return
    raise BadJson("the array is not closed")


def _last(
    content: mmap.mmap, begin: int, token: re.Match[bytes], count: int
) -> Iterator[bytes]:
    """Yield the element before the end of the array; nothing stands behind that."""
    if _behind_blanks(content, begin) < token.start():
        yield content[begin : token.start()]
    elif count:
        raise BadJson("an element is missing behind the last comma")
    if token[0] != b"]" or _behind_blanks(content, token.end()) < len(content):
        raise BadJson("the array does not end as one")


def _behind_blanks(content: mmap.mmap, start: int) -> int:
    found = _BLANK.match(content, start)
    return start if found is None else found.end()


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
