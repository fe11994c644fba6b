"""What webhooks are told: a delivery for each entry, leases, and the dead ones.

A delivery is written in the transaction that moves its webhook's place in the log, so
none is lost. All that a process does to a webhook is tied to a lease; a process that
died lets it run out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, func, or_, select, update

from ledger.errors import NotFound
from ledger.storage.connection import Statement
from ledger.store import Reader, Writer
from ledger.tables import webhook_deliveries as deliveries
from ledger.tables import webhooks
from ledger.times import Micros
from ledger.webhooks.subscriptions import get_webhook, stop_webhook
from ledger.webhooks.values import DEAD, DELIVERED, PENDING, Attempt, Delivery, Lease

_PRUNED_AT_ONCE = 1000

_OF_DOMAIN = deliveries.c.domain == bindparam("of_domain")
_OF_HOOK = deliveries.c.webhook_id == bindparam("of_id")
_IS_PENDING = deliveries.c.due_on.is_not(None)
"""Only what is pending is due, and only that is in ``ix_webhook_deliveries_due``."""
_HOOK = (
    webhooks.c.domain == bindparam("of_domain"),
    webhooks.c.webhook_id == bindparam("of_id"),
)
_FREE_FOR_US = (
    webhooks.c.active == 1,
    or_(
        webhooks.c.lease_owner == bindparam("owner"),
        webhooks.c.lease_until <= bindparam("now"),
    ),
)
_LEASE: dict[str, Any] = {
    "lease_owner": bindparam("owner"),
    "lease_until": bindparam("until"),
}

_CLAIM = Statement(
    update(webhooks)
    .where(*_HOOK, *_FREE_FOR_US)
    .values(**_LEASE)
    .returning(webhooks.c.webhook_id)
)
_MOVE = Statement(
    update(webhooks)
    .where(*_HOOK, *_FREE_FOR_US, webhooks.c.position == bindparam("from_position"))
    .values(**_LEASE, position=bindparam("to_position"))
    .returning(webhooks.c.webhook_id)
)
_RELEASE = Statement(
    update(webhooks)
    .where(*_HOOK, webhooks.c.lease_owner == bindparam("owner"))
    .values(lease_until=0)
)
_REFRESH = Statement(
    update(webhooks)
    .where(*_HOOK)
    .values(
        due_on=select(func.min(deliveries.c.due_on))
        .where(_OF_DOMAIN, _OF_HOOK, _IS_PENDING)
        .scalar_subquery()
    )
)
_DUE = Statement(
    select(*deliveries.columns)
    .where(_OF_DOMAIN, _OF_HOOK, deliveries.c.due_on <= bindparam("now"))
    .order_by(deliveries.c.due_on, deliveries.c.position)
    .limit(bindparam("most"))
)
_MANY_PENDING = Statement(
    select(deliveries.c.position)
    .where(_OF_DOMAIN, _OF_HOOK, _IS_PENDING)
    .order_by(deliveries.c.due_on, deliveries.c.position)
    .limit(1)
    .offset(bindparam("most"))
)
_NOTE = Statement(
    update(deliveries)
    .where(
        _OF_DOMAIN,
        _OF_HOOK,
        deliveries.c.position == bindparam("of_position"),
        deliveries.c.state == bindparam("was"),
    )
    .values(
        state=bindparam("new_state"),
        due_on=bindparam("new_due_on"),
        attempts=deliveries.c.attempts + 1,
        attempted_on=bindparam("new_attempted_on"),
        status=bindparam("new_status"),
        error=bindparam("new_error"),
    )
)
_BELOW = deliveries.c.position < bindparam("below")
_LATEST = Statement(
    select(*deliveries.columns)
    .where(_OF_DOMAIN, _OF_HOOK, _BELOW)
    .order_by(deliveries.c.position.desc())
    .limit(bindparam("most"))
)
_LATEST_OF_STATE = Statement(
    select(*deliveries.columns)
    .where(_OF_DOMAIN, _OF_HOOK, deliveries.c.state == bindparam("of_state"), _BELOW)
    .order_by(deliveries.c.position.desc())
    .limit(bindparam("most"))
)
_AGAIN = {"state": PENDING, "attempts": 0, "due_on": bindparam("new_due_on")}
_RETRY_ONE = Statement(
    update(deliveries)
    .where(_OF_DOMAIN, _OF_HOOK, deliveries.c.position == bindparam("of_position"))
    .values(**_AGAIN)
    .returning(*deliveries.columns)
)
_RETRY_DEAD = Statement(
    update(deliveries)
    .where(_OF_DOMAIN, _OF_HOOK, deliveries.c.state == bindparam("was"))
    .values(**_AGAIN)
    .returning(deliveries.c.position)
)
_OLDEST = Statement(
    select(deliveries.c.position, deliveries.c.attempted_on)
    .where(_OF_DOMAIN, _OF_HOOK, deliveries.c.state == bindparam("of_state"))
    .order_by(deliveries.c.position)
    .limit(bindparam("most"))
)


def claim(w: Writer, webhook_id: str, *, lease: Lease) -> bool:
    """Take or renew the lease of an active webhook; false when another has it."""
    rows = w.conn.rows(
        _CLAIM, of_domain=w.domain, of_id=webhook_id, **_values_of(lease)
    )
    return bool(rows)


def release(w: Writer, webhook_id: str, *, owner: str) -> None:
    """Give a lease back, so that another process need not wait for its end."""
    w.conn.run(_RELEASE, of_domain=w.domain, of_id=webhook_id, owner=owner)


def move(
    w: Writer,
    webhook_id: str,
    *,
    lease: Lease,
    came_from: int,
    to: int,
    matches: Sequence[int],
) -> bool:
    """Move a webhook on in the log and note a delivery for each match.

    Takes the lease. False, and nothing is done, when another process has it or the
    webhook does not stand at ``came_from``.
    """
    moved = w.conn.rows(
        _MOVE,
        of_domain=w.domain,
        of_id=webhook_id,
        from_position=came_from,
        to_position=to,
        **_values_of(lease),
    )
    if not moved:
        return False
    now = lease.now
    blank = (None, None, None)
    rows = [
        (w.domain, webhook_id, position, PENDING, now, 0, now, *blank)
        for position in matches
    ]
    w.conn.insert_new(deliveries, rows)
    if rows:
        _refresh(w, webhook_id)
    return True


def note_attempts(
    w: Writer, webhook_id: str, attempts: Sequence[Attempt], *, lease: Lease
) -> bool:
    """Note how attempts ended, and renew the lease; false when it was lost.

    What is noted as delivered, by whomever, stays so. A receiver that is gone stops
    its webhook.
    """
    for attempt in attempts:
        w.conn.run(
            _NOTE,
            of_domain=w.domain,
            of_id=webhook_id,
            of_position=attempt.position,
            was=PENDING,
            new_state=attempt.state,
            new_due_on=attempt.due_on,
            new_attempted_on=attempt.attempted_on,
            new_status=attempt.status,
            new_error=attempt.error,
        )
    _refresh(w, webhook_id)
    held = claim(w, webhook_id, lease=lease)
    if any(attempt.gone for attempt in attempts):
        reason = "the receiver answered 410 Gone"
        stop_webhook(w, webhook_id, reason=reason, now=lease.now)
    return held


def due_deliveries(
    r: Reader, webhook_id: str, *, now: Micros, limit: int
) -> list[Delivery]:
    """Return what is to be tried now, what is due longest first.

    Served by ``ix_webhook_deliveries_due``.
    """
    rows = r.conn.rows(_DUE, of_domain=r.domain, of_id=webhook_id, now=now, most=limit)
    return [Delivery(*row) for row in rows]


def has_pending(r: Reader, webhook_id: str, *, more_than: int) -> bool:
    """Tell whether more deliveries than this wait."""
    rows = r.conn.rows(
        _MANY_PENDING, of_domain=r.domain, of_id=webhook_id, most=more_than
    )
    return bool(rows)


def list_deliveries(
    r: Reader, webhook_id: str, *, state: str | None, below: int, limit: int
) -> list[Delivery]:
    """Return deliveries below a position, the latest first; raises ``NotFound``.

    Served by the primary key, or by ``ix_webhook_deliveries_state``.
    """
    get_webhook(r, webhook_id)
    values: dict[str, Any] = {"below": below, "most": limit}
    if state is not None:
        values["of_state"] = state
    rows = r.conn.rows(
        _LATEST if state is None else _LATEST_OF_STATE,
        of_domain=r.domain,
        of_id=webhook_id,
        **values,
    )
    return [Delivery(*row) for row in rows]


def retry(w: Writer, webhook_id: str, position: int, *, now: Micros) -> Delivery:
    """Have a delivery tried anew, whatever its state; raises ``NotFound``."""
    get_webhook(w, webhook_id)
    rows = w.conn.rows(
        _RETRY_ONE,
        of_domain=w.domain,
        of_id=webhook_id,
        of_position=position,
        new_due_on=now,
    )
    if not rows:
        raise NotFound(f"Delivery '{webhook_id}:{position}' not found")
    _refresh(w, webhook_id)
    return Delivery(*rows[0])


def retry_dead(w: Writer, webhook_id: str, *, now: Micros) -> int:
    """Have every dead delivery tried anew; return how many. Raises ``NotFound``."""
    get_webhook(w, webhook_id)
    rows = w.conn.rows(
        _RETRY_DEAD, of_domain=w.domain, of_id=webhook_id, was=DEAD, new_due_on=now
    )
    _refresh(w, webhook_id)
    return len(rows)


def prune(w: Writer, webhook_id: str, *, before: Micros) -> int:
    """Forget deliveries that succeeded before a time; return how many.

    Only the oldest entries are looked at, a thousand at a time.
    """
    rows = w.conn.rows(
        _OLDEST,
        of_domain=w.domain,
        of_id=webhook_id,
        of_state=DELIVERED,
        most=_PRUNED_AT_ONCE,
    )
    keys = [
        (w.domain, webhook_id, position)
        for position, attempted_on in rows
        if attempted_on < before
    ]
    w.conn.delete(deliveries, keys)
    return len(keys)


def _refresh(w: Writer, webhook_id: str) -> None:
    """Note at the webhook when its next delivery is due."""
    w.conn.run(_REFRESH, of_domain=w.domain, of_id=webhook_id)


def _values_of(lease: Lease) -> dict[str, Any]:
    return {"owner": lease.owner, "now": lease.now, "until": lease.until}
