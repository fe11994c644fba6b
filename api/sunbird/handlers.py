"""Handlers of Sunbird's bulk upload (``rules/batch-imports.md`` 2)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
from aiohttp import web
from aiohttp.hdrs import CONTENT_TYPE

from api.http.keys import CONFIG, PRINCIPAL, STORE, WORKER, WRITER
from api.http.requests import author_of, json_answer
from api.sunbird.body import Sent, read_body
from api.sunbird.dialect import (
    LOCATION_UPLOAD,
    ORG_UPLOAD,
    STATUS,
    USER_UPLOAD,
    envelope,
    refusal,
)
from api.sunbird.results import is_short, process_id, results
from api.wire.dialects import JSON_TYPE
from importers.jobs.turns import SUNBIRD
from importers.sunbird.rules.columns import Code, ObjectType, Refused
from importers.sunbird.rules.settings import SunbirdSettings
from importers.sunbird.upload import Wish, check_size, enqueue_upload, looked_into
from ledger.clock import now_micros
from ledger.entry import Upload
from ledger.errors import NotFound, StoreUnavailable
from ledger.jobs import queue as jobs
from ledger.jobs.values import Job

_LARGEST_ESCAPE = 6
"""How many characters of JSON one byte of a file may take."""

_AROUND = 1_000_000
_LONGEST_ID = 64

logger = logging.getLogger(__name__)


async def upload_users(request: web.Request) -> web.Response:
    """Take a file with users."""
    return await _upload(request, ObjectType.USER, USER_UPLOAD, field="user")


async def upload_organisations(request: web.Request) -> web.Response:
    """Take a file with organisations."""
    return await _upload(request, ObjectType.ORGANISATION, ORG_UPLOAD, field="org")


async def upload_locations(request: web.Request) -> web.Response:
    """Take a file with locations of one type."""
    return await _upload(request, ObjectType.LOCATION, LOCATION_UPLOAD, field="csvFile")


async def upload_process(request: web.Request) -> web.StreamResponse:
    """Answer how an upload stands, and in the end what became of each row."""
    job = await _process_of(request)
    before, behind = envelope(STATUS, now=now_micros())
    pieces = results(request.app[STORE], job, request.app[CONFIG].sunbird)
    if is_short(job):
        return json_answer(
            before + b"".join([piece async for piece in pieces]) + behind
        )
    return await _streamed(request, before, pieces, behind)


async def _upload(
    request: web.Request, kind: ObjectType, api_id: str, *, field: str
) -> web.Response:
    """Answer the id of the process that imports the file of a request."""
    settings = request.app[CONFIG].sunbird
    try:
        sent = await _received(request, settings, field)
        wish = await asyncio.to_thread(_looked, sent, kind, settings)
    except Refused as refused:
        raise refusal(refused) from None
    job = await _enqueued(request, wish, sent)
    before, behind = envelope(api_id, now=now_micros())
    result = orjson.dumps({"processId": process_id(job, settings)})
    return json_answer(before + result + behind)


async def _received(
    request: web.Request, settings: SunbirdSettings, field: str
) -> Sent:
    """Return what a request brings, unless that is much larger than a file may be."""
    most = _LARGEST_ESCAPE * settings.file_limit + _AROUND
    if request.content_length is not None and request.content_length > most:
        check_size(request.content_length, settings)
    body = await request.read()
    content_type = request.headers.get(CONTENT_TYPE, "")
    return await asyncio.to_thread(read_body, body, content_type, field=field)


def _looked(sent: Sent, kind: ObjectType, settings: SunbirdSettings) -> Wish:
    """Return what the file of an upload can be taken as; raises ``Refused``."""
    if sent.content is None:
        raise Refused(Code.NO_FILE, "Missing file attachment.")
    check_size(len(sent.content), settings)
    with TemporaryDirectory(prefix="caseledger-sunbird-") as folder:
        path = Path(folder) / "upload"
        path.write_bytes(sent.content)
        wish = looked_into(path, kind, sent.fields.get("type", ""), settings)
    return replace(wish, dry_run=sent.fields.get("dry_run") == "on")


async def _enqueued(request: web.Request, wish: Wish, sent: Sent) -> Job:
    principal = request[PRINCIPAL]
    name = sent.name or f"{wish.kind}.csv"
    file = Upload(name=name, content_type="text/csv", content=sent.content or b"")
    author = author_of(request)
    add = partial(enqueue_upload, wish=wish, file=file, author=author, now=now_micros())
    job: Job = await request.app[WRITER].run(principal.domain, add)
    request.app[WORKER].wake()
    return job


async def _process_of(request: web.Request) -> Job:
    """Return the job of the process that the path names; raises ``NotFound``."""
    given = request.match_info["process_id"]
    is_number = given.isascii() and given.isdigit() and len(given) <= _LONGEST_ID
    key = (request[PRINCIPAL].domain, given.lstrip("0") if is_number else "")
    job = await request.app[STORE].read(key[0], lambda r: jobs.get_job(r.conn, key))
    if job.kind != SUNBIRD:
        raise NotFound(f"Job '{key[1]}' not found")
    return job


async def _streamed(
    request: web.Request, before: bytes, pieces: AsyncIterator[bytes], behind: bytes
) -> web.StreamResponse:
    """Send an answer as its pieces are read."""
    response = web.StreamResponse(headers={CONTENT_TYPE: JSON_TYPE})
    await response.prepare(request)
    # The answer has begun: no problem can be told any more. A connection that breaks
    # tells the client that there was more to come.
    try:
        await response.write(before)
        async for piece in pieces:
            await response.write(piece)
        await response.write(behind)
    except ConnectionError:
        logger.debug("client_left")
    except Exception as error:
        if not isinstance(error, StoreUnavailable):
            logger.exception("answer_broken_off")
        if request.transport is not None:
            request.transport.abort()
    return response
