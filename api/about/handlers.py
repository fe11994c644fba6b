"""What the process says about itself: health, readiness, metrics, its description.

None of it needs credentials and none of it names a domain, a user or a case. The page
under ``/api/docs`` is Swagger UI from our own files: it asks no other server. The
schemas under ``/api/schemas`` are for editors and for whoever writes forms.
"""

from __future__ import annotations

import asyncio
import hashlib
from functools import lru_cache
from pathlib import Path

import orjson
from aiohttp import ETag, web

from api.http.keys import CLOCK_GUARD, DESCRIPTION, SHELL, STATE, STORE
from api.http.metrics import CONTENT_TYPE, exposition
from api.http.requests import own_path
from api.wire.dialects import JSON_TYPE
from api.wire.paths import segments_of
from api.wire.problems import Problem, not_ready, unknown_path
from ledger.clock_guard import ClockGuard
from ledger.directory.domains import list_domains
from ledger.errors import StoreUnavailable
from ledger.migrations import pending_steps
from ledger.store import Store
from projections.rebuild.generations import StaleTables

_STATIC = Path(__file__).parents[1] / "static"
_SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
_SCHEMA_TYPES = {".json": "application/schema+json", ".xsd": "application/xml"}
_PUBLISHED = frozenset(
    path.name for path in _SCHEMAS.iterdir() if path.suffix in _SCHEMA_TYPES
)
_FOR_AN_HOUR = {
    "Cache-Control": "public, max-age=3600",
    "X-Content-Type-Options": "nosniff",
}
_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".png": "image/png",
}
_SERVED = frozenset(
    {
        "docs.html",
        "docs.js",
        "swagger-ui/swagger-ui.css",
        "swagger-ui/swagger-ui-bundle.js",
        "swagger-ui/favicon-32x32.png",
    }
)
# Swagger UI carries its icons as data: images; all else comes from our own files.
_POLICY = (
    "default-src 'self'; img-src 'self' data:; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
_SAFE = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


async def get_health(_request: web.Request) -> web.Response:
    """Answer that this process serves requests."""
    return web.Response(body=b'{"status":"ok"}', content_type=JSON_TYPE)


async def get_readiness(request: web.Request) -> web.Response:
    """Answer whether the database takes writes and holds what this program serves."""
    app = request.app
    await asyncio.to_thread(_require_ready, app[STORE], app[CLOCK_GUARD])
    return web.Response(body=b'{"status":"ready"}', content_type=JSON_TYPE)


async def get_metrics(request: web.Request) -> web.Response:
    """Answer the metrics of every worker, and of the database, as Prometheus text."""
    request.app[SHELL].account.settle()
    body = await asyncio.to_thread(exposition, request.app[STATE])
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})


async def get_description(request: web.Request) -> web.Response:
    """Answer the OpenAPI document of every endpoint."""
    return web.Response(body=request.app[DESCRIPTION], content_type=JSON_TYPE)


async def get_docs(request: web.Request) -> web.Response:
    """Answer the page on which the API can be browsed and tried.

    It is served with and without a slash at its end, so its links are whole paths.
    """
    page = _content("docs.html").replace(
        b'="/', b'="' + own_path(request, "/").encode()
    )
    return _answered(page, ".html")


async def get_docs_file(request: web.Request) -> web.Response:
    """Answer one of the files that the page needs."""
    name = "/".join(segments_of(request.match_info["file"]))
    if name not in _SERVED:
        raise unknown_path()
    return _file(name)


async def get_schema(request: web.Request) -> web.Response:
    """Answer one of the schemas, unless the client has it as it is."""
    name = request.match_info["schema"]
    if name not in _PUBLISHED:
        raise unknown_path()
    body, tag = _schema(name)
    known = {etag.value for etag in request.if_none_match or ()}
    if known & {tag.value, "*"}:
        response = web.Response(status=304, headers=_FOR_AN_HOUR)
    else:
        kind = _SCHEMA_TYPES[Path(name).suffix]
        response = web.Response(body=body, content_type=kind, headers=_FOR_AN_HOUR)
    response.etag = tag
    return response


def describe(document: dict[str, object]) -> bytes:
    """Return a document as the bytes that are served."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2)


def _require_ready(store: Store, guard: ClockGuard) -> None:
    if store.away is not None:
        # Whoever ends outages tries a write now and then; no probe of ours would tell
        # more, and many would be a burden.
        raise _away(store.away.reason)
    try:
        _require_current(store, guard)
    except StaleTables:
        raise
    except StoreUnavailable as error:
        raise _away(error.reason) from error


def _away(reason: str) -> Problem:
    return not_ready(f"The database cannot be used now: {reason}")


def _require_current(store: Store, guard: ClockGuard) -> None:
    if pending_steps(store):
        text = "the schema of the database is old: run caseledger migrate"
        raise not_ready(text)
    for domain in store.look(list_domains):
        # Opening a domain is refused when another version made its read tables.
        with store.reading(domain.domain):
            pass
    if reason := guard.reason(store.connection):
        raise not_ready(reason)


def _file(name: str) -> web.Response:
    return _answered(_content(name), Path(name).suffix)


def _answered(body: bytes, suffix: str) -> web.Response:
    kind = _TYPES[suffix]
    charset = "utf-8" if kind.startswith("text/") else None
    return web.Response(body=body, content_type=kind, charset=charset, headers=_SAFE)


@lru_cache(maxsize=len(_SERVED))
def _content(name: str) -> bytes:
    return (_STATIC / name).read_bytes()


@lru_cache(maxsize=len(_PUBLISHED))
def _schema(name: str) -> tuple[bytes, ETag]:
    """Return a schema with its tag, a weak one: it may be sent compressed or not."""
    body = (_SCHEMAS / name).read_bytes()
    return body, ETag(hashlib.sha256(body).hexdigest()[:32], is_weak=True)
