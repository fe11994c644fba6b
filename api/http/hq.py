"""What HQ's other APIs share on the way in and out (``rules/hq-frame.md``)."""

from __future__ import annotations

from functools import partial
from typing import Any

from aiohttp import web
from aiohttp.hdrs import ACCEPT, AUTHORIZATION, CONTENT_TYPE

from api.http.keys import AUTHENTICATOR, PRINCIPAL
from api.wire.credentials import by_query
from api.wire.formats import Format, asked_format
from api.wire.hq_query import HqQuery
from api.wire.json_body import parse_object
from api.wire.permissions import Principal
from api.wire.problems import invalid

_XML_TYPES = frozenset({"application/xml", "text/xml"})


async def identify(request: web.Request, domain: str) -> Principal:
    """Return who asks; a GET without a header may bring its key in the query.

    Raises a ``Problem`` as ``Authenticator.authenticate`` does (rule 1.2).
    """
    keeper = request.app[AUTHENTICATOR]
    if AUTHORIZATION in request.headers or request.method != "GET":
        return await keeper.authenticate(request, domain)
    present = partial(_from_query, request.rel_url.raw_query_string)
    return await keeper.authenticate(request, domain, present=present)


def query_of(request: web.Request) -> HqQuery:
    """Return what the query string of a request says."""
    return HqQuery(request.rel_url.raw_query_string)


def format_of(request: web.Request, query: HqQuery) -> Format:
    """Return in which format an answer is asked for (rule 1.6)."""
    accept = ", ".join(request.headers.getall(ACCEPT, ()))
    return asked_format(query.text("format"), accept)


def answer(
    body: bytes, *, status: int = 200, written: Format = Format.JSON
) -> web.Response:
    """Return an answer in the format that its body is written in."""
    return web.Response(
        body=body, status=status, content_type=written.media_type, charset="utf-8"
    )


async def object_of(request: web.Request) -> dict[str, Any]:
    """Return the JSON object that a body is, whatever its type is called (rule 1.7).

    Raises a 400 ``Problem`` for anything else, XML above all.
    """
    said = request.headers.get(CONTENT_TYPE, "").partition(";")[0].strip().lower()
    if said in _XML_TYPES:
        raise invalid("The body must be a JSON object; XML is not read here")
    return parse_object(await request.read())


def resource_path(request: web.Request, placeholder: str) -> str:
    """Return the path of a resource as it was asked by, with a slash at its end.

    That is ``/a/demo/api/v0.5/user/`` or ``/a/demo/api/user/v1/`` (rule 1.1).
    ``placeholder`` is one of ``HQ_SPELLINGS``.
    """
    spelled = request.match_info[placeholder]
    return f"/a/{request[PRINCIPAL].domain}/{spelled}/"


def _from_query(query: str, _headers: object) -> Any:
    return by_query(query)
