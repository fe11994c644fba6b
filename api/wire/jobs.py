"""Jobs on the wire."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from ledger.jobs.values import Job
from ledger.times import format_if_known, format_micros


def job_body(job: Job) -> bytes:
    """Return the body that shows a job."""
    return orjson.dumps(to_wire(job))


def list_body(jobs: Iterable[Job], *, next_url: str | None) -> bytes:
    """Return the body of a page of jobs."""
    return orjson.dumps({"jobs": list(map(to_wire, jobs)), "next": next_url})


def to_wire(job: Job) -> dict[str, Any]:
    """Return a job as clients and the command line see it."""
    return {
        "job_id": job.job_id,
        "domain": job.domain,
        "kind": job.kind,
        "state": job.state.value,
        "user_id": job.user_id,
        "options": job.options,
        "progress": job.progress,
        "result": job.result,
        "problem": job.problem,
        "attempts": job.attempts,
        "cancel_asked": job.cancel_asked,
        "first_position": job.first_position,
        "last_position": job.last_position,
        "created_on": format_micros(job.created_on),
        "started_on": format_if_known(job.started_on),
        "finished_on": format_if_known(job.finished_on),
    }
