"""The rows of forms in error in the table of routes."""

from __future__ import annotations

from api import errors
from api.dialects import CASE_V2
from api.permissions import Permission
from api.route import Route

ERRORS = "Forms in error"

_LIST = "/a/{domain}/api/ledger/v1/errors"
_ERROR = "/a/{domain}/api/ledger/v1/errors/{form_id}"

ERROR_ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path=_LIST,
        handler=errors.list_errors,
        permission=Permission.READ_DATA,
        dialect=CASE_V2,
        summary="List forms in error, the newest first",
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
    Route(
        method="POST",
        path=f"{_LIST}/reprocess",
        handler=errors.reprocess_errors,
        permission=Permission.EDIT_DATA,
        dialect=CASE_V2,
        summary="Try all forms in error of a kind again, as a job",
        tag=ERRORS,
        answers=(202, 400, 413),
        body="errors",
        result="job",
    ),
    Route(
        method="GET",
        path=_ERROR,
        handler=errors.get_error,
        permission=Permission.READ_DATA,
        dialect=CASE_V2,
        summary="Get a form in error: its problem, who sent it, its life",
        tag=ERRORS,
        answers=(200, 400, 404),
        result="form_seen",
    ),
    Route(
        method="GET",
        path=f"{_ERROR}/xml",
        handler=errors.get_error_xml,
        permission=Permission.READ_DATA,
        dialect=CASE_V2,
        summary="Get the bytes of a form in error",
        tag=ERRORS,
        answers=(200, 400, 404),
        result="form_xml",
    ),
    Route(
        method="POST",
        path=f"{_ERROR}/reprocess",
        handler=errors.reprocess_error,
        permission=Permission.EDIT_DATA,
        dialect=CASE_V2,
        summary="Try a form in error again",
        tag=ERRORS,
        answers=(200, 400, 404, 409, 413),
        body="reason",
        result="form_outcome",
    ),
)
