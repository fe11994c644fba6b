"""What handlers of forms share: the form that a path names, its bytes, acts on it."""

from __future__ import annotations

from functools import partial

import orjson
from aiohttp import web

from api.http.files import kept_file
from api.http.keys import PRINCIPAL, WRITER
from api.http.requests import (
    at_one_moment,
    author_of,
    json_answer,
    place_of,
    state_may_forbid,
)
from api.wire.forms import render_outcome
from api.wire.json_body import parse_reason
from ledger.commands.form_states import ChangeForms
from ledger.entry import Kind
from ledger.errors import NotFound
from ledger.forms.names import is_legal
from projections.forms.view import form_bytes


def form_id_of(request: web.Request) -> str:
    """Return the id of the form that a path names; raises ``NotFound``."""
    form_id = place_of(request, "form_id")
    if not is_legal(form_id):
        # No form can have brought such an id, and no database takes every one.
        raise NotFound(f"Form '{form_id}' not found")
    return form_id


async def xml_of_form(request: web.Request) -> web.Response:
    """Answer the bytes of a form as they came."""
    form_id = form_id_of(request)
    body = await at_one_moment(request, partial(form_bytes, form_id=form_id))
    return kept_file(body, name=f"{form_id}.xml", content_type="application/xml")


async def change_form(request: web.Request, kind: Kind) -> web.Response:
    """Do something to a form, and answer what became of it."""
    command = ChangeForms(
        form_ids=(form_id_of(request),),
        kind=kind,
        author=author_of(request),
        reason=parse_reason(await request.read()),
    )
    with state_may_forbid():
        [outcome] = await request.app[WRITER].submit(request[PRINCIPAL].domain, command)
    return json_answer(orjson.dumps(render_outcome(outcome)))
