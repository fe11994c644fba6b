"""Webhooks: who is told of new entries. What they were told is in ``deliveries.py``.

Creating, changing and deleting one is an entry of the domain's log, without the secret
and without the query of the address, which may hold one too.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson
from sqlalchemy import bindparam, delete, func, select, update

from ledger.entry import Author
from ledger.errors import Conflict, NotFound
from ledger.ids import new_id
from ledger.log import record_directory
from ledger.stated import drop, state
from ledger.storage.connection import Connection, Statement
from ledger.store import Reader, Writer
from ledger.tables import domains, webhook_deliveries, webhooks
from ledger.times import Micros
from ledger.webhooks.values import Webhook

MOST = 100
"""Webhooks of a domain: each reads the log for itself."""

_SECRET_BYTES = 32

_OF_DOMAIN = webhooks.c.domain == bindparam("domain")
_OF_ID = webhooks.c.webhook_id == bindparam("of_id")
_ALL = Statement(
    select(*webhooks.columns)
    .where(_OF_DOMAIN)
    .order_by(webhooks.c.domain, webhooks.c.webhook_id)
)
_ONE = Statement(select(*webhooks.columns).where(_OF_DOMAIN, _OF_ID))
_COUNT = Statement(select(func.count()).select_from(webhooks).where(_OF_DOMAIN))
_EVERYWHERE = Statement(
    select(
        webhooks.c.domain,
        webhooks.c.webhook_id,
        webhooks.c.active,
        webhooks.c.position,
        webhooks.c.due_on,
        webhooks.c.lease_owner,
        webhooks.c.lease_until,
        webhooks.c.changed_on,
        domains.c.position,
    ).join_from(webhooks, domains, domains.c.domain == webhooks.c.domain)
)
_CHANGE = Statement(
    update(webhooks)
    .where(webhooks.c.domain == bindparam("of_domain"), _OF_ID)
    .values(
        url=bindparam("url"),
        case_types=bindparam("case_types"),
        xmlns=bindparam("xmlns"),
        active=bindparam("active"),
        stopped=bindparam("stopped"),
        secret=bindparam("secret"),
        changed_on=bindparam("changed_on"),
    )
)
_DELETE_DELIVERIES = Statement(
    delete(webhook_deliveries).where(
        webhook_deliveries.c.domain == bindparam("domain"),
        webhook_deliveries.c.webhook_id == bindparam("of_id"),
    )
)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a webhook stands to the log of its domain, without its secret."""

    domain: str
    webhook_id: str
    active: bool
    position: int
    due_on: Micros | None
    lease_owner: str | None
    lease_until: Micros
    changed_on: Micros
    head: int

    @property
    def key(self) -> tuple[str, str]:
        """Return what it is known by."""
        return self.domain, self.webhook_id


def new_secret() -> str:
    """Return a secret that nobody can guess, as libraries of receivers take it."""
    key = base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
    return f"whsec_{key}"


def list_webhooks(r: Reader) -> list[Webhook]:
    """Return the webhooks of a domain, oldest first."""
    found = map(_webhook, r.conn.rows(_ALL, domain=r.domain))
    return sorted(found, key=lambda hook: (hook.created_on, hook.webhook_id))


def find_webhook(r: Reader, webhook_id: str) -> Webhook | None:
    """Return the webhook with this id."""
    row = r.conn.row(_ONE, domain=r.domain, of_id=webhook_id)
    return None if row is None else _webhook(row)


def get_webhook(r: Reader, webhook_id: str) -> Webhook:
    """Return the webhook with this id; raises ``NotFound``."""
    found = find_webhook(r, webhook_id)
    if found is None:
        raise NotFound(f"Webhook '{webhook_id}' not found")
    return found


def standings(conn: Connection) -> list[Standing]:
    """Return how every webhook of every domain stands: a marked fan-out."""
    return [
        Standing(row[0], row[1], bool(row[2]), *row[3:])
        for row in conn.rows(_EVERYWHERE)
    ]


