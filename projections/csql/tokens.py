"""The words of a CSQL text. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from projections.csql.errors import misunderstood

_START = (
    r"A-Z_a-z\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u02FF\u0370-\u037D\u037F-\u1FFF"
    r"\u200C\u200D\u2070-\u218F\u2C00-\u2FEF\u3001-\uD7FF\uF900-\uFDCF\uFDF0-\uFFFD"
    r"\U00010000-\U000EFFFF"
)
_TOKEN = re.compile(
    rf"""\s*(?:
        (?P<TEXT>"[^"]*(?:""[^"]*)*"|'[^']*(?:''[^']*)*')
      | (?P<NUMBER>[0-9]+(?:\.[0-9]*)?|\.[0-9]+)
      | (?P<NAME>@?[{_START}][{_START}.0-9\u00B7\u0300-\u036F\u203F\u2040-]*)
      | (?P<SIGN>!=|<=|>=|[=<>(),/-])
      | (?P<OTHER>\S+)
    )""",
    re.VERBOSE,
)


class Kind(Enum):
    """What a word is."""

    TEXT = "TEXT"
    NUMBER = "NUMBER"
    NAME = "NAME"
    SIGN = "SIGN"
    END = "END"


class Token(NamedTuple):
    """One word; ``text`` is as written, or what a text between quotation marks says."""

    kind: Kind
    text: str


def tokens(text: str) -> Iterator[Token]:
    """Yield the words of a query, last of all its end; raises ``QueryError``."""
    for found in _TOKEN.finditer(text.rstrip()):
        kind, word = str(found.lastgroup), found[str(found.lastgroup)]
        if kind == "OTHER":
            raise misunderstood(word)
        yield Token(Kind[kind], _unquoted(word) if kind == "TEXT" else word)
    yield Token(Kind.END, "")


def _unquoted(word: str) -> str:
    """Return what a quoted text says: its quotation mark stands doubled inside."""
    mark = word[0]
    return word[1:-1].replace(mark * 2, mark)
