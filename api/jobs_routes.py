"""The rows of the jobs of a domain in the table of routes."""

from __future__ import annotations

from api import jobs
from api.dialects import CASE_V2
from api.permissions import Permission
from api.route import Route

JOBS = "Jobs"

_LIST = "/a/{domain}/api/ledger/v1/jobs"
_JOB = "/a/{domain}/api/ledger/v1/jobs/{job_id}"

JOB_ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path=_LIST,
        handler=jobs.list_jobs,
        permission=Permission.READ_DATA,
        dialect=CASE_V2,
        summary="List jobs, the newest first",
        tag=JOBS,
        answers=(200, 400),
        parameters=("job_kind", "job_state", "list_limit", "list_cursor"),
        result="jobs",
    ),
    Route(
        method="GET",
        path=_JOB,
        handler=jobs.get_job,
        permission=Permission.READ_DATA,
        dialect=CASE_V2,
        summary="Get one job: state, progress, result",
        tag=JOBS,
        answers=(200, 404),
        result="job",
    ),
    Route(
        method="POST",
        path=f"{_JOB}/cancel",
        handler=jobs.cancel_job,
        permission=Permission.EDIT_DATA,
        dialect=CASE_V2,
        summary="Stop a job",
        tag=JOBS,
        answers=(200, 400, 404),
        result="job",
    ),
    Route(
        method="POST",
        path=f"{_JOB}/retry",
        handler=jobs.retry_job,
        permission=Permission.EDIT_DATA,
        dialect=CASE_V2,
        summary="Let a job that failed or was cancelled go on",
        tag=JOBS,
        answers=(200, 400, 404),
        result="job",
    ),
)
