"""The bare pipeline's server: the same paths as the product, nothing behind them.

Also the hello server of unit H and the empty listener that measures sending alone.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable
from typing import Any, Protocol

import orjson
from aiohttp import web

from bench.bare import forms, postgres, rows, sqlite

try:
    from uvloop import run as run_loop
except ImportError:  # it is optional, as it is for the product
    from asyncio import run as run_loop  # type: ignore[assignment]

MOST_AT_ONCE = 256
BODY_LIMIT = 64 * 1024 * 1024
_JSON = "application/json"
_KEYS = {hashlib.sha256(key).digest() for key in (b"",)}
"""The digests of the keys that are let in: that of none, which the bench sends."""
_CREATED = (
    b"<OpenRosaResponse xmlns='http://openrosa.org/http/response'>"
    b"<message nature='submit_success'>ok</message></OpenRosaResponse>"
)


class Store(Protocol):
    """What both databases offer."""

    async def open(self) -> None:
        """Connect."""

    async def write(self, batch: list[forms.Form]) -> None:
        """Write forms and their cases durably, in one transaction."""

    async def page(self, after: int, limit: int) -> tuple[int, list[str]]:
        """Return the last position and the finished documents of a page."""

    async def point(self, case_id: str) -> str | None:
        """Return one finished document."""

    async def many(self, case_ids: list[str]) -> list[str]:
        """Return the finished documents of many cases."""


class Writer:
    """The one writer: takes everything that waits, commits once, answers all."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._queue: asyncio.Queue[tuple[forms.Form, asyncio.Future[None]]]
        self._queue = asyncio.Queue()

    async def write(self, form: forms.Form) -> None:
        """Wait until a form is durable."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait((form, done))
        await done

    async def run(self) -> None:
        """Write for ever."""
        while True:
            waiting = [await self._queue.get()]
            while not self._queue.empty() and len(waiting) < MOST_AT_ONCE:
                waiting.append(self._queue.get_nowait())
            try:
                await self._store.write([form for form, _ in waiting])
            except Exception as error:  # noqa: BLE001 - each waiting request fails
                for _, done in waiting:
                    done.set_exception(error)
            else:
                for _, done in waiting:
                    if not done.done():
                        done.set_result(None)


class Handlers:
    """The handlers of the bare pipeline."""

    def __init__(self, store: Store, *, obliged: bool) -> None:
        self._store = store
        self._writer = Writer(store)
        self._obliged = obliged

    async def submit(self, request: web.Request) -> web.Response:
        """Take one form."""
        self._admit(request)
        await self._writer.write(forms.parse(await request.read()))
        return web.Response(body=_CREATED, status=201, content_type="text/xml")

    async def bulk(self, request: web.Request) -> web.Response:
        """Take rows of JSON."""
        self._admit(request)
        changes = orjson.loads(await request.read())
        form = forms.build(changes, "2023-11-14T22:13:20.000000Z")
        if self._obliged:
            form = forms.parse(form.body)
        await self._writer.write(form)
        cases = b",".join(rows.documents([form], first=1))
        body = b'{"form_id":"%s","cases":[%s]}' % (form.form_id.encode(), cases)
        return web.Response(body=body, content_type=_JSON)

    async def page(self, request: web.Request) -> web.Response:
        """Answer a page of finished documents."""
        query = request.query
        last, cases = await self._store.page(
            int(query.get("after", "0")), int(query.get("limit", "20"))
        )
        body = f'{{"next":{last},"cases":[{",".join(cases)}]}}'
        return web.Response(body=body.encode(), content_type=_JSON)

    async def point(self, request: web.Request) -> web.Response:
        """Answer one finished document."""
        found = await self._store.point(request.match_info["case_id"])
        if found is None:
            raise web.HTTPNotFound
        return web.Response(body=found.encode(), content_type=_JSON)

    async def many(self, request: web.Request) -> web.Response:
        """Answer many finished documents."""
        wanted: dict[str, list[str]] = orjson.loads(await request.read())
        cases = await self._store.many(wanted["case_ids"])
        body = f'{{"cases":[{",".join(cases)}]}}'
        return web.Response(body=body.encode(), content_type=_JSON)

    def _admit(self, request: web.Request) -> None:
        """Look up the sender's key by its digest, when that is owed."""
        if self._obliged:
            key = request.headers.get("Authorization", "").encode()
            if hashlib.sha256(key).digest() not in _KEYS:
                raise web.HTTPUnauthorized

    async def running(self, _: web.Application) -> Any:
        """Keep the writer running while the server serves."""
        await self._store.open()
        writer = asyncio.create_task(self._writer.run())
        yield
        writer.cancel()


def bare_app(url: str, *, obliged: bool = False) -> web.Application:
    """Return the bare pipeline over the database of a URL, or B+ when ``obliged``."""
    handlers = Handlers(_store(url, obliged=obliged), obliged=obliged)
    app = web.Application(client_max_size=BODY_LIMIT)
    cases = "/a/{domain}/api/case/v2/"
    app.router.add_post("/a/{domain}/receiver/", handlers.submit)
    app.router.add_post(f"{cases}bulk-fetch/", handlers.many)
    app.router.add_post(cases, handlers.bulk)
    app.router.add_get(cases, handlers.page)
    app.router.add_get(f"{cases}{{case_id}}", handlers.point)
    app.cleanup_ctx.append(handlers.running)
    return app


def _store(url: str, *, obliged: bool) -> Store:
    if url.startswith("sqlite"):
        return sqlite.ObligedStore(url) if obliged else sqlite.Store(url)
    return postgres.ObligedStore(url) if obliged else postgres.Store(url)


def hello_app() -> web.Application:
    """Return the server of unit H."""

    async def hello(_: web.Request) -> web.Response:
        return web.Response(body=b'{"ok":true}', content_type=_JSON)

    app = web.Application()
    app.router.add_get("/", hello)
    return app


def serve(make: Callable[[], web.Application], port: int, *, workers: int) -> None:
    """Serve on a port of the loopback until killed, in one or more processes."""
    for _ in range(workers - 1):
        if os.fork() == 0:
            break
    run_loop(_serve(make(), port))


async def _serve(app: web.Application, port: int) -> None:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, reuse_port=True).start()
    await asyncio.Event().wait()
