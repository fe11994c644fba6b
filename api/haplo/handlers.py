"""Handlers of the batch import API (``rules/batch-imports.md`` 1.1).

Every good answer is one value as text, without a newline behind it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from aiohttp import web
from aiohttp.hdrs import CONTENT_TYPE

from api.haplo.body import Given, Request, read_given
from api.haplo.dialect import by_key
from api.http.keys import AUTHENTICATOR, PRINCIPAL, WORKER, WRITER
from api.http.requests import author_of
from api.wire.permissions import Principal
from api.wire.problems import Problem
from importers.haplo.batches import (
    UNNAMED_BATCH,
    UNNAMED_CONTROL,
    check_control,
    schedule,
)
from ledger.clock import now_micros
from ledger.errors import NotFound
from ledger.forms.names import printable
from ledger.imports import batches
from ledger.imports.values import Batch, BatchState, ControlFile, NewFile
from ledger.store import Writer

T = TypeVar("T")

_DRY_RUN = "dry-run"


async def identify(request: web.Request, domain: str) -> Principal:
    """Return who is asking; raises a ``Problem``, ``NotFound``."""
    keeper = request.app[AUTHENTICATOR]
    return await keeper.authenticate_in(request, domain, present=by_key)


async def receive_control(request: web.Request) -> web.Response:
    """Keep a control file and answer its digest."""
    given = await _given(request, "file")
    control = await keep_control(
        request, given.file("file").content, comment=given.comment(UNNAMED_CONTROL)
    )
    return _text(control.digest)


async def create_batch(request: web.Request) -> web.Response:
    """Add a batch that files can be added to, and answer its identifier."""
    given = await _given(request)
    digest, comment = given.text("control"), given.comment(UNNAMED_BATCH)
    author = author_of(request)

    def create(w: Writer) -> Batch:
        control = batches.get_control(w, digest)
        return batches.create_batch(
            w, control, comment=comment, author=author, now=now_micros()
        )

    return _text((await _write(request, create)).identifier)


async def receive_file(request: web.Request) -> web.Response:
    """Add a file to a batch and answer the digest of the file."""
    given = await _given(request, "file")
    identifier, name, file = given.text("batch"), given.name(), given.file("file")
    new = NewFile(name=name, file_name=file.name, content=file.content)
    add = partial(
        batches.add_files,
        identifier=identifier,
        files=[new],
        state=BatchState.UPLOADING,
    )
    (added,) = await _write(request, add)
    return _text(added.digest)


async def schedule_batch(request: web.Request) -> web.Response:
    """Start the import of a batch."""
    given = await _given(request)
    start = partial(
        schedule,
        identifier=given.text("batch"),
        state=BatchState.UPLOADING,
        dry_run=given.texts.get("mode") == _DRY_RUN,
        author=author_of(request),
        now=now_micros(),
    )
    await _write(request, start)
    request.app[WORKER].wake()
    return _text("SCHEDULED")


async def keep_control(
    request: web.Request, content: bytes, *, comment: str
) -> ControlFile:
    """Check a control file and keep it; raises ``Conflict`` for one that is none."""
    await asyncio.to_thread(check_control, content)
    put = partial(
        batches.put_control,
        content=content,
        comment=comment,
        author=author_of(request),
        now=now_micros(),
    )
    return await request.app[WRITER].run(request[PRINCIPAL].domain, put)


async def parameters_of(request: web.Request) -> Request:
    """Return what of a request holds its parameters, its body included."""
    return Request(
        query=request.rel_url.raw_query_string,
        content_type=request.headers.get(CONTENT_TYPE, ""),
        body=await request.read(),
    )


async def _given(request: web.Request, *files: str) -> Given:
    whole = await parameters_of(request)
    return await asyncio.to_thread(read_given, whole, files=files)


async def _write(request: web.Request, errand: Callable[[Writer], T]) -> T:
    """Run an errand; what it does not find is a fault of the request."""
    try:
        return await request.app[WRITER].run(request[PRINCIPAL].domain, errand)
    except NotFound as error:
        raise Problem(400, printable(str(error))) from None


def _text(value: str) -> web.Response:
    return web.Response(text=value, content_type="text/plain", charset="utf-8")
