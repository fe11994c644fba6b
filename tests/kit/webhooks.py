"""Webhooks for tests, and what became of their deliveries."""

from __future__ import annotations

from typing import Any

from api.webhooks.delivery import Policy
from ledger.entry import Author
from ledger.store import Store
from ledger.webhooks import deliveries
from ledger.webhooks import subscriptions as webhooks
from ledger.webhooks.values import Delivery, Webhook
from tests.kit import build

SECONDS = 1_000_000
POLICY = Policy(delays=(10, 60, 600), jitter=0, timeout=5, rest_after=100)
SECRET = "s" * 32


def add(store: Store, url: str, *, after: int | None = None, **fields: Any) -> str:
    """Make a webhook and return its id."""
    wish = Webhook(domain="", webhook_id="", url=url, secret=SECRET, **fields)
    with store.writing(build.DOMAIN) as writer:
        made = webhooks.add_webhook(
            writer, wish, after=after, author=Author(user_id="root"), now=build.NOW
        )
    return made.webhook_id


def submit(store: Store, case_id: str = "c1", **fields: Any) -> int:
    """Append a form and return its position."""
    xmlns = fields.pop("xmlns", build.XMLNS)
    block = build.a_create(case_id, **fields)
    return build.submit(store, build.a_form([block], xmlns=xmlns)).position


def listed(store: Store, webhook_id: str, state: str | None = None) -> list[Delivery]:
    """Return the deliveries of a webhook, oldest entry first."""
    with store.reading(build.DOMAIN) as reader:
        found = deliveries.list_deliveries(
            reader, webhook_id, state=state, below=2**62, limit=1000
        )
    return found[::-1]


def shown(store: Store, webhook_id: str) -> Webhook:
    """Return a webhook as it is now."""
    with store.reading(build.DOMAIN) as reader:
        return webhooks.get_webhook(reader, webhook_id)
