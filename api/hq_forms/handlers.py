"""Handlers of HQ's APIs for forms (``rules/hq-forms.md``): parse, read, render."""

from __future__ import annotations

from functools import partial
from typing import Any

import orjson
from aiohttp import web

from api.hq_forms.query import question_of
from api.http.files import shown_file
from api.http.forms import form_id_of
from api.http.hq import answer, query_of
from api.http.requests import at_one_moment, base_address, place_of
from api.wire.formats import Format
from api.wire.hq_form import FORM_XML, XML_TYPE, form_object
from api.wire.list_v0_5 import Page, enveloped
from ledger.bodies import get_blob
from ledger.errors import NotFound
from ledger.store import Reader
from projections.forms.lists import list_forms as listed_forms
from projections.forms.stored import stored_form
from projections.forms.values import FormQuestion


async def list_forms(request: web.Request) -> web.Response:
    """Answer a page of the forms that match (rule 2)."""
    query = query_of(request)
    page = query.page()
    read = partial(
        _page, asked=question_of(query), page=page, base=base_address(request)
    )
    texts, total = await at_one_moment(request, read)
    meta = query.meta(page, total=total)
    return answer(enveloped(meta, texts, asked=Format.JSON))


async def get_form(request: web.Request) -> web.Response:
    """Answer one form, whatever its state (rule 3)."""
    read = partial(_one, form_id=form_id_of(request), base=base_address(request))
    return answer((await at_one_moment(request, read)).encode())


async def get_attachment(request: web.Request) -> web.Response:
    """Answer the bytes of a file that came with a form, or of the form (rule 4)."""
    name = place_of(request, "attachment")
    read = partial(_file, form_id=form_id_of(request), name=name)
    content_type, content = await at_one_moment(request, read)
    return shown_file(content, name=name, content_type=content_type)


def _page(
    r: Reader, *, asked: FormQuestion, page: Page, base: str
) -> tuple[list[str], int]:
    """Return the forms of a page as they are written, and how many there are."""
    found = listed_forms(r, asked, limit=page.limit, offset=page.offset)
    return [_text(form_object(form, base=base)) for form in found.forms], found.total


def _one(r: Reader, *, form_id: str, base: str) -> str:
    return _text(form_object(stored_form(r, form_id), base=base))


def _text(found: dict[str, Any]) -> str:
    return orjson.dumps(found).decode()


def _file(r: Reader, *, form_id: str, name: str) -> tuple[str, bytes]:
    """Return a file of a form with its type; raises ``NotFound``."""
    form = stored_form(r, form_id)
    for file in form.version.attachments:
        content = get_blob(r, file.sha256) if file.name == name else None
        if content is not None:
            return file.content_type, content
    if name == FORM_XML and form.body is not None:
        return XML_TYPE, form.body
    raise NotFound(f"Form '{form_id}' has no attachment '{name}'")
