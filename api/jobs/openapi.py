"""The shapes of lists of jobs in the description of the API."""

from __future__ import annotations

from api.openapi.shapes import (
    TEXT_OR_NULL,
    closed,
    list_of,
    parameter,
    query,
    schema,
)
from api.openapi.shared import JOB, JOB_STATES

JOBS = schema("Jobs", closed({"jobs": list_of(JOB), "next": TEXT_OR_NULL}))

FILTERS = (
    parameter("job_kind", query("kind", "Only jobs of this kind.")),
    parameter(
        "job_state",
        query("state", "Only jobs in this state.", {"enum": list(JOB_STATES)}),
    ),
)
