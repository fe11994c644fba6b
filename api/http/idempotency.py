"""The ``Idempotency-Key`` of a request: the same key, the same answer."""

from __future__ import annotations

from aiohttp import web

from api.wire.problems import IDEMPOTENCY_KEY, bad_idempotency_key

_LONGEST = 255


def idempotency_key(request: web.Request) -> str | None:
    """Return the key that a request brings, if any; raises a 400 ``Problem``."""
    key = request.headers.get(IDEMPOTENCY_KEY)
    if key is None:
        return None
    if not key or len(key) > _LONGEST or not (key.isascii() and key.isprintable()):
        raise bad_idempotency_key(_LONGEST)
    return key
