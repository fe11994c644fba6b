"""The row of an erasure in the table of routes."""

from __future__ import annotations

from api.erasure.handlers import erase_case
from api.wire.permissions import Permission
from api.wire.route import LEDGER, Route, json_route

ERASURE = "Erasure"

ROUTES: tuple[Route, ...] = (
    json_route(
        "POST",
        f"{LEDGER}/cases/{{case_id}}/erase",
        erase_case,
        "Make the personal data of a case unreadable for good, or try it",
        permission=Permission.MANAGE,
        tag=ERASURE,
        answers=(200, 400, 404, 413),
        body="erasure",
        result="erasure",
    ),
)
