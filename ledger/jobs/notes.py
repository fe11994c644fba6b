"""What people add to a job after it was asked for; the work does not depend on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson
from sqlalchemy import and_, bindparam, update

from ledger.entry import Author
from ledger.jobs.queue import get_job, tell
from ledger.jobs.values import JobKey
from ledger.storage.connection import Statement
from ledger.store import Writer
from ledger.tables import jobs
from ledger.times import Micros

NOTES = "notes"

_SET = Statement(
    update(jobs)
    .where(and_(jobs.c.domain == bindparam("d"), jobs.c.job_id == bindparam("j")))
    .values(options=bindparam("noted"))
)


def annotate(
    w: Writer, key: JobKey, notes: Mapping[str, Any], *, author: Author, now: Micros
) -> None:
    """Set notes of a job, which stand in its options; raises ``NotFound``."""
    job = get_job(w.conn, key)
    told = {**job.options, NOTES: {**job.options.get(NOTES, {}), **notes}}
    w.conn.run(_SET, d=key[0], j=key[1], noted=orjson.dumps(told).decode())
    noted = replace(job, options=told)
    tell(w, "job noted", noted, user_id=author.user_id, now=now)
