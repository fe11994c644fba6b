"""Handlers that flag and rebuild a case."""

from __future__ import annotations

import orjson
from aiohttp import web

from api.http.keys import PRINCIPAL, WRITER
from api.http.requests import author_of, json_answer, place_of
from api.wire.json_body import parse_reason
from api.wire.problems import case_not_found
from ledger.commands.form_states import FlagCases, RebuildCases
from ledger.entry import Kind, Receipt
from ledger.errors import Conflict
from ledger.forms.names import is_legal


async def delete_case(request: web.Request) -> web.Response:
    """Flag a case as deleted: no list has it, its forms stay.

    ``rules/case-xml.md`` 15.6.
    """
    return await _flag(request, Kind.CASE_DELETE)


async def restore_case(request: web.Request) -> web.Response:
    """Take the flag back."""
    return await _flag(request, Kind.CASE_RESTORE)


async def rebuild_case(request: web.Request) -> web.Response:
    """Fold a case from nothing, and note that somebody asked for it."""
    command = RebuildCases(
        case_ids=(_case_id(request),),
        author=author_of(request),
        reason=parse_reason(await request.read()),
    )
    return await _submit(request, command)


async def _flag(request: web.Request, kind: Kind) -> web.Response:
    command = FlagCases(
        case_ids=(_case_id(request),),
        kind=kind,
        author=author_of(request),
        reason=parse_reason(await request.read()),
    )
    return await _submit(request, command)


async def _submit(
    request: web.Request, command: FlagCases | RebuildCases
) -> web.Response:
    case_id = _case_id(request)
    try:
        receipt: Receipt = await request.app[WRITER].submit(
            request[PRINCIPAL].domain, command
        )
    except Conflict:
        # The one thing that it can find fault with.
        raise case_not_found(case_id) from None
    answer = {
        "case_id": case_id,
        "changed": receipt.position is not None,
        "position": receipt.position,
    }
    return json_answer(orjson.dumps(answer))


def _case_id(request: web.Request) -> str:
    case_id = place_of(request, "case_id")
    if not is_legal(case_id):
        # No form can have named such a case, and no database takes every id.
        raise case_not_found(case_id)
    return case_id
