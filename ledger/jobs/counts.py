"""How many jobs there are, for whoever watches the installation."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from ledger.storage.connection import Connection, Statement
from ledger.tables import jobs
from ledger.times import Micros

_COUNTS = Statement(
    select(jobs.c.kind, jobs.c.state, func.count(), func.min(jobs.c.created_on))
    .group_by(jobs.c.kind, jobs.c.state)
    .order_by(jobs.c.kind, jobs.c.state)
)


@dataclass(frozen=True, slots=True)
class JobCount:
    """How many jobs of a kind are in a state, and since when there is the oldest."""

    kind: str
    state: str
    jobs: int
    oldest: Micros


def count_jobs(conn: Connection) -> list[JobCount]:
    """Return how the jobs of all domains stand: a marked fan-out."""
    return [JobCount(*row) for row in conn.rows(_COUNTS)]
