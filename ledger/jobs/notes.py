"""What people add to a job after it was asked for; the work does not depend on it."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import and_, bindparam, update

from ledger.jobs.queue import get_job
from ledger.jobs.values import JobKey
from ledger.storage.connection import Statement
from ledger.store import Writer
from ledger.tables import jobs

NOTES = "notes"

_SET = Statement(
    update(jobs)
    .where(and_(jobs.c.domain == bindparam("d"), jobs.c.job_id == bindparam("j")))
    .values(options=bindparam("noted"))
)


def annotate(w: Writer, key: JobKey, **notes: Any) -> None:
    """Set notes of a job, which stand in its options; raises ``NotFound``."""
    options = dict(get_job(w.conn, key).options)
    options[NOTES] = {**options.get(NOTES, {}), **notes}
    w.conn.run(_SET, d=key[0], j=key[1], noted=orjson.dumps(options).decode())
