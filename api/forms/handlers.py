"""Handlers of single forms: look at one, have its bytes, change whether it counts."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import TypeVar
from urllib.parse import quote

import orjson
from aiohttp import web
from aiohttp.hdrs import CONTENT_DISPOSITION, USER_AGENT

from api.forms.wire import parse_reason
from api.http.keys import PRINCIPAL, STORE, WRITER
from api.http.requests import base_address, json_answer, place_of
from api.wire.forms import render_form, render_outcome
from api.wire.problems import Problem
from ledger.commands.form_states import ChangeForms
from ledger.entry import Author, Kind
from ledger.errors import Conflict, NotFound
from ledger.forms.names import is_legal, printable
from ledger.store import Reader, Store
from projections.forms.view import attachment_of, form_bytes, look_at_form

T = TypeVar("T")

_CONTENT_TYPE = re.compile(r"[\w.+-]{1,100}/[\w.+-]{1,100}", re.ASCII)
_UNKNOWN_TYPE = "application/octet-stream"

# What came from a device must never run as a page of this server.
_HARMLESS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox",
}


async def get_form(request: web.Request) -> web.Response:
    """Answer a form with its state, its versions and all that happened to it."""
    view = await _look(request, partial(look_at_form, form_id=_form_id(request)))
    return json_answer(orjson.dumps(render_form(view, base=base_address(request))))


async def get_form_xml(request: web.Request) -> web.Response:
    """Answer the bytes of a form as they came."""
    form_id = _form_id(request)
    body = await _look(request, partial(form_bytes, form_id=form_id))
    return _file(body, name=f"{form_id}.xml", content_type="application/xml")


async def get_form_attachment(request: web.Request) -> web.Response:
    """Answer the bytes of a file that came with a form."""
    attachment, content = await _look(
        request,
        partial(
            attachment_of,
            form_id=_form_id(request),
            name=place_of(request, "attachment"),
        ),
    )
    kind = attachment.content_type.partition(";")[0].strip()
    known = _CONTENT_TYPE.fullmatch(kind) is not None
    return _file(
        content,
        name=attachment.name,
        content_type=kind if known else _UNKNOWN_TYPE,
    )


async def archive_form(request: web.Request) -> web.Response:
    """Withdraw a form: its cases are folded without it (``rules/case-xml.md`` 15)."""
    return await _change(request, Kind.ARCHIVE)


async def unarchive_form(request: web.Request) -> web.Response:
    """Let an archived form count again."""
    return await _change(request, Kind.UNARCHIVE)


async def delete_form(request: web.Request) -> web.Response:
    """Delete a form softly: it does not count, and can be restored."""
    return await _change(request, Kind.FORM_DELETE)


async def restore_form(request: web.Request) -> web.Response:
    """Make a deleted form what it was before."""
    return await _change(request, Kind.FORM_RESTORE)


async def reprocess_form(request: web.Request) -> web.Response:
    """Try an XFormError again; its problem is told when it fails again."""
    return await _change(request, Kind.REPROCESS)


async def _change(request: web.Request, kind: Kind) -> web.Response:
    principal = request[PRINCIPAL]
    command = ChangeForms(
        form_ids=(_form_id(request),),
        kind=kind,
        author=author_of(request),
        reason=parse_reason(await request.read()),
    )
    try:
        [outcome] = await request.app[WRITER].submit(principal.domain, command)
    except Conflict as refused:
        # The request is sound; it is the state of the form that forbids it.
        raise Problem(409, printable(refused.text)) from None
    return json_answer(orjson.dumps(render_outcome(outcome)))


def author_of(request: web.Request) -> Author:
    """Return who is behind a request."""
    principal = request[PRINCIPAL]
    return Author(
        user_id=principal.user_id,
        username=principal.username,
        device_id=request.headers.get(USER_AGENT, ""),
    )


def _form_id(request: web.Request) -> str:
    form_id = place_of(request, "form_id")
    if not is_legal(form_id):
        # No form can have brought such an id, and no database takes every one.
        raise NotFound(f"Form '{form_id}' not found")
    return form_id


async def _look(request: web.Request, fn: Callable[[Reader], T]) -> T:
    """Read in one snapshot, so that a form and its entries are of one moment."""
    store, domain = request.app[STORE], request[PRINCIPAL].domain
    return await store.aside(partial(_in_snapshot, store, domain, fn))


def _in_snapshot(store: Store, domain: str, fn: Callable[[Reader], T]) -> T:
    with store.snapshot(domain) as reader:
        return fn(reader)


def _file(body: bytes, *, name: str, content_type: str) -> web.Response:
    shown = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    return web.Response(
        body=body,
        content_type=content_type,
        headers={CONTENT_DISPOSITION: shown, **_HARMLESS},
    )