def add_webhook(
    w: Writer, wish: Webhook, *, after: int | None, author: Author, now: Micros
) -> Webhook:
    """Add a webhook under a new id and return it.

    It is told of what comes behind the position ``after``, without one of what comes
    behind the note that it was made. Raises ``Conflict`` when there are too many.
    """
    if w.conn.value(_COUNT, domain=w.domain) >= MOST:
        raise Conflict(f"A domain can have {MOST} webhooks")
    hook = replace(
        wish,
        domain=w.domain,
        webhook_id=new_id(),
        created_by=author.user_id,
        created_on=now,
        changed_on=now,
    )
    state(w, webhooks, [_row(hook)])
    _record(w, "webhook created", hook, author=author, now=now)
    hook = replace(hook, position=w.head.position if after is None else after)
    w.conn.insert(webhooks, [_row(hook)])
    return hook


def change_webhook(
    w: Writer, webhook_id: str, fields: Mapping[str, Any], *, author: Author, now: int
) -> Webhook:
    """Change fields of a webhook and return it as it is now; raises ``NotFound``.

    A pending delivery keeps its place; what a filter let through before stays.
    """
    hook = replace(get_webhook(w, webhook_id), **fields, changed_on=now)
    if hook.active:
        hook = replace(hook, stopped=None)
    save_settings(w, hook)
    _record(w, "webhook changed", hook, author=author, now=now)
    return hook


def delete_webhook(w: Writer, webhook_id: str, *, author: Author, now: Micros) -> None:
    """Remove a webhook with its deliveries; raises ``NotFound``."""
    hook = get_webhook(w, webhook_id)
    w.conn.run(_DELETE_DELIVERIES, domain=w.domain, of_id=webhook_id)
    drop(w, webhooks, [(webhook_id,)])
    _record(w, "webhook deleted", hook, author=author, now=now)


def stop_webhook(w: Writer, webhook_id: str, *, reason: str, now: Micros) -> None:
    """Switch a webhook off because its receiver wants no more."""
    hook = find_webhook(w, webhook_id)
    if hook is None or not hook.active:
        return
    hook = replace(hook, active=False, stopped=reason, changed_on=now)
    save_settings(w, hook)
    _record(w, "webhook stopped", hook, author=Author(), now=now)


def save_settings(w: Writer, hook: Webhook) -> None:
    """Write what people decide of a webhook; its place in the log stays."""
    state(w, webhooks, [_row(hook)])
    w.conn.run(
        _CHANGE,
        of_domain=w.domain,
        of_id=hook.webhook_id,
        url=hook.url,
        case_types=_text(hook.case_types),
        xmlns=_text(hook.xmlns),
        active=int(hook.active),
        stopped=hook.stopped,
        secret=hook.secret,
        changed_on=hook.changed_on,
    )


def _record(
    w: Writer, action: str, hook: Webhook, *, author: Author, now: Micros
) -> None:
    details = {
        "webhook": hook.webhook_id,
        "url": hook.url.partition("?")[0].partition("#")[0],
        "case_types": list(hook.case_types),
        "xmlns": list(hook.xmlns),
        "active": hook.active,
    }
    if hook.stopped is not None:
        details["reason"] = hook.stopped
    record_directory(w, action, details, user_id=author.user_id, now=now)


def _row(hook: Webhook) -> tuple[Any, ...]:
    return (
        hook.domain,
        hook.webhook_id,
        hook.url,
        _text(hook.case_types),
        _text(hook.xmlns),
        int(hook.active),
        hook.stopped,
        hook.secret,
        hook.created_by,
        hook.created_on,
        hook.changed_on,
        hook.position,
        hook.due_on,
        hook.lease_owner,
        hook.lease_until,
    )


def _webhook(row: tuple[Any, ...]) -> Webhook:
    values = dict(zip(webhooks.columns.keys(), row, strict=True))
    values["case_types"] = tuple(orjson.loads(values["case_types"]))
    values["xmlns"] = tuple(orjson.loads(values["xmlns"]))
    values["active"] = bool(values["active"])
    return Webhook(**values)


def _text(values: tuple[str, ...]) -> str:
    return orjson.dumps(values).decode()
