"""The row of an erasure in the table of routes."""

from __future__ import annotations

from api.erasure.handlers import erase_case
from api.erasure.openapi import ERASURE_RESULT, ERASURE_WISH
from api.openapi.shapes import as_json
from api.wire.permissions import Permission
from api.wire.route import LEDGER, Route, json_route

ROUTES: tuple[Route, ...] = (
    json_route(
        "POST",
        f"{LEDGER}/cases/{{case_id}}/erase",
        erase_case,
        "Make the personal data of a case unreadable for good, or try it",
        permission=Permission.MANAGE,
        tag="Erasure",
        answers=(200, 400, 404, 413),
        body=as_json(ERASURE_WISH),
        result=as_json(ERASURE_RESULT),
    ),
)
