"""Names that are written in another way than they are known by. Pure.

Columns, fields and options are named by people: ``Owner ID`` is meant as ``owner_id``.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache

_MOST_NEAREST = 3
_LIKENESS = 0.6
_MOST_LISTED = 50
_NO_LETTERS = frozenset({"Cf", "Zs", "Zl", "Zp", "Cc", "Pd", "Pc"})
"""Blanks, hyphens, underscores and what nobody sees."""


@lru_cache(maxsize=4096)
def letters_of(name: str) -> str:
    """Return what two names have in common that differ in nothing a reader minds.

    That is everything but the case of letters, blanks, hyphens and underscores.
    """
    plain = unicodedata.normalize("NFKC", name).casefold()
    return "".join(c for c in plain if unicodedata.category(c) not in _NO_LETTERS)


def fitting(wanted: str, given: Iterable[str]) -> list[str]:
    """Return the names that may be meant: the very name, or all with its letters."""
    names = list(dict.fromkeys(given))
    if wanted in names:
        return [wanted]
    letters = letters_of(wanted)
    return [name for name in names if letters and letters_of(name) == letters]


def nearest(wanted: str, given: Iterable[str]) -> list[str]:
    """Return the names that are spelled almost so, the nearest first."""
    by_letters: dict[str, str] = {}
    for name in given:
        by_letters.setdefault(letters_of(name), name)
    letters = letters_of(wanted)
    close = get_close_matches(letters, by_letters, _MOST_NEAREST, _LIKENESS)
    return [by_letters[found] for found in close]


def advice(wanted: str, given: Iterable[str]) -> str:
    """Return which names there are, and which of them may be meant, as a sentence."""
    names = list(dict.fromkeys(filter(None, given)))
    more = ", …" if len(names) > _MOST_LISTED else ""
    listed = ", ".join(f'"{name}"' for name in names[:_MOST_LISTED])
    near = " or ".join(f'"{name}"' for name in nearest(wanted, names))
    text = f"There are {listed}{more}." if names else "There are none."
    return f"{text} Did you mean {near}?" if near else text
