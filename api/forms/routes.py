"""The rows of forms and their life in the table of routes."""

from __future__ import annotations

from api.forms import handlers as forms
from api.forms.openapi import FORM_ATTACHMENT
from api.http.middleware import Handler
from api.openapi.shapes import as_json
from api.openapi.shared import FORM, FORM_OUTCOME, FORM_XML, REASON_WISH
from api.wire.permissions import Permission
from api.wire.route import LEDGER, Content, Route, json_route

_TAG = "Forms"
_FORM = f"{LEDGER}/forms/{{form_id}}"


def _read(path: str, handler: Handler, summary: str, *, result: Content) -> Route:
    return json_route(
        "GET",
        path,
        handler,
        summary,
        permission=Permission.READ_DATA,
        tag=_TAG,
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
        tag=_TAG,
        answers=(200, 400, 404, 409, 413),
        body=as_json(REASON_WISH),
        result=as_json(FORM_OUTCOME),
    )


ROUTES: tuple[Route, ...] = (
    _read(_FORM, forms.get_form, "Get a form and its life", result=as_json(FORM)),
    _read(
        f"{_FORM}/xml",
        forms.get_form_xml,
        "Get the bytes of a form as they came",
        result=FORM_XML,
    ),
    _read(
        f"{_FORM}/attachments/{{attachment}}",
        forms.get_form_attachment,
        "Get a file that came with a form",
        result=FORM_ATTACHMENT,
    ),
    _form_act(
        "archive",
        forms.archive_form,
        "Withdraw a form, so that its cases are folded without it",
        Permission.EDIT_DATA,
    ),
    _form_act(
        "unarchive",
        forms.unarchive_form,
        "Let an archived form count again",
        Permission.EDIT_DATA,
    ),
    _form_act(
        "reprocess",
        forms.reprocess_form,
        "Try an XFormError again",
        Permission.EDIT_DATA,
    ),
    _form_act(
        "delete",
        forms.delete_form,
        "Delete a form softly, whatever its state",
        Permission.MANAGE,
    ),
    _form_act(
        "restore",
        forms.restore_form,
        "Make a deleted form what it was before",
        Permission.MANAGE,
    ),
)
