"""Handlers of imports of spreadsheets (``rules/excel-import.md`` 14, 15, 18.4).

Who is limited to locations sees no imports but their own (rules 14.1 and 15.1).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from functools import partial
from io import BytesIO
from itertools import chain
from urllib.parse import unquote_plus

import orjson
from aiohttp import web
from aiohttp.hdrs import CONTENT_TYPE

from api.excel.wire import entry_of, may_download, status_of
from api.http.files import saved_as
from api.http.keys import PRINCIPAL, STORE, WORKER, WRITER
from api.http.logs import REQUEST_ID
from api.http.requests import author_of, json_answer, state_may_forbid
from api.wire.multipart_body import read_parts
from api.wire.permissions import Principal
from api.wire.problems import Problem
from importers.excel.failed import list_failed_rows, write_failed_rows
from importers.excel.rules.options import BAD_COMMENT, LONGEST_COMMENT
from importers.excel.rules.told import form_ids_of
from importers.excel.stored import case_ids_of_forms, in_parts
from importers.export.sinks import BYTE_ORDER_MARK
from importers.jobs.forget_files import forget_files
from importers.jobs.turns import EXCEL
from ledger.bodies import get_blob
from ledger.clock import now_micros
from ledger.directory.users import get_user
from ledger.entry import Author
from ledger.errors import NotFound
from ledger.forms.names import printable
from ledger.jobs import queue as jobs
from ledger.jobs.notes import annotate
from ledger.jobs.values import Job, JobFilter, JobKey
from ledger.store import Reader, Writer

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_CSV = "text/csv; charset=utf-8"
_OCTETS = "application/octet-stream"
_MOST_LISTED = 1000


async def upload_status(request: web.Request) -> web.Response:
    """Answer how an import stands (rule 14)."""
    return json_answer(orjson.dumps(status_of(await _import_of(request))))


async def list_uploads(request: web.Request) -> web.Response:
    """Answer a page of imports, the newest first (rule 15.1)."""
    query, principal = request.query, request[PRINCIPAL]
    limit = min(max(_number(query.get("limit"), 10), 1), _MOST_LISTED)
    page = max(_number(query.get("page"), 1), 1)
    words = query.get("query", "").lower()
    find = partial(
        _found, who=principal, words=words, skip=(page - 1) * limit, limit=limit
    )
    found = await request.app[STORE].read(principal.domain, find)
    return json_answer(orjson.dumps([entry_of(job, principal) for job in found]))


async def upload_file(request: web.Request) -> web.Response:
    """Answer the file as it was uploaded."""
    job = await _import_of(request)
    content = await _content(request, job)
    headers = _headers(job.options["file"]["name"], _OCTETS)
    return web.Response(body=content, headers=headers)


async def upload_form_ids(request: web.Request) -> web.Response:
    """Answer the ids of the forms that an import submitted, one in a line."""
    return _lines(form_ids_of(await _import_of(request)))


async def upload_case_ids(request: web.Request) -> web.Response:
    """Answer the case id of every case block of these forms, one in a line."""
    job = await _import_of(request)
    case_ids = list[str]()
    for some in in_parts(form_ids_of(job)):
        read = partial(case_ids_of_forms, form_ids=some)
        case_ids += await request.app[STORE].scan(job.domain, read)
    return _lines(case_ids)


async def upload_failed_rows(request: web.Request) -> web.Response:
    """Answer a workbook of the rows that failed, with the reason beside each."""
    job = await _import_of(request)
    content, made = await _content(request, job), BytesIO()
    await asyncio.to_thread(write_failed_rows, job, content, made)
    headers = _headers("failed_rows.xlsx", _XLSX)
    return web.Response(body=made.getvalue(), headers=headers)


async def upload_errors(request: web.Request) -> web.StreamResponse:
    """Answer the rows that failed as CSV, while they are read."""
    job = await _import_of(request)
    mark = [BYTE_ORDER_MARK] if request.query.get("bom") == "true" else []
    with closing(list_failed_rows(job, await _content(request, job))) as pieces:
        marked = chain(mark, pieces)
        return await _stream(request, _headers("errors.csv", _CSV), marked)


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
    notes = {"comment": printable(comment)}
    author, now = author_of(request), now_micros()
    note = partial(annotate, key=job.key, notes=notes, author=author, now=now)
    await _change(request, note)
    return json_answer(b"{}")


async def upload_cancel(request: web.Request) -> web.Response:
    """Stop an import after its running chunk."""
    job = await _import_of(request)
    await _change(request, partial(_cancel, key=job.key, author=author_of(request)))
    return json_answer(b"{}")


async def upload_forget(request: web.Request) -> web.Response:
    """Drop the file of an import, and what its report shows of the file's values."""
    job = await _import_of(request)
    author = author_of(request)
    forget = partial(forget_files, key=job.key, author=author, clock=now_micros)
    await _change(request, forget)
    return json_answer(b"{}")


