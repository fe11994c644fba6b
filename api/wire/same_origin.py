"""Pages of others must not act with what a browser remembers. Pure.

A browser sends Basic credentials and cookies along with every request to a server, also
with a form that a page of somebody else posts. It says so, and programs do not. A key
stands in a header that a page must set itself, and so is no such credential
(``rules/operator.md`` 5.7).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from api.hosts import host_of, is_same
from api.wire.credentials import AUTHORIZATION
from api.wire.problems import page_of_others

_SITE = "Sec-Fetch-Site"
_ORIGIN = "Origin"
_REFERER = "Referer"
_AUTHORIZATION = AUTHORIZATION
_COOKIE = "Cookie"

_OWN_SITES = frozenset({"same-origin", "none"})
_BY_THE_PAGE = frozenset({"apikey", "bearer"})
"""Schemes that no browser uses by itself."""


def require_same_origin(headers: Mapping[str, str], own: Sequence[str]) -> None:
    """Refuse what a page of another origin does with credentials of its browser.

    ``own`` are the hosts under which we are known, the request's own among them.
    Raises the 403 ``Problem``.
    """
    if _is_of_others(headers, own) and _adds_by_itself(headers):
        raise page_of_others()


def comes_from_a_page(headers: Mapping[str, str]) -> bool:
    """Tell whether a request says anything of the page that it comes from."""
    return _ORIGIN in headers or _SITE in headers or _REFERER in headers


def _is_of_others(headers: Mapping[str, str], own: Sequence[str]) -> bool:
    site, origin = headers.get(_SITE), headers.get(_ORIGIN)
    if site is not None and site not in _OWN_SITES:
        return True
    if origin is not None:
        # A page whose address is kept to itself calls its origin "null".
        return not (_is_own(origin, own) or (origin == "null" and site is not None))
    referer = headers.get(_REFERER)
    return site is None and bool(referer) and not _is_own(referer or "", own)


def _is_own(address: str, own: Sequence[str]) -> bool:
    host = host_of(address)
    return host is not None and any(is_same(host, text) for text in own)


def _adds_by_itself(headers: Mapping[str, str]) -> bool:
    """Tell whether a request has credentials that a browser may have added."""
    authorization = headers.get(_AUTHORIZATION)
    if authorization is None:
        return _COOKIE in headers
    return authorization.strip().partition(" ")[0].lower() not in _BY_THE_PAGE
