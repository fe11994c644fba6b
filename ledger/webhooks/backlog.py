"""How many deliveries wait, for whoever watches the installation."""

from __future__ import annotations

from sqlalchemy import and_, func, select

from ledger.storage.connection import Connection, Statement
from ledger.tables import webhook_deliveries as deliveries
from ledger.tables import webhooks
from ledger.times import Micros

_WAITING = Statement(
    select(func.count(), func.min(deliveries.c.created_on))
    .join_from(
        deliveries,
        webhooks,
        and_(
            webhooks.c.domain == deliveries.c.domain,
            webhooks.c.webhook_id == deliveries.c.webhook_id,
        ),
    )
    .where(deliveries.c.due_on.is_not(None), webhooks.c.active == 1)
)


def waiting_deliveries(conn: Connection) -> tuple[int, Micros | None]:
    """Return how many deliveries wait and since when the oldest does.

    Those of webhooks that are switched off do not count. A marked fan-out.
    """
    [(count, oldest)] = conn.rows(_WAITING)
    return count, oldest
