"""Small JSON bodies of our own API: an object with a few known fields. Pure.

Every mistake is a 400 that names the field.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from api.wire.json_bytes import is_empty, parse_json
from api.wire.parameters import parse_moment
from api.wire.problems import InvalidPayload, at_fault, invalid
from ledger.errors import Conflict
from ledger.forms.names import is_legal, printable
from ledger.times import Micros

LONGEST_REASON = 1000

_LONGEST = 1000


class JsonBody:
    """The fields of a body; an empty body has none."""

    def __init__(self, body: bytes, known: Iterable[str]) -> None:
        """Read a body; raises a 400 for a field that is not known."""
        self._fields = {} if is_empty(body.strip()) else parse_object(body)
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
        payload = parse_json(body)
    except ValueError:
        raise invalid("Payload must be valid JSON") from None
    if not isinstance(payload, dict):
        raise invalid("Payload must be a single JSON object")
    return payload


def parse_reason(body: bytes) -> str:
    """Return the reason that a body gives, which may be empty altogether.

    Raises ``Conflict`` naming the field that is at fault.
    """
    if is_empty(body):
        return ""
    try:
        payload = parse_json(body)
    except ValueError:
        raise InvalidPayload("Payload must be valid JSON") from None
    if not isinstance(payload, dict):
        raise InvalidPayload("Payload must be a single JSON object")
    for name in payload:
        if name != "reason":
            field = printable(name)
            raise Conflict(f"'{field}' is not a valid field.", field=field)
    return _reason(payload.get("reason"))


def _reason(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        text = "'reason' must be a string"
    elif len(value) > LONGEST_REASON:
        text = f"'reason' is longer than {LONGEST_REASON} characters"
    elif not is_legal(value):
        text = "'reason' contains a character that XML cannot carry"
    else:
        return value
    raise Conflict(text, field="reason")
