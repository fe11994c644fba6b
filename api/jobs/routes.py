"""The rows of the jobs of a domain in the table of routes."""

from __future__ import annotations

from api.jobs import handlers as jobs
from api.jobs.openapi import FILTERS, JOBS
from api.openapi.shapes import as_json
from api.openapi.shared import JOB, PAGED
from api.wire.permissions import Permission
from api.wire.route import LEDGER, Route, json_route

_TAG = "Jobs"

_LIST = f"{LEDGER}/jobs"
_JOB = f"{_LIST}/{{job_id}}"

ROUTES: tuple[Route, ...] = (
    json_route(
        "GET",
        _LIST,
        jobs.list_jobs,
        "List jobs, the newest first",
        permission=Permission.READ_DATA,
        tag=_TAG,
        answers=(200, 400),
        parameters=(*FILTERS, *PAGED),
        result=as_json(JOBS),
    ),
    json_route(
        "GET",
        _JOB,
        jobs.get_job,
        "Get one job: state, progress, result",
        permission=Permission.READ_DATA,
        tag=_TAG,
        answers=(200, 404),
        result=as_json(JOB),
    ),
    json_route(
        "POST",
        f"{_JOB}/cancel",
        jobs.cancel_job,
        "Stop a job",
        permission=Permission.EDIT_DATA,
        tag=_TAG,
        answers=(200, 400, 404),
        result=as_json(JOB),
    ),
    json_route(
        "POST",
        f"{_JOB}/retry",
        jobs.retry_job,
        "Let a job that failed, was cancelled or was interrupted go on",
        permission=Permission.EDIT_DATA,
        tag=_TAG,
        answers=(200, 400, 404),
        result=as_json(JOB),
    ),
)
