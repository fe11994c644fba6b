"""Handler of an upload to the Excel import (``rules/excel-import.md`` 1 to 3)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
from aiohttp import web

from api.excel.receive import receive
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
from ledger.entry import Answer, IdempotencyKey, Upload
from ledger.ids import new_id

_OCTETS = "application/octet-stream"


async def upload(request: web.Request) -> web.Response:
    """Take a file and start an import of it."""
    try:
        command = await _command(request)
    except Refused as refused:
        raise Problem(refused.status, refused.text) from None
    with state_may_forbid():
        writer, domain = request.app[WRITER], request[PRINCIPAL].domain
        answer: Answer = await writer.submit(domain, command)
    request.app[WORKER].wake()
    return json_answer(answer.body, status=answer.status)


async def _command(request: web.Request) -> StartImport:
    """Return the import that a request asks for; raises ``Refused``."""
    principal, limits = request[PRINCIPAL], request.app[CONFIG].import_limits
    store, domain, job_id = request.app[STORE], principal.domain, new_id()
    key = idempotency_key(request)
    with TemporaryDirectory(prefix="caseledger-upload-") as folder:
        path = Path(folder) / "upload"
        received = await receive(request, path, limits)
        name = received.file_name
        asked = read_options(received.fields, has_file=name is not None)
        options = await asyncio.to_thread(
            looked_into,
            path,
            name or "",
            asked,
            store=store,
            domain=domain,
            limits=limits,
        )
        content = await asyncio.to_thread(path.read_bytes)
    return StartImport(
        job_id=job_id,
        options=options,
        file=Upload(name=name or "", content_type=_OCTETS, content=content),
        author=author_of(request),
        answer=_taken(request, job_id),
        limits=limits,
        idempotency=None
        if key is None
        else IdempotencyKey(
            key=key,
            user_id=principal.user_id,
            request_sha256=digest_of(asked, name or "", content),
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
