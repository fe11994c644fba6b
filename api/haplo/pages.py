"""What an admin page of batch imports answers: HTML to people, JSON to programs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

import orjson
from aiohttp import web

from api.http.html_pages import html_page, prefers_json
from api.http.keys import PRINCIPAL
from api.http.requests import json_answer, own_path
from api.wire.problems import Problem, from_ledger
from ledger.errors import Conflict, NotFound

BELOW = "/do/haplo-data-import-batch"
"""Where the pages live, below the address of the domain."""

_READS = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What is told, and the page that tells it.

    ``beside`` is for the page alone, or stands there in the place of what is told.
    ``spliced`` is a key whose value is JSON already. What was posted from a page leads
    on to the address ``then``.
    """

    template: str
    title: str
    told: Mapping[str, Any]
    beside: Mapping[str, Any] = field(default_factory=dict)
    spliced: tuple[str, bytes] | None = None
    then: str | None = None


def page(
    handle: Callable[[web.Request], Awaitable[Answer]],
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Make a handler of a function that says what is to be answered."""

    @wraps(handle)
    async def serve(request: web.Request) -> web.Response:
        if prefers_json(request):
            response = json_answer(_json(await handle(request)))
            response.headers["Cache-Control"] = "no-store"
            return response
        try:
            return _html(request, await handle(request))
        except (Problem, NotFound, Conflict) as error:
            # Whoever looks at pages is told on a page.
            problem = error if isinstance(error, Problem) else from_ledger(error)
            told = {"title": "That did not work", "error": problem.text}
            values = {"base": _base(request), **told}
            return html_page("haplo/problem.html", values, status=problem.status)

    return serve


def _json(answer: Answer) -> bytes:
    body = orjson.dumps(answer.told)
    if answer.spliced is None:
        return body
    name, value = answer.spliced
    return b"%s,%s:%s}" % (body[:-1], orjson.dumps(name), value)


def _html(request: web.Request, answer: Answer) -> web.Response:
    base = _base(request)
    if answer.then is not None and request.method not in _READS:
        raise_to = {"Location": f"{base}{answer.then}"}
        return web.Response(status=303, headers=raise_to)
    values = {"next": None, **answer.told, **answer.beside}
    values |= {"base": base, "title": answer.title}
    return html_page(f"haplo/{answer.template}.html", values)


def _base(request: web.Request) -> str:
    return own_path(request, f"/a/{request[PRINCIPAL].domain}{BELOW}")
