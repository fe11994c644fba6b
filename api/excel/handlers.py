"""Handler of an upload to the Excel import (``rules/excel-import.md`` 1 to 3)."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
from aiohttp import web

from api.excel.receive import Received, receive
from api.http.idempotency import idempotency_key
from api.http.keys import CONFIG, PRINCIPAL, STORE, WORKER, WRITER
from api.http.requests import (
    author_of,
    base_address,
    json_answer,
    state_may_forbid,
)
from api.wire.problems import Problem
from importers.excel.rules.options import Refused, read_options
from importers.excel.start import StartImport, digest_of
from importers.excel.upload import looked_into
from ledger.entry import Answer, IdempotencyKey
from ledger.ids import new_id


async def upload(request: web.Request) -> web.Response:
    """Take a file and start an import of it.

    It is written down as it comes, looked into, and stored from there: never held
    whole. The job of this process then reads that very file.
    """
    domain, limits = request[PRINCIPAL].domain, request.app[CONFIG].import_limits
    with TemporaryDirectory(prefix="caseledger-upload-") as folder:
        path = Path(folder) / "upload"
        try:
            received = await receive(request, path, limits)
            command = await _command(request, received)
        except Refused as refused:
            raise Problem(refused.status, refused.text) from None
        with state_may_forbid():
            answer: Answer = await request.app[WRITER].submit(domain, command)
        request.app[WORKER].uploads.offer(domain, command.file.sha256, path)
    request.app[WORKER].wake()
    return json_answer(answer.body, status=answer.status)


async def _command(request: web.Request, received: Received) -> StartImport:
    """Return the import that a request asks for; raises ``Refused``."""
    principal, limits = request[PRINCIPAL], request.app[CONFIG].import_limits
    key, job_id = idempotency_key(request), new_id()
    asked = read_options(received.fields, has_file=received.file_name is not None)
    file = received.file
    look = partial(
        looked_into, store=request.app[STORE], domain=principal.domain, limits=limits
    )
    return StartImport(
        job_id=job_id,
        options=await asyncio.to_thread(look, file.path, file.name, asked),
        file=file,
        author=author_of(request),
        answer=_taken(request, job_id),
        limits=limits,
        idempotency=None
        if key is None
        else IdempotencyKey(
            key=key,
            user_id=principal.user_id,
            request_sha256=digest_of(asked, file),
        ),
    )


def _taken(request: web.Request, job_id: str) -> Answer:
    domain = request[PRINCIPAL].domain
    address = f"/a/{domain}/importer/history/uploads/{job_id}/status/"
    body = {
        "code": 200,
        "message": "success",
        "status_url": base_address(request) + address,
    }
    return Answer(200, orjson.dumps(body))
