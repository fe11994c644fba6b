"""The rows of forms in error in the table of routes."""

from __future__ import annotations

from api.errors import handlers as errors
from api.errors.openapi import ERRORS_WISH, FILTERS, FORMS_IN_ERROR
from api.openapi.shapes import as_json
from api.openapi.shared import FORM, FORM_OUTCOME, FORM_XML, JOB, PAGED, REASON_WISH
from api.wire.permissions import Permission
from api.wire.route import LEDGER, Route, json_route

_TAG = "Forms in error"

_LIST = f"{LEDGER}/errors"
_ERROR = f"{_LIST}/{{form_id}}"

ROUTES: tuple[Route, ...] = (
    json_route(
        "GET",
        _LIST,
        errors.list_errors,
        "List forms in error, the newest first",
        permission=Permission.READ_DATA,
        tag=_TAG,
        answers=(200, 400),
        parameters=(*FILTERS, *PAGED),
        result=as_json(FORMS_IN_ERROR),
    ),
    json_route(
        "POST",
        f"{_LIST}/reprocess",
        errors.reprocess_errors,
        "Try all forms in error of a kind again, as a job",
        permission=Permission.EDIT_DATA,
        tag=_TAG,
        answers=(202, 400, 413),
        body=as_json(ERRORS_WISH),
        result=as_json(JOB),
    ),
    json_route(
        "GET",
        _ERROR,
        errors.get_error,
        "Get a form in error: its problem, who sent it, its life",
        permission=Permission.READ_DATA,
        tag=_TAG,
        answers=(200, 400, 404),
        result=as_json(FORM),
    ),
    json_route(
        "GET",
        f"{_ERROR}/xml",
        errors.get_error_xml,
        "Get the bytes of a form in error",
        permission=Permission.READ_DATA,
        tag=_TAG,
        answers=(200, 400, 404),
        result=FORM_XML,
    ),
    json_route(
        "POST",
        f"{_ERROR}/reprocess",
        errors.reprocess_error,
        "Try a form in error again",
        permission=Permission.EDIT_DATA,
        tag=_TAG,
        answers=(200, 400, 404, 409, 413),
        body=as_json(REASON_WISH),
        result=as_json(FORM_OUTCOME),
    ),
)
