"""The rows of the proof in the table of routes."""

from __future__ import annotations

from api import proof
from api.dialects import CASE_V2
from api.permissions import Permission
from api.route import Route

PROOF = "Proof"
_LEDGER = "/a/{domain}/api/ledger/v1"

PROOF_ROUTES = (
    Route(
        method="GET",
        path=f"{_LEDGER}/head",
        handler=proof.get_head,
        permission=Permission.READ_DATA,
        dialect=CASE_V2,
        summary="Get position and digest of the log's last entry, or of an earlier one",
        tag=PROOF,
        answers=(200, 400, 404),
        parameters=("position",),
        result="ledger_head",
    ),
    Route(
        method="GET",
        path=f"{_LEDGER}/checkpoint",
        handler=proof.get_checkpoint,
        permission=Permission.MANAGE,
        dialect=CASE_V2,
        summary="Get a file that says, signed, what the log is",
        tag=PROOF,
        answers=(200, 400, 409),
        result="signed_checkpoint",
    ),
)
