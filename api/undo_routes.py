"""The rows of undo in the table of routes."""

from __future__ import annotations

from api import undo
from api.dialects import CASE_V2
from api.permissions import Permission
from api.route import Route

UNDO = "Undo"

UNDO_ROUTES: tuple[Route, ...] = (
    Route(
        method="POST",
        path="/a/{domain}/api/ledger/v1/undo",
        handler=undo.undo,
        permission=Permission.MANAGE,
        dialect=CASE_V2,
        summary="Take back what a form, a job or a user did, or try it",
        tag=UNDO,
        answers=(200, 202, 400, 404, 409, 413),
        body="undo",
        result="undo",
    ),
    Route(
        method="POST",
        path="/a/{domain}/api/ledger/v1/jobs/{job_id}/undo",
        handler=undo.undo_job,
        permission=Permission.MANAGE,
        dialect=CASE_V2,
        summary="Take back what a job did, or try it",
        tag=UNDO,
        answers=(200, 202, 400, 404, 409, 413),
        body="undo_job",
        result="undo",
    ),
)
