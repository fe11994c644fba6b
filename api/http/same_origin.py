"""Pages of others must not act with what a browser remembers.

Browsers send Basic credentials along with every request to a server, also with a form
that a page of somebody else posts. They say so, and programs do not.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.hdrs import ORIGIN

from api.http.keys import CONFIG
from api.wire.problems import not_permitted

_SITE = "Sec-Fetch-Site"
_OWN = frozenset({"same-origin", "none"})


def require_same_origin(request: web.Request) -> None:
    """Refuse what a page of another origin asks for; raises the 403 ``Problem``."""
    site, origin = request.headers.get(_SITE), request.headers.get(ORIGIN)
    if site is not None:
        allowed = site in _OWN
    else:
        allowed = origin is None or _host(origin) in _hosts(request)
    if not allowed:
        raise not_permitted()


def _hosts(request: web.Request) -> set[str]:
    return {request.host.lower(), _host(request.app[CONFIG].public_url)} - {""}


def _host(address: str) -> str:
    try:
        return urlsplit(address).netloc.lower()
    except ValueError:
        return ""
