"""The rows of undo in the table of routes."""

from __future__ import annotations

from api.undo import handlers as undo
from api.wire.permissions import Permission
from api.wire.route import LEDGER, Route, json_route

UNDO = "Undo"

ROUTES: tuple[Route, ...] = (
    json_route(
        "POST",
        f"{LEDGER}/undo",
        undo.undo,
        "Take back what a form, a job or a user did, or try it",
        permission=Permission.MANAGE,
        tag=UNDO,
        answers=(200, 202, 400, 404, 409, 413),
        body="undo",
        result="undo",
    ),
    json_route(
        "POST",
        f"{LEDGER}/jobs/{{job_id}}/undo",
        undo.undo_job,
        "Take back what a job did, or try it",
        permission=Permission.MANAGE,
        tag=UNDO,
        answers=(200, 202, 400, 404, 409, 413),
        body="undo_job",
        result="undo",
    ),
)
