"""Handlers of the Excel import (``excel-import.md`` sections 1 to 3, 14, 15, 18.4)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from functools import partial
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote, unquote_plus

import orjson
from aiohttp import web
from aiohttp.hdrs import CONTENT_TYPE

from api.case_v2_request import base_address, json_answer
from api.excel_json import entry_of, may_download, status_of
from api.keys import PRINCIPAL, STORE, WORKER, WRITER
from api.multipart_body import Part, read_parts
from api.problems import Problem
from importers.excel import enqueue_import
from importers.excel_chunk import form_ids_of
from importers.excel_failed import write_failed_rows
from importers.excel_options import (
    BAD_COMMENT,
    LONGEST_COMMENT,
    LOST,
    ExcelOptions,
    Refused,
    read_options,
)
from importers.excel_upload import looked_into
from importers.turns import EXCEL
from ledger import jobs, log
from ledger.bodies import get_blob
from ledger.clock import now_micros
from ledger.entry import Author, Upload
from ledger.errors import Conflict, NotFound
from ledger.formxml import parse_form
from ledger.job_notes import annotate
from ledger.jobs import Job, JobFilter
from ledger.names import printable
from ledger.store import Reader, Store, Writer
from projections.case_pages import list_cases
from projections.filters import CaseFilter, Page

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_OCTETS = "application/octet-stream"
_LONGEST_NAME = 255
_FORMS_AT_ONCE = 50
_MOST_LISTED = 1000


async def upload(request: web.Request) -> web.Response:
    """Take a file and start an import of it."""
    principal = request[PRINCIPAL]
    body = await request.read()
    try:
        options, file = await _looked_at(request, body)
    except Refused as refused:
        return _answer(500, refused.text, status=refused.status)
    author = Author(user_id=principal.user_id, username=principal.username)
    add = partial(
        enqueue_import, options=options, file=file, author=author, now=now_micros()
    )
    job: Job = await request.app[WRITER].run(principal.domain, add)
    request.app[WORKER].wake()
    address = f"/a/{job.domain}/importer/history/uploads/{job.job_id}/status/"
    return _answer(200, "success", status_url=base_address(request) + address)


async def upload_status(request: web.Request) -> web.Response:
    """Answer how an import stands (section 14)."""
    return json_answer(orjson.dumps(status_of(await _import_of(request))))


async def list_uploads(request: web.Request) -> web.Response:
    """Answer a page of imports, the newest first (section 15)."""
    query, principal = request.query, request[PRINCIPAL]
    limit = min(max(_number(query.get("limit"), 10), 1), _MOST_LISTED)
    page = max(_number(query.get("page"), 1), 1)
    words = query.get("query", "").lower()
    find = partial(_found, words=words, skip=(page - 1) * limit, limit=limit)
    found = await request.app[STORE].read(principal.domain, find)
    return json_answer(orjson.dumps([entry_of(job, principal) for job in found]))


async def upload_file(request: web.Request) -> web.Response:
    """Answer the file as it was uploaded."""
    job = await _import_of(request)
    content = await _content(request, job)
    return _attachment(content, job.options["file"]["name"], _OCTETS)


async def upload_form_ids(request: web.Request) -> web.Response:
    """Answer the ids of the forms that an import submitted, one in a line."""
    return _lines(form_ids_of(await _import_of(request)))


async def upload_case_ids(request: web.Request) -> web.Response:
    """Answer the case id of every case block of these forms, one in a line."""
    job = await _import_of(request)
    form_ids, case_ids = form_ids_of(job), list[str]()
    for start in range(0, len(form_ids), _FORMS_AT_ONCE):
        some = form_ids[start : start + _FORMS_AT_ONCE]
        read = partial(_case_ids, form_ids=some)
        case_ids += await request.app[STORE].scan(job.domain, read)
    return _lines(case_ids)


async def upload_failed_rows(request: web.Request) -> web.Response:
    """Answer a workbook of the rows that failed, with the reason beside each."""
    job = await _import_of(request)
    content = await _content(request, job)
    made = await asyncio.to_thread(_failed_rows, job, content)
    return _attachment(made, "failed_rows.xlsx", _XLSX)


async def upload_comment(request: web.Request) -> web.Response:
    """Change the comment of an import."""
    job = await _import_of(request)
    if job.user_id != request[PRINCIPAL].user_id:
        raise Problem(403, "Only who uploaded a file may change its comment")
    comment = await _comment(request)
    if comment is None:
        raise Problem(400, "POST body must contain non-null comment property")
    if len(comment) > LONGEST_COMMENT:
        raise Problem(400, BAD_COMMENT)
    note = partial(annotate, key=job.key, comment=printable(comment))
    await request.app[WRITER].run(job.domain, note)
    return json_answer(b"{}")


async def upload_cancel(request: web.Request) -> web.Response:
    """Stop an import after its running chunk."""
    job = await _import_of(request)
    cancel = partial(_cancel, key=job.key, username=request[PRINCIPAL].username)
    try:
        await request.app[WRITER].run(job.domain, cancel)
    except Conflict as refused:
        raise Problem(409, printable(refused.text)) from None
    request.app[WORKER].wake()
    return json_answer(b"{}")


# -- uploads -----------------------------------------------------------------


async def _looked_at(request: web.Request, body: bytes) -> tuple[ExcelOptions, Upload]:
    """Return what an upload asks for, and its file; raises ``Refused``."""
    store, domain = request.app[STORE], request[PRINCIPAL].domain
    sent = request.headers.get(CONTENT_TYPE, "")
    fields, file = await asyncio.to_thread(_fields, body, sent)
    options = read_options(fields, has_file=file is not None)
    if file is None:
        raise Refused(LOST)
    looked = await asyncio.to_thread(_looked, file, options, store, domain)
    return looked, file


def _fields(body: bytes, content_type: str) -> tuple[dict[str, str], Upload | None]:
    """Return the fields of a form and its file; the last of each name counts."""
    try:
        parts = read_parts(body, content_type)
    except ValueError:
        parts = []
    fields = {p.name: _text(p) for p in parts if p.filename is None}
    files = [p for p in parts if p.name == "file" and p.filename]
    if not files:
        return fields, None
    name = printable(Path(files[-1].filename or "").name)[-_LONGEST_NAME:]
    content = files[-1].content
    return fields, Upload(name=name, content_type=_OCTETS, content=content)


def _text(part: Part) -> str:
    return part.content.decode("utf-8", "replace")


def _looked(
    file: Upload, options: ExcelOptions, store: Store, domain: str
) -> ExcelOptions:
    def known_types(titles: Iterable[str]) -> set[str]:
        with store.snapshot(domain) as reader:
            return {title for title in titles if has_type(reader, title)}

    with TemporaryDirectory(prefix="caseledger-upload-") as folder:
        path = Path(folder) / "upload"
        path.write_bytes(file.content)
        return looked_into(path, file.name, options, known_types=known_types)


def has_type(r: Reader, case_type: str) -> bool:
    """Tell whether the domain has a case of a type (section 5)."""
    asked = CaseFilter(equals={"case_type": (case_type,)})
    return bool(list_cases(r, asked, Page(limit=1)).rows)


def _answer(code: int, message: str, *, status: int = 200, **more: str) -> web.Response:
    body = {"code": code, "message": message, **more}
    return json_answer(orjson.dumps(body), status=status)


# -- imports -----------------------------------------------------------------


async def _import_of(request: web.Request) -> Job:
    """Return the job of the import that the path names; raises ``NotFound``."""
    upload_id = request.match_info["upload_id"]
    key = (request[PRINCIPAL].domain, upload_id)
    job = await request.app[STORE].read(key[0], lambda r: jobs.get_job(r.conn, key))
    if job.kind != EXCEL:
        raise NotFound(f"Job '{upload_id}' not found")
    return job


def _found(r: Reader, *, words: str, skip: int, limit: int) -> list[Job]:
    """Return a page of imports whose file name or comment has the words."""
    found: list[Job] = []
    before = None
    while len(found) < skip + limit:
        some = jobs.list_jobs(r, JobFilter(kind=EXCEL), limit=200, before=before)
        found += [job for job in some if words in _searched(job.options)]
        if not some:
            break
        before = (some[-1].created_on, some[-1].job_id)
    return found[skip : skip + limit]


def _searched(options: Mapping[str, object]) -> str:
    file, notes = options["file"], options.get("notes", {})
    if not isinstance(file, Mapping) or not isinstance(notes, Mapping):
        return ""
    comment = notes.get("comment", options["comment"]) or ""
    return f"{file['name']}\n{comment}".lower()


async def _content(request: web.Request, job: Job) -> bytes:
    if not may_download(job, request[PRINCIPAL]):
        raise Problem(403, "Only administrators and who uploaded a file may have it")
    read = partial(get_blob, sha256=job.options["file"]["sha256"])
    content = await request.app[STORE].scan(job.domain, read)
    if content is None:
        raise Problem(404, "The file is not there any more")
    return content


def _case_ids(r: Reader, *, form_ids: list[str]) -> list[str]:
    """Return the case ids of the blocks of forms, in order."""
    entries = log.entries_of_forms(r, form_ids)
    places = [entries[i][0].position for i in form_ids if entries.get(i)]
    bodies = log.bodies_at(r, places)
    forms = [parse_form(bodies[place]) for place in places if place in bodies]
    return [block.case_id for form in forms for block in form.blocks]


def _failed_rows(job: Job, content: bytes) -> bytes:
    out = BytesIO()
    with TemporaryDirectory(prefix="caseledger-failed-") as folder:
        path = Path(folder) / "upload"
        path.write_bytes(content)
        write_failed_rows(job, path, out)
    return out.getvalue()


def _cancel(w: Writer, *, key: jobs.JobKey, username: str) -> None:
    jobs.cancel(w.conn, key, now=now_micros())
    annotate(w, key, cancelled_by=username)


async def _comment(request: web.Request) -> str | None:
    """Return the field ``comment`` of a form, encoded either way."""
    body, sent = await request.read(), request.headers.get(CONTENT_TYPE, "")
    if sent.lower().startswith("multipart/"):
        fields, _ = _fields(body, sent)
        return fields.get("comment")
    for pair in body.decode("utf-8", "replace").split("&"):
        name, equals, value = pair.partition("=")
        if name == "comment" and equals:
            return unquote_plus(value)
    return None


def _lines(ids: Iterable[str]) -> web.Response:
    text = "".join(f"{one}\n" for one in ids)
    return web.Response(text=text, content_type="text/plain")


def _attachment(content: bytes, name: str, content_type: str) -> web.Response:
    named = f"attachment; filename*=UTF-8''{quote(name.encode('utf-8', 'replace'))}"
    headers = {"Content-Disposition": named}
    return web.Response(body=content, content_type=content_type, headers=headers)


def _number(text: str | None, default: int) -> int:
    # Longer ones are no page that there could be, and slow to read.
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 9:  # noqa: PLR2004
        return default
    return int(text)
