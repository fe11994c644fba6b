"""How handlers read and change the directory: one call of it, for whoever asks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from aiohttp import web

from api.http.keys import PRINCIPAL, STORE, WRITER
from api.http.requests import author_of

T = TypeVar("T")


async def looked_up(request: web.Request, fn: Callable[..., T], **given: Any) -> T:
    """Read by a function of a ``Reader``, in the domain of a request."""
    domain = request[PRINCIPAL].domain
    return await request.app[STORE].read(domain, partial(fn, **given))


async def changed(request: web.Request, fn: Callable[..., T], **given: Any) -> T:
    """Change by a function of a ``Writer`` and its ``author``, in one transaction.

    What it raises undoes all of it.
    """
    errand = partial(fn, author=author_of(request), **given)
    return await request.app[WRITER].run(request[PRINCIPAL].domain, errand)
