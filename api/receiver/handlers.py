"""Handlers of the OpenRosa receiver (``rules/submission.md``).

The way of a body is one line: read it within its limits, parse it, judge whether it is
for the ledger, submit it, render the receipt.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial, wraps
from typing import Final

from aiohttp import web
from aiohttp.hdrs import AUTHORIZATION, CONTENT_TYPE

from api.http.auth import Principal
from api.http.keys import AUTHENTICATOR, CONFIG, PRINCIPAL, SETTINGS, STORE, WRITER
from api.http.requests import author_of, base_address, own_address, parsed
from api.receiver.answers import (
    CONTENT_TYPE as XML_TYPE,
)
from api.receiver.answers import (
    OpenRosaAnswer,
    answer_ignored,
    answer_receipt,
    head_headers,
    headers,
)
from api.receiver.body import (
    SubmissionBody,
    form_too_large,
    is_multipart,
    read_body,
)
from api.receiver.head import (
    Origin,
    envelope,
    is_practice,
    permission_of,
    submit_time,
)
from api.receiver.limits import MAX_FORM
from api.receiver.verdict import (
    ANYBODY,
    DEMO_USER,
    Sender,
    Verdict,
    demo_case_ids,
    is_demo,
    judge,
)
from api.wire.auth_types import AuthType, auth_type
from api.wire.permissions import check
from api.wire.problems import Problem, body_too_large
from ledger.commands.submissions import SubmitForm
from ledger.entry import Receipt, Submission
from ledger.errors import Malformed, NotFound
from ledger.forms.form import Form
from ledger.forms.form_xml import parse_form
from ledger.forms.names import printable
from projections.cases import by_id as cases

Handler = Callable[[web.Request], Awaitable[web.Response]]

_LONGEST_DOMAIN: Final = 99


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sent:
    """A submission as it was sent: without a form when its bytes are not one."""

    body: SubmissionBody
    form: Form | None
    problem: str | None = None


def _in_openrosa(handler: Handler) -> Handler:
    """Say what only this family of APIs says in its own way."""

    @wraps(handler)
    async def receive(request: web.Request) -> web.Response:
        domain = request.match_info["domain"]
        if len(domain) > _LONGEST_DOMAIN or not domain.isprintable():
            raise _no_domain(domain)
        try:
            return await handler(request)
        except NotFound:
            raise _no_domain(domain) from None

    return receive


@_in_openrosa
async def receive_form(request: web.Request) -> web.Response:
    """Take a form from whoever sends it, unless the domain is closed (rule 1.1)."""
    sender = await _sender(request) if await _is_closed(request) else ANYBODY
    return await _receive(request, sender)


@_in_openrosa
async def receive_secure_form(request: web.Request) -> web.Response:
    """Take a form from a user of the domain, or the demo user's own (rule 1.2)."""
    return await _receive(request, await _sender(request))


@_in_openrosa
async def receive_server_form(request: web.Request) -> web.Response:
    """Take a form from another server; the route asks for its permission (rule 1.1)."""
    return await _receive(request, Sender(principal=request[PRINCIPAL]))


@_in_openrosa
async def announce(request: web.Request) -> web.Response:
    """Answer how large a form may be (rules 1.1.4 and D-a)."""
    if await _is_closed(request):
        await _sender(request)
    return _announced(request)


@_in_openrosa
async def announce_secure(request: web.Request) -> web.Response:
    """Answer the same, or what a sender must prove first (rule 1.1.4)."""
    await _sender(request)
    return _announced(request)


def _announced(request: web.Request) -> web.Response:
    query = request.rel_url.raw_query_string
    address = own_address(request) + (f"?{query}" if query else "")
    return web.Response(status=204, headers=head_headers(address))


async def _receive(request: web.Request, sender: Sender) -> web.Response:
    """Parse what was sent, decide whether it is for the ledger, and submit it."""
    sent = await _sent(request)
    verdict = judge(
        sent.form,
        sender,
        practises=_practises(request),
        owners=await _owners(request, sender, sent.form),
    )
    if verdict is Verdict.REFUSE:
        raise Problem(403, "Bad auth")
    if verdict is Verdict.IGNORE:
        return _response(request, answer_ignored())
    return await _submit(request, sent, sender.principal)


# -- who ---------------------------------------------------------------------


