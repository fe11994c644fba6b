"""Webhooks on the wire: what a caller may say of one, and what it is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from api.webhooks.limits import MOST_LIMIT
from api.webhooks.signing import MARK, SHORTEST_KEY, is_secret
from api.webhooks.urls import LONGEST_URL, is_url
from api.wire.entries import Cursor, parse_cursor
from api.wire.json_body import parse_object
from api.wire.parameters import parameters, whole_number
from ledger.errors import Conflict
from ledger.times import format_if_known, format_micros
from ledger.webhooks.values import DELIVERED, PENDING, STATES, Delivery, Webhook

DEFAULT_LIMIT = 100
LAST = 2**63 - 1
"""A position that no log reaches: listing begins below it."""

_SETTINGS = ("url", "case_types", "xmlns", "active", "secret")
_MOST_FILTERS = 100
_LONGEST_FILTER = 1000
_SHORTEST_SECRET = 16
_LONGEST_SECRET = 255


def parse_new(body: bytes) -> tuple[dict[str, Any], Cursor | None]:
    """Return the settings of a new webhook, and the cursor it is to begin at.

    Raises ``Conflict`` that names the field at fault.
    """
    payload = parse_object(body)
    after = payload.pop("after", None)
    if payload.get("url") is None:
        raise Conflict("Property url is required.", field="url")
    if after is not None and not isinstance(after, str):
        raise Conflict("'after' must be a string", field="after")
    return parse_settings(payload), None if after is None else parse_cursor(after)


def parse_change(body: bytes) -> dict[str, Any]:
    """Return the settings that a body changes; raises ``Conflict`` with the field."""
    return parse_settings(parse_object(body))


def parse_settings(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a webhook as its row has them.

    What is null is as if it were not there. Raises ``Conflict`` that names the field
    at fault.
    """
    found: dict[str, Any] = {}
    for name, value in payload.items():
        if name not in _SETTINGS:
            raise Conflict(f"'{name}' is not a valid field.", field=name)
        if value is not None:
            found[name] = _CHECKS[name](name, value)
    return found


def parse_deliveries_query(query: str) -> tuple[str | None, int, int]:
    """Return the state, the position to stay below and the limit of a listing.

    Raises a 400 ``Problem``.
    """
    given = parameters(query, ("state", "below", "limit"))
    state = given.get("state") or None
    if state is not None and state not in STATES:
        raise Conflict("'state' must be one of pending, delivered, dead", field="state")
    below = whole_number(given, "below", LAST, high=LAST)
    return state, below, whole_number(given, "limit", DEFAULT_LIMIT, high=MOST_LIMIT)


def webhook_wire(hook: Webhook) -> dict[str, Any]:
    """Return a webhook as it is shown: never with its secret."""
    return {
        "webhook_id": hook.webhook_id,
        "url": hook.url,
        "case_types": list(hook.case_types),
        "xmlns": list(hook.xmlns),
        "active": hook.active,
        "stopped": hook.stopped,
        "created_by": hook.created_by,
        "created_on": format_micros(hook.created_on),
        "changed_on": format_micros(hook.changed_on),
        "position": hook.position,
        "next_attempt_on": format_if_known(hook.due_on),
    }


def delivery_wire(delivery: Delivery) -> dict[str, Any]:
    """Return a delivery as it is shown."""
    done = delivery.state == DELIVERED
    waits = delivery.state == PENDING
    return {
        "delivery_id": delivery.delivery_id,
        "webhook_id": delivery.webhook_id,
        "position": delivery.position,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "created_on": format_micros(delivery.created_on),
        "attempted_on": format_if_known(delivery.attempted_on),
        "next_attempt_on": format_if_known(delivery.due_on) if waits else None,
        "delivered_on": format_if_known(delivery.attempted_on) if done else None,
        "status": delivery.status,
        "error": delivery.error,
    }


def deliveries_body(found: Sequence[Delivery], *, limit: int) -> bytes:
    """Return a page of deliveries; ``next`` is what the next one is below."""
    following = found[-1].position if len(found) == limit else None
    shown = [delivery_wire(delivery) for delivery in found]
    return orjson.dumps({"deliveries": shown, "next": following})


def delivery_body(delivery: Delivery, change: Mapping[str, Any]) -> bytes:
    """Return what a receiver is sent: an item of the feed, and whose it is."""
    whose = {
        "delivery_id": delivery.delivery_id,
        "webhook_id": delivery.webhook_id,
        "domain": delivery.domain,
    }
    return orjson.dumps({**whose, **change})


def _url(name: str, value: Any) -> str:
    if not isinstance(value, str) or not is_url(value):
        problem = (
            f"'{name}' must be an http or https address with a host and without "
            f"credentials, of at most {LONGEST_URL} characters"
        )
        raise Conflict(problem, field=name)
    return value


def _texts(name: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise Conflict(f"'{name}' must be a list of strings", field=name)
    if len(value) > _MOST_FILTERS or any(len(v) > _LONGEST_FILTER for v in value):
        problem = (
            f"'{name}' must have at most {_MOST_FILTERS} items of at most "
            f"{_LONGEST_FILTER} characters"
        )
        raise Conflict(problem, field=name)
    return tuple(dict.fromkeys(value))


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise Conflict(f"'{name}' must be true or false", field=name)
    return value


def _secret(name: str, value: Any) -> str:
    fits = isinstance(value, str) and value.isascii() and value.isprintable()
    if not fits or not _SHORTEST_SECRET <= len(value) <= _LONGEST_SECRET:
        problem = (
            f"'{name}' must be {_SHORTEST_SECRET} to {_LONGEST_SECRET} printable "
            f"ASCII characters"
        )
        raise Conflict(problem, field=name)
    if not is_secret(value):
        problem = (
            f"'{name}' must go on with the base64 of at least {SHORTEST_KEY} bytes "
            f"behind '{MARK}'"
        )
        raise Conflict(problem, field=name)
    return str(value)


_CHECKS = {
    "url": _url,
    "case_types": _texts,
    "xmlns": _texts,
    "active": _flag,
    "secret": _secret,
}
