"""Imports of spreadsheets on the wire (``rules/excel-import.md`` 14, 15, 18.3).

The state of an import is that of its job; its account is the progress of the job.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.wire.permissions import Permission, Principal
from importers.excel.rules.options import ALL_TYPES
from importers.excel.rules.report import count_of, row_numbers, row_ranges
from importers.excel.rules.told import error_form_ids_of, form_ids_of
from ledger.jobs.values import Job, JobState
from ledger.times import format_micros, to_datetime

_STATES = {
    JobState.QUEUED: 0,
    JobState.RUNNING: 1,
    JobState.DONE: 2,
    JobState.FAILED: 3,
    JobState.CANCELLED: 3,
    JobState.INTERRUPTED: 3,
}


def status_of(job: Job) -> dict[str, Any]:
    """Return the state of an import (rule 14.2)."""
    state = _STATES[job.state]
    result = _result(job) if job.has_ended else None
    return {"state": state, "progress": {"percent": _percent(job)}, "result": result}


def entry_of(job: Job, reader: Principal) -> dict[str, Any]:
    """Return an import as the history lists it (rule 15.2)."""
    file, author = job.options["file"], job.options["author"]
    is_own = job.user_id == reader.user_id
    many = len(job.options["sheets"]) > 1
    return {
        "domain": job.domain,
        "created": to_datetime(job.created_on).strftime("%b %d, %Y %H:%M UTC"),
        "created_on": format_micros(job.created_on),
        "upload_id": job.job_id,
        "task_status": status_of(job),
        "user_name": author["username"],
        "case_type": ALL_TYPES if many else job.options["case_type"],
        "comment": comment_of(job),
        "upload_file_name": file["name"],
        "upload_file_length": file["length"],
        "upload_file_download_allowed": may_download(job, reader),
        "upload_comment_edit_allowed": is_own,
    }


def comment_of(job: Job) -> str | None:
    """Return the comment as it is now."""
    notes = job.options.get("notes", {})
    comment: str | None = notes.get("comment", job.options["comment"])
    return comment


def may_download(job: Job, reader: Principal) -> bool:
    """Tell whether somebody may have the file of an import."""
    manages = Permission.MANAGE in reader.permissions
    return manages or job.user_id == reader.user_id


def _percent(job: Job) -> int | None:
    if job.has_ended:
        return 100
    total = job.progress.get("total", 0)
    return int(job.progress["done"] * 100 / total) if total else None


def _result(job: Job) -> dict[str, Any]:
    report = job.progress.get("report", {})
    count = report.get
    skipped = {name: count(name, 0) for name in ("blank", "unmatched")}
    created, updated, failed = (count(n, 0) for n in ("created", "updated", "failed"))
    return {
        "created_count": created,
        "match_count": updated,
        "num_chunks": count("chunks", 0),
        "errors": [*_failures(job), *map(_error, count("errors", ()))],
        "case_count": count("cases", 0),
        "row_count": created + updated + failed + sum(skipped.values()),
        "failed_count": failed,
        "skipped_count": skipped,
        "dry_run": job.options["dry_run"],
        "form_ids": form_ids_of(job),
        "error_form_ids": error_form_ids_of(job),
        "warnings": list(map(_warning, count("warnings", ()))),
    }


def _failures(job: Job) -> list[dict[str, Any]]:
    """Return why a whole import broke off, if it did (rule 14.4)."""
    if job.state is JobState.DONE:
        return []
    done = job.progress.get("done", 0)
    column, text = job.progress.get("failure", ("", job.problem or "Unknown Failure"))
    if job.state is JobState.CANCELLED:
        who = job.options.get("notes", {}).get("cancelled_by", "an operator")
        column, text = "", f"Cancelled by {who} after {done} rows"
    elif job.state is JobState.INTERRUPTED:
        column, text = "", f"Interrupted after {done} rows"
    return [
        {
            "title": "Import Failed",
            "description": text,
            "column": column,
            "rows": [],
            "count": 0,
            "sample": None,
            "row_ranges": "",
            "sheet": "",
            "candidates": [],
        }
    ]


def _error(group: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **_warning(group),
        "sheet": group["sheet"],
        "count": count_of(group["rows"]),
        "row_ranges": row_ranges(group["rows"]),
        "candidates": group["candidates"] or [],
    }


def _warning(group: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "title": group["title"],
        "description": group["description"],
        "column": group["column"],
        "rows": list(row_numbers(group["rows"])),
        "sample": group["sample"],
    }