async def _is_closed(request: web.Request) -> bool:
    """Tell whether a domain wants to know who sends; one that is none does too.

    So nobody learns without credentials which closed domains there are
    (``rules/operator.md`` 5.8).
    """
    try:
        settings = await request.app[SETTINGS].of(request.match_info["domain"])
    except NotFound:
        return True
    return settings.secure_submissions


async def _sender(request: web.Request) -> Sender:
    """Return who sends, as the request says it; raises a ``Problem`` for strangers."""
    kind = auth_type(request.query, request.headers.get(AUTHORIZATION))
    if kind is AuthType.NOAUTH:
        return DEMO_USER
    keeper, domain = request.app[AUTHENTICATOR], request.match_info["domain"]
    principal = await keeper.authenticate_in(request, domain)
    check(principal.permissions, permission_of(kind))
    request[PRINCIPAL] = principal
    return Sender(principal=principal)


async def _owners(
    request: web.Request, sender: Sender, form: Form | None
) -> Sequence[str]:
    """Return who owns the cases that a form of the demo user touches."""
    if sender is not DEMO_USER or form is None or not is_demo(form):
        return ()
    touched = demo_case_ids(form)
    rows = await request.app[STORE].read(
        request.match_info["domain"], lambda r: cases.get_cases(r, touched)
    )
    return [row.owner_id for row in rows.values()]


def _practises(request: web.Request) -> bool:
    # Most requests have no query string, and then it need not be taken apart.
    return bool(request.rel_url.raw_query_string) and is_practice(request.query)


# -- what --------------------------------------------------------------------


async def _sent(request: web.Request) -> _Sent:
    content_type = request.headers.get(CONTENT_TYPE, "")
    body = await _body(request, content_type)
    kinds = request.app[CONFIG].attachments
    return await parsed(body, partial(_parse, content_type=content_type, kinds=kinds))


async def _body(request: web.Request, content_type: str) -> bytes:
    """Return the body, decompressed, as long as its kind may be."""
    has_parts = is_multipart(content_type)
    limit = request.app[CONFIG].body_limit if has_parts else MAX_FORM
    content = request.content
    if content.is_eof():
        # It came with its head, as nearly all do: there is nothing to wait for.
        body = content.read_nowait()
        if len(body) > limit:
            raise body_too_large(limit) if has_parts else form_too_large()
        return body
    chunks, length = [], 0
    async for chunk in content.iter_any():
        chunks.append(chunk)
        length += len(chunk)
        if length > limit:
            raise body_too_large(limit) if has_parts else form_too_large()
    return b"".join(chunks)


def _parse(body: bytes, *, content_type: str, kinds: Sequence[str]) -> _Sent:
    parts = read_body(body, content_type, kinds=kinds)
    try:
        return _Sent(body=parts, form=parse_form(parts.form))
    except Malformed as error:
        return _Sent(body=parts, form=None, problem=str(error))


async def _submit(
    request: web.Request, sent: _Sent, principal: Principal | None
) -> web.Response:
    command = SubmitForm(
        submission=_submission(request, sent, principal),
        form=sent.form,
        problem=sent.problem,
    )
    domain = request.match_info["domain"]
    receipt: Receipt = await request.app[WRITER].submit(domain, command)
    answer = answer_receipt(
        receipt,
        version=request.headers.get("X-OpenRosa-Version"),
        device_id=sent.form.meta.device_id if sent.form is not None else None,
        notice=sent.body.notice,
    )
    return _response(request, answer)


def _submission(
    request: web.Request, sent: _Sent, principal: Principal | None
) -> Submission:
    origin = Origin(
        path=request.path,
        remote=request.remote,
        app_id=request.match_info.get("app_id"),
    )
    return Submission(
        body=sent.body.form,
        author=author_of(request),
        attachments=sent.body.uploads,
        envelope={
            **envelope(request.headers, origin, principal),
            **sent.body.notes,
        },
        submit_time=submit_time(request.headers, principal),
    )


# -- answers -----------------------------------------------------------------


def _response(request: web.Request, answer: OpenRosaAnswer) -> web.Response:
    response = web.Response(
        status=answer.status,
        body=answer.body,
        headers=_document_headers(base_address(request)),
    )
    for name, value in answer.headers.items():
        response.headers[name] = value
    return response


@lru_cache(maxsize=64)
def _document_headers(location: str) -> Mapping[str, str]:
    """Return the headers that all documents of a site share."""
    return {"Content-Type": f"{XML_TYPE}; charset=utf-8", **headers(location)}


def _no_domain(domain: str) -> Problem:
    return Problem(400, f"No domain with name {printable(domain)}")
