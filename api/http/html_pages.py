"""Pages for people: templates filled in, everything that is put in escaped.

A page brings its style along and asks no other server; it has no scripts.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

_FOLDER = Path(__file__).parents[1] / "pages"
_STYLE = (_FOLDER / "style.css").read_text()
_STYLE_DIGEST = b64encode(sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_DIGEST}'; base-uri 'none'; "
        "frame-ancestors 'none'; form-action 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_PAGES = Environment(
    loader=FileSystemLoader(_FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_PAGES.globals["style"] = _STYLE


def html_page(
    name: str, values: Mapping[str, Any], *, status: int = 200
) -> web.Response:
    """Return a page made from the template of this name."""
    text = _PAGES.get_template(name).render(values)
    return web.Response(
        text=text,
        status=status,
        content_type="text/html",
        charset="utf-8",
        headers=_HEADERS,
    )


def prefers_json(request: web.Request) -> bool:
    """Tell whether an answer is for a program."""
    return "application/json" in request.headers.get("Accept", "").lower()
