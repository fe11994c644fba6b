"""The handler that answers what a write would do, and writes nothing.

A body is read and parsed as the address that it is meant for would, so it is refused
with the same words.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any, TypeVar

import orjson
from aiohttp import web
from aiohttp.hdrs import CONTENT_TYPE

from api.cases.asked import READ_AT_ONCE
from api.cases.wire import parse_write
from api.dry_run.wire import render_prediction
from api.http.keys import CONFIG, PRINCIPAL, WRITER
from api.http.requests import author_of, json_answer, parsed
from api.receiver.body import is_multipart, read_body
from api.receiver.head import Origin, envelope, submit_time
from api.wire.dialects import JSON_TYPE
from api.wire.parameters import pairs
from api.wire.problems import Problem, invalid_value, unknown_parameter
from ledger.cases.change import Intent
from ledger.commands.case_changes import ChangeCases
from ledger.commands.submissions import SubmitForm
from ledger.commands.values import Prediction
from ledger.commands.what_if import WhatIf
from ledger.entry import Receipt, Submission
from ledger.errors import Malformed
from ledger.forms.form_xml import parse_form
from ledger.forms.names import printable

T = TypeVar("T")

_XML_TYPES = frozenset(("text/xml", "application/xml"))
_INTENTS = {"POST": Intent.CREATE, "PUT": Intent.PUT}


async def dry_run(request: web.Request) -> web.Response:
    """Answer the states and errors that a form or a JSON body would result in."""
    intent = _intent(request)
    body = await request.read()
    if request.content_type == JSON_TYPE:
        command: ChangeCases | SubmitForm = await parsed(
            body, partial(_changes, request, intent)
        )
        chosen: Sequence[str | None] = ()
    elif _holds_form(request):
        command = await parsed(body, partial(_submission, request))
        chosen = [command.form.form_id] if command.form is not None else []
    else:
        raise _unknown_type(request.content_type)
    predicted: Prediction = await request.app[WRITER].submit(
        request[PRINCIPAL].domain, WhatIf(command)
    )
    render = partial(_answer, predicted, chosen)
    is_short = len(predicted.cases) <= READ_AT_ONCE
    answer = render() if is_short else await asyncio.to_thread(render)
    return json_answer(answer)


def _answer(predicted: Prediction, chosen: Sequence[str | None]) -> bytes:
    return orjson.dumps(render_prediction(predicted, form_ids=chosen))


def _intent(request: web.Request) -> Intent:
    """Return what a JSON object means, which the method says at the real address."""
    method = "POST"
    for name, value in pairs(request.rel_url.raw_query_string):
        if name != "method":
            raise unknown_parameter(printable(name))
        method = value
    if method not in _INTENTS:
        raise invalid_value("method", printable(method))
    return _INTENTS[method]


def _holds_form(request: web.Request) -> bool:
    sent = request.headers.get(CONTENT_TYPE, "")
    return request.content_type in _XML_TYPES or is_multipart(sent)


def _unknown_type(content_type: str) -> Problem:
    text = (
        "The Content-Type must be application/json, text/xml, application/xml or "
        f"multipart/form-data, not {printable(content_type)}"
    )
    return Problem(415, text)


def _changes(request: web.Request, intent: Intent, body: bytes) -> ChangeCases:
    """Return the changes that the case API would make of a body."""
    wish = parse_write(body, single=intent, limit=request.app[CONFIG].row_limit)
    return ChangeCases(
        changes=wish.changes, author=author_of(request), render=_as_it_is
    )


def _as_it_is(receipt: Receipt) -> Any:
    """Return the receipt where others return what a client is sent for it."""
    return receipt


def _submission(request: web.Request, body: bytes) -> SubmitForm:
    """Return the submission that the receiver would make of a body."""
    principal = request[PRINCIPAL]
    origin = Origin(path=request.path, remote=request.remote)
    parts = read_body(
        body,
        request.headers.get(CONTENT_TYPE, ""),
        kinds=request.app[CONFIG].attachments,
    )
    submission = Submission(
        body=parts.form,
        author=author_of(request),
        attachments=parts.uploads,
        envelope={
            **envelope(request.headers, origin, principal),
            **parts.notes,
        },
        submit_time=submit_time(request.headers, principal),
    )
    try:
        return SubmitForm(submission=submission, form=parse_form(parts.form))
    except Malformed as error:
        return SubmitForm(submission=submission, form=None, problem=str(error))
