"""Bodies of requests that change forms and cases: at most a reason. Pure."""

from __future__ import annotations

import orjson

from api.cases.wire import InvalidPayload
from ledger.errors import Conflict
from ledger.forms.names import is_legal, printable

LONGEST_REASON = 1000


def parse_reason(body: bytes) -> str:
    """Return the reason that a body gives, which may be empty altogether.

    Raises ``Conflict`` naming the field that is at fault.
    """
    if not body:
        return ""
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError:
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
