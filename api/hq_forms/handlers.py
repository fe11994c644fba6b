"""Handlers of HQ's APIs for forms (``rules/hq-forms.md``): parse, read, render."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import orjson
from aiohttp import web

from api.hq_forms.query import CASES_FULL, question_of
from api.http.files import shown_file
from api.http.forms import form_id_of
from api.http.hq import answer, query_of
from api.http.requests import at_one_moment, base_address, place_of
from api.wire.formats import Format
from api.wire.hq_case import case_object
from api.wire.hq_form import FORM_XML, XML_TYPE, form_object
from api.wire.hq_query import HqQuery
from api.wire.list_v0_5 import Page, enveloped
from ledger.bodies import get_blob
from ledger.errors import Malformed, NotFound
from ledger.forms.form_xml import named_case_ids
from ledger.store import Reader
from projections.cases.by_id import whole_cases
from projections.cases.touching import touching_forms
from projections.cases.values import NOBODY
from projections.forms.lists import list_forms as listed_forms
from projections.forms.stored import stored_form
from projections.forms.values import FormQuestion
from projections.rule.form_json import StoredForm


async def list_forms(request: web.Request) -> web.Response:
    """Answer a page of the forms that match (rule 2)."""
    query = query_of(request)
    page = query.page()
    read = partial(
        _page, asked=question_of(query), page=page, manner=_manner(request, query)
    )
    texts, total = await at_one_moment(request, read)
    meta = query.meta(page, total=total)
    return answer(enveloped(meta, texts, asked=Format.JSON))


async def get_form(request: web.Request) -> web.Response:
    """Answer one form, whatever its state (rule 3)."""
    manner = _manner(request, query_of(request))
    read = partial(_one, form_id=form_id_of(request), manner=manner)
    return answer((await at_one_moment(request, read)).encode())


async def get_attachment(request: web.Request) -> web.Response:
    """Answer the bytes of a file that came with a form, or of the form (rule 4)."""
    name = place_of(request, "attachment")
    read = partial(_file, form_id=form_id_of(request), name=name)
    content_type, content = await at_one_moment(request, read)
    return shown_file(content, name=name, content_type=content_type)


class _Manner(NamedTuple):
    """How forms are written: from which address, and whether with their cases."""

    base: str
    with_cases: bool


def _manner(request: web.Request, query: HqQuery) -> _Manner:
    return _Manner(base_address(request), query.is_on(CASES_FULL))


def _page(
    r: Reader, *, asked: FormQuestion, page: Page, manner: _Manner
) -> tuple[list[str], int]:
    """Return the forms of a page as they are written, and how many there are."""
    found = listed_forms(r, asked, limit=page.limit, offset=page.offset)
    return _texts(r, found.forms, manner), found.total


def _one(r: Reader, *, form_id: str, manner: _Manner) -> str:
    (text,) = _texts(r, [stored_form(r, form_id)], manner)
    return text


def _texts(r: Reader, forms: Sequence[StoredForm], manner: _Manner) -> list[str]:
    objects = [form_object(form, base=manner.base) for form in forms]
    if manner.with_cases:
        for written, cases in zip(objects, _cases(r, forms), strict=True):
            written["cases"] = cases
    return [orjson.dumps(written).decode() for written in objects]


def _cases(r: Reader, forms: Sequence[StoredForm]) -> Iterator[list[dict[str, Any]]]:
    """Yield for each form the cases that it names, but those deleted (rule 1.7)."""
    named = [_named(form) for form in forms]
    ids = sorted({case_id for found in named for case_id in found})
    cases, touching = whole_cases(r, ids), touching_forms(r, ids)
    for found in named:
        yield [
            case_object(cases[case_id], touching.get(case_id, NOBODY))
            for case_id in found
            if case_id in cases
        ]


def _named(form: StoredForm) -> list[str]:
    """Return the ids of the cases that a form names, none if it cannot be read."""
    try:
        return named_case_ids(form.body or b"")
    except Malformed:
        return []


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
