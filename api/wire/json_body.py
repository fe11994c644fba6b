"""Small JSON bodies of our own API: an object with a few known fields. Pure.

Every mistake is a 400 that names the field.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from api.wire.parameters import parse_moment
from api.wire.problems import at_fault, invalid
from ledger.forms.names import is_legal, printable
from ledger.times import Micros

_LONGEST = 1000


class JsonBody:
    """The fields of a body; an empty body has none."""

    def __init__(self, body: bytes, known: Iterable[str]) -> None:
        """Read a body; raises a 400 for a field that is not known."""
        self._fields = parse_object(body) if body.strip() else {}
        allowed = set(known)
        for name in self._fields:
            if name not in allowed:
                field = printable(name)
                raise at_fault(field, f"'{field}' is not a valid field.")

    def text(self, name: str) -> str | None:
        """Return a text, nothing when it is missing, null or empty."""
        value = self._fields.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise at_fault(name, f"'{name}' must be a string")
        if len(value) > _LONGEST:
            raise at_fault(name, f"'{name}' is longer than {_LONGEST} characters")
        if not is_legal(value):
            raise at_fault(name, f"'{name}' has characters that no value has")
        return value

    def choice(self, name: str, allowed: Iterable[str]) -> str | None:
        """Return one of a few words."""
        found, words = self.text(name), list(allowed)
        if found is not None and found not in words:
            raise at_fault(name, f"'{name}' must be one of {', '.join(words)}")
        return found

    def flag(self, name: str) -> bool:
        """Return true or false, which a missing one is."""
        value = self._fields.get(name)
        if value is None or isinstance(value, bool):
            return bool(value)
        raise at_fault(name, f"'{name}' must be true or false")

    def time(self, name: str) -> Micros | None:
        """Return a time."""
        found = self.text(name)
        return None if found is None else parse_moment(name, found)


def parse_object(body: bytes) -> dict[str, Any]:
    """Return the object that a body is; raises a 400 for anything else."""
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise invalid("Payload must be valid JSON") from None
    if not isinstance(payload, dict):
        raise invalid("Payload must be a single JSON object")
    return payload
