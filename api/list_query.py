"""Query strings of the lists of our own API: filters, limits and cursors. Pure.

Every mistake is a 400 that names the parameter.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson

from api.problems import Problem, invalid, unknown_parameter
from api.time_travel_json import parse_moment
from ledger.names import is_legal, printable
from ledger.times import Micros

DEFAULT_LIMIT = 50
MOST_LIMIT = 1000

_LONGEST_NUMBER = 9


class ListQuery:
    """The parameters of a list; the last of several with one name wins."""

    def __init__(self, query: str, known: Iterable[str]) -> None:
        """Read a query string; raises a 400 for a parameter that is not known."""
        known = {*known, "limit", "cursor"}
        self._given = dict(parse_qsl(query, keep_blank_values=True, errors="replace"))
        for name, value in self._given.items():
            if name not in known:
                raise unknown_parameter(printable(name))
            if not is_legal(value):
                raise at_fault(name, f"'{name}' has characters that no value has")

    def text(self, name: str) -> str | None:
        """Return a text, nothing when it is not given or empty."""
        return self._given.get(name) or None

    def choice(self, name: str, allowed: Iterable[str]) -> str | None:
        """Return one of a few words."""
        found, words = self.text(name), list(allowed)
        if found is not None and found not in words:
            raise at_fault(name, f"'{name}' must be one of {', '.join(words)}")
        return found

    def time(self, name: str) -> Micros | None:
        """Return a time."""
        found = self.text(name)
        return None if found is None else parse_moment(name, found)

    @property
    def limit(self) -> int:
        """Return how many items a page may have."""
        text = self._given.get("limit") or str(DEFAULT_LIMIT)
        digits = text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER
        if digits and 1 <= int(text) <= MOST_LIMIT:
            return int(text)
        raise at_fault(
            "limit", f"'limit' must be a whole number from 1 to {MOST_LIMIT}"
        )

    def cursor(self, *kinds: type) -> tuple[Any, ...] | None:
        """Return what ``cursor_of`` was given, values of these types."""
        text = self.text("cursor")
        if text is None:
            return None
        try:
            values = orjson.loads(base64.urlsafe_b64decode(text.encode("ascii")))
        except (binascii.Error, UnicodeEncodeError, orjson.JSONDecodeError):
            values = None
        if isinstance(values, list) and tuple(map(type, values)) == kinds:
            return tuple(values)
        raise at_fault("cursor", "'cursor' must come from 'next' of another page")

    def next_link(self, address: str, cursor: str) -> str:
        """Return the address of the page that begins at a cursor."""
        return f"{address}?{urlencode({**self._given, 'cursor': cursor})}"


def cursor_of(*values: str | int) -> str:
    """Return a cursor that stands for these values."""
    return base64.urlsafe_b64encode(orjson.dumps(values)).decode()


def at_fault(name: str, text: str) -> Problem:
    """Return the 400 about one parameter or field."""
    return invalid(text, errors=[{"field": name, "message": text}])
