"""Ids as rows write them, and the ids that they may mean. Pure.

Texts that look alike may differ: in how letters with accents are composed, in blanks at
their ends and in characters that nobody sees.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Final, Generic, NamedTuple, TypeVar

T = TypeVar("T")

_INTEGER: Final = re.compile(r"(-?(?:0|[1-9][0-9]*))(?:\.0*)?", re.ASCII)
_UNSEEN: Final = frozenset({"Cf", "Cc"})
_BLANKS: Final = frozenset({"Zs", "Zl", "Zp"})


def id_text(text: str | None) -> str:
    """Return the id that a cell says: a whole number is its digits.

    ``4711``, `` 4711 `` and ``4711.0`` are one id; any other text stands as it is.
    """
    if not text:
        return ""
    whole = _INTEGER.fullmatch(text.strip())
    if whole is None:
        return text
    return whole[1] if whole[1] != "-0" else "0"


class Found(NamedTuple, Generic[T]):
    """What a look-up found, and the id it is stored under."""

    those: Sequence[T]
    stored_as: str


def look_up(asked: str, look: Callable[[str], Sequence[T]]) -> Found[T]:
    """Return what an id means, else what it means composed in another way."""
    found = look(asked)
    if found:
        return Found(found, asked)
    for text in _compositions(asked):
        found = look(text)
        if found:
            return Found(found, text)
    return Found((), asked)


def look_up_as_seen(asked: str, look: Callable[[str], Sequence[T]]) -> Found[T]:
    """Return what an id would mean without what nobody sees of it."""
    seen = as_seen(asked)
    if seen in {"", asked}:
        return Found((), asked)
    return look_up(seen, look)


def forms_of(text: str) -> set[str]:
    """Return every text under which the two look-ups look for an id."""
    if is_plain(text):
        return {text} - {""}
    seen = as_seen(text)
    return {text, *_compositions(text), seen, *_compositions(seen)} - {""}


def as_seen(text: str) -> str:
    """Return a text as people see it: blanks are plain ones, and none at its ends."""
    if is_plain(text):
        return text
    return "".join(filter(None, map(_seen, text))).strip()


def is_plain(text: str) -> bool:
    """Tell whether a text has one form only; nearly all have."""
    return text.isascii() and text.isprintable() and text == text.strip()


def trimmed(text: str) -> str:
    """Return a text without blanks and what nobody sees at its ends."""
    start, end = 0, len(text)
    while start < end and _is_nothing(text[start]):
        start += 1
    while end > start and _is_nothing(text[end - 1]):
        end -= 1
    return text[start:end]


def escaped(text: str) -> str:
    """Return a text that shows what nobody would see of it."""
    return "".join(
        f"\\u{ord(c):04x}" if c != " " and _seen(c) != c else c for c in text
    )


def _seen(character: str) -> str:
    category = unicodedata.category(character)
    if category in _BLANKS or character.isspace():
        return " "
    return "" if category in _UNSEEN else character


def _is_nothing(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) == "Cf"


def _compositions(text: str) -> tuple[str, ...]:
    if text.isascii():
        return ()
    forms = (unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text))
    return tuple(form for form in forms if form != text)
