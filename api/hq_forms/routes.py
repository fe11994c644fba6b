"""The rows of HQ's APIs for forms in the table of routes."""

from __future__ import annotations

from api.hq_forms import handlers as forms
from api.hq_forms.openapi import FILE, FORM, FORMS, LIST_FILTERS
from api.http.hq import identify
from api.openapi.shapes import as_json
from api.wire.permissions import Permission
from api.wire.route import Route, hq_route

_TAG = "CommCare HQ's form APIs"

ROUTES: tuple[Route, ...] = (
    hq_route(
        "GET",
        "/a/{domain}/{hq_form}",
        forms.list_forms,
        "List forms in the manner of CommCare HQ",
        permission=Permission.READ_DATA,
        tag=_TAG,
        identify=identify,
        operation="list_hq_forms",
        parameters=LIST_FILTERS,
        result=as_json(FORMS),
    ),
    hq_route(
        "GET",
        "/a/{domain}/{hq_form}/{form_id}",
        forms.get_form,
        "Get a form in the manner of CommCare HQ",
        permission=Permission.READ_DATA,
        tag=_TAG,
        identify=identify,
        operation="get_hq_form",
        answers=(200, 400, 404),
        result=as_json(FORM),
    ),
    hq_route(
        "GET",
        "/a/{domain}/{hq_form_attachment}/{form_id}/{attachment}",
        forms.get_attachment,
        "Get a file of a form, or its XML as form.xml",
        permission=Permission.READ_DATA,
        tag=_TAG,
        identify=identify,
        operation="get_hq_form_attachment",
        is_rated=False,
        answers=(200, 400, 404),
        result=FILE,
    ),
)