# -- imports -----------------------------------------------------------------


async def _import_of(request: web.Request) -> Job:
    """Return the job of the import that the path names; raises ``NotFound``."""
    principal, upload_id = request[PRINCIPAL], request.match_info["upload_id"]
    find = partial(_find, who=principal, upload_id=upload_id)
    found: Job = await request.app[STORE].read(principal.domain, find)
    return found


def _find(r: Reader, *, who: Principal, upload_id: str) -> Job:
    job = jobs.get_job(r.conn, (r.domain, upload_id))
    if job.kind != EXCEL or not _sees(r, who)(job):
        raise NotFound(f"Job '{upload_id}' not found")
    return job


def _found(
    r: Reader, *, who: Principal, words: str, skip: int, limit: int
) -> list[Job]:
    """Return a page of imports whose file name or comment has the words."""
    found: list[Job] = []
    before, sees = None, _sees(r, who)
    while len(found) < skip + limit:
        some = jobs.list_jobs(r, JobFilter(kind=EXCEL), limit=200, before=before)
        found += [j for j in some if sees(j) and words in _searched(j.options)]
        if not some:
            break
        before = (some[-1].created_on, some[-1].job_id)
    return found[skip : skip + limit]


def _sees(r: Reader, who: Principal) -> Callable[[Job], bool]:
    """Return what tells whether somebody may know of an import."""
    user = get_user(r, who.user_id)
    sees_all = user is None or user.profile.access_all_locations
    return lambda job: sees_all or job.user_id == who.user_id


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


async def _change(request: web.Request, act: Callable[[Writer], object]) -> None:
    """Change a job, and have the worker look what became of it."""
    with state_may_forbid():
        await request.app[WRITER].run(request[PRINCIPAL].domain, act)
    request.app[WORKER].wake()


def _cancel(w: Writer, *, key: JobKey, author: Author) -> None:
    now = now_micros()
    jobs.cancel(w.conn, key, now=now)
    annotate(w, key, {"cancelled_by": author.username}, author=author, now=now)


async def _comment(request: web.Request) -> str | None:
    """Return the field ``comment`` of a form, encoded either way."""
    body, sent = await request.read(), request.headers.get(CONTENT_TYPE, "")
    if sent.lower().startswith("multipart/"):
        return await asyncio.to_thread(_comment_among, body, sent)
    for pair in body.decode("utf-8", "replace").split("&"):
        name, equals, value = pair.partition("=")
        if name == "comment" and equals:
            return unquote_plus(value)
    return None


def _comment_among(body: bytes, content_type: str) -> str | None:
    try:
        parts = read_parts(body, content_type)
    except ValueError:
        return None
    found = [part.content for part in parts if part.name == "comment"]
    return found[-1].decode("utf-8", "replace") if found else None


# -- answers -----------------------------------------------------------------


def _lines(ids: Iterable[str]) -> web.Response:
    text = "".join(f"{one}\n" for one in ids)
    return web.Response(text=text, content_type="text/plain")


def _headers(name: str, content_type: str) -> dict[str, str]:
    """Return the headers of a file that is saved under a name."""
    return {CONTENT_TYPE: content_type, **saved_as(name)}


async def _stream(
    request: web.Request, headers: Mapping[str, str], pieces: Iterator[bytes]
) -> web.StreamResponse:
    """Answer pieces as they come; what breaks the first one off is still told."""
    piece = await asyncio.to_thread(next, pieces, b"")
    # The shell comes too late to add its own header.
    told = {**headers, "X-Request-Id": REQUEST_ID.get()}
    response = web.StreamResponse(headers=told)
    await response.prepare(request)
    while piece:
        await response.write(piece)
        piece = await asyncio.to_thread(next, pieces, b"")
    await response.write_eof()
    return response


def _number(text: str | None, default: int) -> int:
    # Longer ones are no page that there could be, and slow to read.
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 9:  # noqa: PLR2004
        return default
    return int(text)
