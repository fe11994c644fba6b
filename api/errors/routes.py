"""The rows of forms in error in the table of routes."""

from __future__ import annotations

from api.errors import handlers as errors
from api.wire.permissions import Permission
from api.wire.route import LEDGER, Route, json_route

ERRORS = "Forms in error"

_LIST = f"{LEDGER}/errors"
_ERROR = f"{_LIST}/{{form_id}}"

ROUTES: tuple[Route, ...] = (
    json_route(
        "GET",
        _LIST,
        errors.list_errors,
        "List forms in error, the newest first",
        permission=Permission.READ_DATA,
        tag=ERRORS,
        answers=(200, 400),
        parameters=(
            "error_state",
            "error_problem",
            "error_xmlns",
            "error_user_id",
            "error_form_id",
            "error_received_from",
            "error_received_to",
            "list_limit",
            "list_cursor",
        ),
        result="errors",
    ),
    json_route(
        "POST",
        f"{_LIST}/reprocess",
        errors.reprocess_errors,
        "Try all forms in error of a kind again, as a job",
        permission=Permission.EDIT_DATA,
        tag=ERRORS,
        answers=(202, 400, 413),
        body="errors",
        result="job",
    ),
    json_route(
        "GET",
        _ERROR,
        errors.get_error,
        "Get a form in error: its problem, who sent it, its life",
        permission=Permission.READ_DATA,
        tag=ERRORS,
        answers=(200, 400, 404),
        result="form_seen",
    ),
    json_route(
        "GET",
        f"{_ERROR}/xml",
        errors.get_error_xml,
        "Get the bytes of a form in error",
        permission=Permission.READ_DATA,
        tag=ERRORS,
        answers=(200, 400, 404),
        result="form_xml",
    ),
    json_route(
        "POST",
        f"{_ERROR}/reprocess",
        errors.reprocess_error,
        "Try a form in error again",
        permission=Permission.EDIT_DATA,
        tag=ERRORS,
        answers=(200, 400, 404, 409, 413),
        body="reason",
        result="form_outcome",
    ),
)
