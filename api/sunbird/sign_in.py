"""Who asks, in the headers of Sunbird (``rules/batch-imports.md`` 2.2)."""

from __future__ import annotations

from aiohttp import web

from api.http.keys import AUTHENTICATOR
from api.sunbird.dialect import MESSAGE_ID
from api.wire.credentials import AUTHORIZATION, Presented, read_key
from api.wire.permissions import Permission, Principal, check
from api.wire.problems import unauthenticated
from ledger.forms.names import printable

USER_TOKEN = "X-Authenticated-User-Token"  # noqa: S105 - the name of a header
_MESSAGE_ID = "X-Request-ID"


async def identify(request: web.Request, domain: str) -> Principal:
    """Return who asks (rule 2.2); raises a ``Problem``, ``NotFound``.

    With a Bearer key the acting user is named by a second key, and both must be good
    for it. The schemes of all other APIs need no second one.
    """
    MESSAGE_ID.set(printable(request.headers.get(_MESSAGE_ID, "")))
    keeper = request.app[AUTHENTICATOR]
    scheme, _, key = request.headers.get(AUTHORIZATION, "").strip().partition(" ")
    if scheme.lower() != "bearer":
        return await keeper.authenticate_in(request, domain)
    token = request.headers.get(USER_TOKEN, "").strip()
    application = await _holder(request, domain, key.strip())
    user = await _holder(request, domain, token)
    check(application.permissions, Permission.EDIT_DATA)
    return user


async def _holder(request: web.Request, domain: str, key: str) -> Principal:
    """Return whose a key is; raises the 401 ``Problem``."""
    if not key:
        raise unauthenticated()
    return await request.app[AUTHENTICATOR].authenticate(
        request, domain, present=lambda _: Presented(key, read_key)
    )
