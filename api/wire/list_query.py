"""Query strings of the lists of our own API: filters, limits and cursors. Pure.

Every mistake is a 400 that names the parameter.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

import orjson

from api.wire.parameters import parameters, parse_moment, whole_number
from api.wire.problems import at_fault
from ledger.forms.names import is_legal
from ledger.times import Micros

DEFAULT_LIMIT = 50
MOST_LIMIT = 1000

_MOST = 2**63 - 1


class ListQuery:
    """The parameters of a list; the last of several with one name wins."""

    def __init__(
        self, query: str, known: Iterable[str], *, default: int = DEFAULT_LIMIT
    ) -> None:
        """Read a query string; raises a 400 for a parameter that is not known.

        ``default`` is how many items a page has where no limit is said.
        """
        self._default = default
        self._given = parameters(query, {*known, "limit", "cursor"})
        for name, value in self._given.items():
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
        return whole_number(self._given, "limit", self._default, high=MOST_LIMIT)

    def cursor(self, *kinds: type) -> tuple[Any, ...] | None:
        """Return what ``cursor_of`` was given, values of these types."""
        text = self.text("cursor")
        if text is None:
            return None
        try:
            values = orjson.loads(base64.urlsafe_b64decode(text.encode("ascii")))
        except (binascii.Error, UnicodeEncodeError, orjson.JSONDecodeError):
            values = None
        if isinstance(values, list) and _are(values, kinds):
            return tuple(values)
        raise at_fault("cursor", "'cursor' must come from 'next' of another page")

    def next_link(self, address: str, cursor: str) -> str:
        """Return the address of the page that begins at a cursor."""
        return f"{address}?{urlencode({**self._given, 'cursor': cursor})}"


def _are(values: list[Any], kinds: tuple[type, ...]) -> bool:
    """Tell whether these are values of the types, and such as a column can have."""
    return tuple(map(type, values)) == kinds and all(
        is_legal(value) if isinstance(value, str) else -_MOST <= value <= _MOST
        for value in values
    )


def cursor_of(*values: str | int) -> str:
    """Return a cursor that stands for these values."""
    return base64.urlsafe_b64encode(orjson.dumps(values)).decode()
