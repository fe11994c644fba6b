"""Answers that are files: under which name they are saved, and that they do no harm."""

from __future__ import annotations

import re
from urllib.parse import quote

from aiohttp import web
from aiohttp.hdrs import CONTENT_DISPOSITION

# What came from a device must never run as a page of this server.
_HARMLESS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox",
}

_CONTENT_TYPE = re.compile(r"[\w.+-]{1,100}/[\w.+-]{1,100}", re.ASCII)
_UNKNOWN_TYPE = "application/octet-stream"
_SEEN = ("image/", "audio/", "video/", "text/xml")
"""The types of what a browser may show in its place."""


def known_type(content_type: str) -> str:
    """Return the type of a file as a client may be told it, without parameters.

    A client that sent the file said it, and it may be anything.
    """
    kind = content_type.partition(";")[0].strip()
    return kind if _CONTENT_TYPE.fullmatch(kind) is not None else _UNKNOWN_TYPE


def saved_as(name: str) -> dict[str, str]:
    """Return the header that has a client save an answer under a name."""
    quoted = quote(name.encode("utf-8", "replace"), safe="")
    return {CONTENT_DISPOSITION: f"attachment; filename*=UTF-8''{quoted}"}


def kept_file(body: bytes, *, name: str, content_type: str) -> web.Response:
    """Return the bytes of somebody else as a file that no browser opens."""
    headers = {**saved_as(name), **_HARMLESS}
    return web.Response(body=body, content_type=content_type, headers=headers)


def shown_file(body: bytes, *, name: str, content_type: str) -> web.Response:
    """Return the bytes of somebody else, which a browser may show if it is a picture.

    Sounds, films and XML are too; what else there is, is saved under its name.
    """
    kind = known_type(content_type)
    headers = _HARMLESS if kind.startswith(_SEEN) else {**saved_as(name), **_HARMLESS}
    return web.Response(body=body, content_type=kind, headers=headers)
