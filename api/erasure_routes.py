"""The row of an erasure in the table of routes."""

from __future__ import annotations

from api.dialects import CASE_V2
from api.erasure import erase_case
from api.permissions import Permission
from api.route import Route

ERASURE = "Erasure"

ERASURE_ROUTES: tuple[Route, ...] = (
    Route(
        method="POST",
        path="/a/{domain}/api/ledger/v1/cases/{case_id}/erase",
        handler=erase_case,
        permission=Permission.MANAGE,
        dialect=CASE_V2,
        summary="Make the personal data of a case unreadable for good, or try it",
        tag=ERASURE,
        answers=(200, 400, 404, 413),
        body="erasure",
        result="erasure",
    ),
)
