"""The row of dry runs in the table of routes."""

from __future__ import annotations

from api.dry_run.handlers import dry_run
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
        parameters=("dry_run_method",),
        body="dry_run",
        result="prediction",
    ),
)
