"""The rows of the life of forms and cases in the table of routes."""

from __future__ import annotations

from api.cases import states as cases_life
from api.dry_run import handlers as dry_run
from api.forms import handlers as forms_life
from api.http.middleware import Handler
from api.wire.permissions import Permission
from api.wire.route import LEDGER, Route, json_route

FORMS = "Forms"
CASE_LIFE = "Life of cases"
TRIALS = "Dry run"
_FORM = f"{LEDGER}/forms/{{form_id}}"
_CASE = f"{LEDGER}/cases/{{case_id}}"


def _read(path: str, handler: Handler, summary: str, *, result: str) -> Route:
    return json_route(
        "GET",
        path,
        handler,
        summary,
        permission=Permission.READ_DATA,
        tag=FORMS,
        answers=(200, 400, 404),
        result=result,
    )


def _form_act(
    name: str, handler: Handler, summary: str, permission: Permission
) -> Route:
    """Return the row of an address that changes a form; a reason may be given."""
    return json_route(
        "POST",
        f"{_FORM}/{name}",
        handler,
        summary,
        permission=permission,
        tag=FORMS,
        answers=(200, 400, 404, 409, 413),
        body="reason",
        result="form_outcome",
    )


def _case_act(
    name: str, handler: Handler, summary: str, permission: Permission
) -> Route:
    return json_route(
        "POST",
        f"{_CASE}/{name}",
        handler,
        summary,
        permission=permission,
        tag=CASE_LIFE,
        answers=(200, 400, 404, 413),
        body="reason",
        result="case_outcome",
    )


LIFE_ROUTES = (
    _read(_FORM, forms_life.get_form, "Get a form and its life", result="form_seen"),
    _read(
        f"{_FORM}/xml",
        forms_life.get_form_xml,
        "Get the bytes of a form as they came",
        result="form_xml",
    ),
    _read(
        f"{_FORM}/attachments/{{attachment}}",
        forms_life.get_form_attachment,
        "Get a file that came with a form",
        result="attachment",
    ),
    _form_act(
        "archive",
        forms_life.archive_form,
        "Withdraw a form, so that its cases are folded without it",
        Permission.EDIT_DATA,
    ),
    _form_act(
        "unarchive",
        forms_life.unarchive_form,
        "Let an archived form count again",
        Permission.EDIT_DATA,
    ),
    _form_act(
        "reprocess",
        forms_life.reprocess_form,
        "Try an XFormError again",
        Permission.EDIT_DATA,
    ),
    _form_act(
        "delete",
        forms_life.delete_form,
        "Delete a form softly, whatever its state",
        Permission.MANAGE,
    ),
    _form_act(
        "restore",
        forms_life.restore_form,
        "Make a deleted form what it was before",
        Permission.MANAGE,
    ),
    _case_act(
        "delete",
        cases_life.delete_case,
        "Flag a case as deleted",
        Permission.EDIT_DATA,
    ),
    _case_act(
        "restore",
        cases_life.restore_case,
        "Take back that a case is deleted",
        Permission.EDIT_DATA,
    ),
    _case_act(
        "rebuild",
        cases_life.rebuild_case,
        "Fold a case from nothing",
        Permission.MANAGE,
    ),
    json_route(
        "POST",
        f"{LEDGER}/dry-run",
        dry_run.dry_run,
        "Tell what a form or a JSON body would do, and do nothing",
        permission=Permission.EDIT_DATA,
        tag=TRIALS,
        answers=(200, 400, 413, 415, 422),
        parameters=("dry_run_method",),
        body="dry_run",
        result="prediction",
    ),
)
