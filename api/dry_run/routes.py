"""The row of dry runs in the table of routes."""

from __future__ import annotations

from api.dry_run.handlers import dry_run
from api.dry_run.openapi import FORM_OR_CHANGES, METHOD, PREDICTION
from api.openapi.shapes import as_json
from api.wire.permissions import Permission
from api.wire.route import LEDGER, Route, json_route

ROUTES: tuple[Route, ...] = (
    json_route(
        "POST",
        f"{LEDGER}/dry-run",
        dry_run,
        "Tell what a form or a JSON body would do, and do nothing",
        permission=Permission.EDIT_DATA,
        tag="Dry run",
        answers=(200, 400, 413, 415, 422),
        parameters=(METHOD,),
        body=FORM_OR_CHANGES,
        result=as_json(PREDICTION),
    ),
)
