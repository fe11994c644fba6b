"""What is told of an import when it is there: the forms that it made. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ledger.ids import derived_hex_id
from ledger.jobs.values import Job


def chunk_id(job_id: str, number: int) -> str:
    """Return the id of the form of a chunk."""
    return derived_hex_id(job_id, "chunk", str(number))


def form_ids_of(job: Job) -> list[str]:
    """Return the ids of the forms that an import stored; none of a dry run."""
    report = _written_report(job)
    failed = set(report.get("failed_chunks", ()))
    numbers = (n for n in range(report.get("chunks", 0)) if n not in failed)
    return [chunk_id(job.job_id, number) for number in numbers]


def error_form_ids_of(job: Job) -> list[str]:
    """Return the ids of the forms that an import left as errors."""
    numbers = _written_report(job).get("failed_chunks", ())
    return [chunk_id(job.job_id, number) for number in numbers]


def _written_report(job: Job) -> Mapping[str, Any]:
    report: Mapping[str, Any] = job.progress.get("report", {})
    return {} if job.options["dry_run"] else report
