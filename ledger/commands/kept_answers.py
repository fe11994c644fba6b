"""Answers that are kept under an ``Idempotency-Key``, beside what a session does."""

from __future__ import annotations

from sqlalchemy import bindparam, delete

from ledger.storage.connection import Statement
from ledger.store import Writer
from ledger.tables import idempotency
from ledger.times import Micros

_FORGET = Statement(
    delete(idempotency)
    .where(
        idempotency.c.domain == bindparam("domain"),
        idempotency.c.user_id == bindparam("of_user"),
        idempotency.c.key == bindparam("under"),
        idempotency.c.created_on <= bindparam("until"),
    )
    .returning(idempotency.c.created_on)
)


def forget_old_answer(w: Writer, user_id: str, key: str, *, until: Micros) -> bool:
    """Forget the answer that a user got under a key, if it is as old as that.

    Tells whether it was. Served by the primary key.
    """
    row = w.conn.row(_FORGET, domain=w.domain, of_user=user_id, under=key, until=until)
    return row is not None
