"""The rows of undo in the table of routes."""

from __future__ import annotations

from api.openapi.shapes import as_json
from api.undo import handlers as undo
from api.undo.openapi import UNDO_JOB_WISH, UNDO_RESULT, UNDO_WISH
from api.wire.permissions import Permission
from api.wire.route import LEDGER, Route, json_route

_TAG = "Undo"

ROUTES: tuple[Route, ...] = (
    json_route(
        "POST",
        f"{LEDGER}/undo",
        undo.undo,
        "Take back what a form, a job or a user did, or try it",
        permission=Permission.MANAGE,
        tag=_TAG,
        answers=(200, 202, 400, 404, 409, 413),
        body=as_json(UNDO_WISH),
        result=as_json(UNDO_RESULT),
    ),
    json_route(
        "POST",
        f"{LEDGER}/jobs/{{job_id}}/undo",
        undo.undo_job,
        "Take back what a job did, or try it",
        permission=Permission.MANAGE,
        tag=_TAG,
        answers=(200, 202, 400, 404, 409, 413),
        body=as_json(UNDO_JOB_WISH),
        result=as_json(UNDO_RESULT),
    ),
)
