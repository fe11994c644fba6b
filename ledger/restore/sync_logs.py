"""Sync logs: what was sent to each device, and what it has sent since.

A log is written once, with the cases of the device as they were at its position. A form
that the device sends with the id of the log adds one small row; what it did to the
cases is folded when the device asks for news (``docs/decisions/0038-sync-logs.md``).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson
from sqlalchemy import BigInteger, bindparam, cast, delete, insert, select, update

from ledger.storage.compression import Codec
from ledger.storage.connection import Connection, Statement
from ledger.storage.dialect import in_list
from ledger.store import Reader
from ledger.tables import sync_log_forms, sync_logs
from ledger.times import Micros

_LONGEST_ID = 255


class SyncLog(NamedTuple):
    """One row of ``sync_logs``, columns in the table's order.

    ``footprint`` is compressed as it is kept; ``plain_footprint`` is what was given.
    """

    domain: str
    sync_log_id: str
    user_id: str
    request_user_id: str
    auth_type: str
    device_id: str
    app_id: str
    position: int
    created_on: Micros
    duration: Micros
    previous_id: str | None
    owner_ids_text: str
    cases: int
    dependent: int
    footprint: bytes
    error_on: Micros | None = None
    error_hash: str | None = None

    @property
    def owner_ids(self) -> list[str]:
        """Return the owner ids of the user at that time."""
        found: list[str] = orjson.loads(self.owner_ids_text)
        return found

    @property
    def plain_footprint(self) -> bytes:
        """Return the footprint as it was given."""
        return Codec(0, None).decompress(self.footprint)


def packed(footprint: bytes) -> bytes:
    """Return a footprint as a row keeps it."""
    return Codec(0, None).compress(footprint)


_DOMAIN: Any = bindparam("domain")
_BY_ID = Statement(
    select(*sync_logs.c).where(
        sync_logs.c.domain == _DOMAIN,
        sync_logs.c.sync_log_id == bindparam("sync_log_id"),
    )
)
_FORMS = Statement(
    select(sync_log_forms.c.position)
    .where(
        sync_log_forms.c.domain == _DOMAIN,
        sync_log_forms.c.sync_log_id == bindparam("sync_log_id"),
    )
    .order_by(sync_log_forms.c.position)
)
_OLDER = Statement(
    select(
        sync_logs.c.sync_log_id,
        sync_logs.c.device_id,
        sync_logs.c.app_id,
    ).where(
        sync_logs.c.domain == _DOMAIN,
        sync_logs.c.user_id == bindparam("user_id"),
        sync_logs.c.created_on < bindparam("before"),
    )
)
_FORGET = Statement(
    delete(sync_logs).where(
        sync_logs.c.domain == _DOMAIN, in_list(sync_logs.c.sync_log_id, "ids")
    )
)
_FORGET_FORMS = Statement(
    delete(sync_log_forms).where(
        sync_log_forms.c.domain == _DOMAIN,
        in_list(sync_log_forms.c.sync_log_id, "ids"),
    )
)
_NOTE_FORM = Statement(
    insert(sync_log_forms).from_select(
        ["domain", "sync_log_id", "position"],
        select(
            sync_logs.c.domain,
            sync_logs.c.sync_log_id,
            cast(bindparam("of_position"), BigInteger),
        ).where(
            sync_logs.c.domain == _DOMAIN,
            sync_logs.c.sync_log_id == bindparam("of_log"),
            sync_logs.c.user_id == bindparam("user_id"),
        ),
    )
)
_NOTE_ERROR = Statement(
    update(sync_logs)
    .where(
        sync_logs.c.domain == _DOMAIN,
        sync_logs.c.sync_log_id == bindparam("of_log"),
    )
    .values(error_on=bindparam("now"), error_hash=bindparam("found_hash"))
)


def get_sync_log(r: Reader, sync_log_id: str) -> SyncLog | None:
    """Return the log with this id; served by the primary key."""
    if not can_be_id(sync_log_id):
        return None
    row = r.conn.row(_BY_ID, domain=r.domain, sync_log_id=sync_log_id)
    return None if row is None else SyncLog._make(row)


def forms_since(r: Reader, log: SyncLog) -> list[int]:
    """Return the positions of the forms that its device sent since, in their order."""
    rows = r.conn.rows(_FORMS, domain=r.domain, sync_log_id=log.sync_log_id)
    return [position for (position,) in rows]


def can_be_id(text: str) -> bool:
    """Tell whether a text that a device sent may be the id of a log."""
    return text.isprintable() and 0 < len(text) <= _LONGEST_ID


def keep_sync_log(conn: Connection, log: SyncLog, *, used: SyncLog | None) -> None:
    """Keep a log, and let go of those before the one that its device has ``used``.

    That one stays until a later one is used: the device may not have got this one
    (``rules/restore.md`` 6.5).
    """
    conn.insert(sync_logs, [log])
    if used is None:
        return
    rows = conn.rows(
        _OLDER, domain=log.domain, user_id=log.user_id, before=used.created_on
    )
    alike = (used.device_id, used.app_id)
    ids = [
        sync_log_id
        for sync_log_id, *whose in rows
        if sync_log_id == used.previous_id or (used.device_id and (*whose,) == alike)
    ]
    if ids:
        conn.run(_FORGET_FORMS, domain=log.domain, ids=ids)
        conn.run(_FORGET, domain=log.domain, ids=ids)


def note_form(
    conn: Connection, domain: str, *, sync_log_id: str, user_id: str, position: int
) -> None:
    """Keep that the device of a log brought about an entry, if the log is its user's.

    Nothing is looked up before, so that a commit waits for no answer.
    """
    if can_be_id(sync_log_id):
        conn.run(
            _NOTE_FORM,
            domain=domain,
            of_log=sync_log_id,
            user_id=user_id,
            of_position=position,
        )


def note_error(conn: Connection, log: SyncLog, *, found_hash: str, now: Micros) -> None:
    """Keep that a device has other cases than its log says."""
    conn.run(
        _NOTE_ERROR,
        domain=log.domain,
        of_log=log.sync_log_id,
        now=now,
        found_hash=found_hash[:_LONGEST_ID],
    )
