"""Answers that are files: under which name they are saved, and that they do no harm."""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import web
from aiohttp.hdrs import CONTENT_DISPOSITION

# What came from a device must never run as a page of this server.
_HARMLESS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox",
}


def saved_as(name: str) -> dict[str, str]:
    """Return the header that has a client save an answer under a name."""
    quoted = quote(name.encode("utf-8", "replace"), safe="")
    return {CONTENT_DISPOSITION: f"attachment; filename*=UTF-8''{quoted}"}


def kept_file(body: bytes, *, name: str, content_type: str) -> web.Response:
    """Return the bytes of somebody else as a file that no browser opens."""
    headers = {**saved_as(name), **_HARMLESS}
    return web.Response(body=body, content_type=content_type, headers=headers)
