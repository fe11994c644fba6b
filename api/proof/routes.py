"""The rows of the proof in the table of routes."""

from __future__ import annotations

from api.openapi.shapes import as_json
from api.proof import handlers as proof
from api.proof.openapi import AT_POSITION, LEDGER_HEAD, SIGNED_CHECKPOINT
from api.wire.permissions import Permission
from api.wire.route import LEDGER, Route, json_route

_TAG = "Proof"

ROUTES: tuple[Route, ...] = (
    json_route(
        "GET",
        f"{LEDGER}/head",
        proof.get_head,
        "Get position and digest of the log's last entry, or of an earlier one",
        permission=Permission.READ_DATA,
        tag=_TAG,
        answers=(200, 400, 404),
        parameters=(AT_POSITION,),
        result=as_json(LEDGER_HEAD),
    ),
    json_route(
        "GET",
        f"{LEDGER}/checkpoint",
        proof.get_checkpoint,
        "Get a file that says, signed, what the log is",
        permission=Permission.MANAGE,
        tag=_TAG,
        answers=(200, 400, 409),
        result=SIGNED_CHECKPOINT,
    ),
)
