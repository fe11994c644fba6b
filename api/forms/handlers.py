"""Handlers of single forms: look at one, have its bytes, change whether it counts."""

from __future__ import annotations

from functools import partial

import orjson
from aiohttp import web

from api.http.files import kept_file, known_type
from api.http.forms import change_form, form_id_of, xml_of_form
from api.http.requests import at_one_moment, base_address, json_answer, place_of
from api.wire.forms import render_form
from ledger.entry import Kind
from projections.forms.view import attachment_of, look_at_form


async def get_form(request: web.Request) -> web.Response:
    """Answer a form with its state, its versions and all that happened to it."""
    view = await at_one_moment(
        request, partial(look_at_form, form_id=form_id_of(request))
    )
    return json_answer(orjson.dumps(render_form(view, base=base_address(request))))


async def get_form_xml(request: web.Request) -> web.Response:
    """Answer the bytes of a form as they came."""
    return await xml_of_form(request)


async def get_form_attachment(request: web.Request) -> web.Response:
    """Answer the bytes of a file that came with a form."""
    attachment, content = await at_one_moment(
        request,
        partial(
            attachment_of,
            form_id=form_id_of(request),
            name=place_of(request, "attachment"),
        ),
    )
    return kept_file(
        content,
        name=attachment.name,
        content_type=known_type(attachment.content_type),
    )


async def archive_form(request: web.Request) -> web.Response:
    """Withdraw a form: its cases are folded without it (``rules/case-xml.md`` 15)."""
    return await change_form(request, Kind.ARCHIVE)


async def unarchive_form(request: web.Request) -> web.Response:
    """Let an archived form count again."""
    return await change_form(request, Kind.UNARCHIVE)


async def delete_form(request: web.Request) -> web.Response:
    """Delete a form softly: it does not count, and can be restored."""
    return await change_form(request, Kind.FORM_DELETE)


async def restore_form(request: web.Request) -> web.Response:
    """Make a deleted form what it was before."""
    return await change_form(request, Kind.FORM_RESTORE)


async def reprocess_form(request: web.Request) -> web.Response:
    """Try an XFormError again; its problem is told when it fails again."""
    return await change_form(request, Kind.REPROCESS)
