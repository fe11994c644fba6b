"""Handlers of the pages on which batch imports are made, started and watched.

``rules/batch-imports.md`` 1.9. Each answers a page to people, and an object in JSON to
whoever accepts that.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from aiohttp import web

from api.haplo.body import (
    FAILED_VALIDATION,
    Request,
    Sent,
    failed_validation,
    named_files,
    parts_of,
    read_given,
)
from api.haplo.handlers import keep_control, parameters_of
from api.haplo.pages import Answer, page
from api.haplo.wire import batch_line, batch_wire, control_wire, record_wire
from api.http.keys import PRINCIPAL, STORE, WORKER, WRITER
from api.http.requests import author_of, own_path
from api.wire.list_query import ListQuery, cursor_of
from api.wire.problems import Problem, invalid
from importers.haplo.batches import (
    DEFAULT,
    UNNAMED_BATCH,
    cases_of,
    listed_names,
    log_of,
    name_of,
    schedule,
)
from importers.jobs.turns import HAPLO
from ledger.bodies import get_blob
from ledger.clock import now_micros
from ledger.errors import Conflict
from ledger.forms.names import is_legal, printable
from ledger.imports import batches
from ledger.imports.results import outcomes_of, rows_of
from ledger.imports.values import Batch, BatchState, ControlFile, NewFile
from ledger.jobs.values import Job
from ledger.store import Reader, Writer

T = TypeVar("T")

_LISTED = 1000
_RECORDS = 100


@page
async def list_control_files(request: web.Request) -> Answer:
    """Answer the control files of the domain, the newest first."""
    query = ListQuery(request.rel_url.raw_query_string, (), default=_LISTED)
    limit, before = query.limit, query.cursor(int, str)
    found = await _read(
        request, lambda r: batches.list_controls(r, limit=limit + 1, before=before)
    )
    following = None
    if len(found) > limit:
        last = found[limit - 1]
        following = cursor_of(last.created_on, last.digest)
    return Answer(
        "control-files",
        "Control files",
        {
            "controlFiles": [control_wire(control) for control in found[:limit]],
            **_next(request, query, following),
        },
    )


@page
async def show_control_file(request: web.Request) -> Answer:
    """Answer a control file and what it says."""
    control, content = await _control(request)
    told = control_wire(control)
    return Answer(
        "control-file",
        "Control file",
        told,
        beside={"control": await asyncio.to_thread(_pretty, content)},
        spliced=("control", content.removeprefix(b"\xef\xbb\xbf")),
    )


@page
async def show_new_control_file(_request: web.Request) -> Answer:
    """Answer what is asked of a new control file."""
    return Answer(
        "new-control-file", "New control file", {"parameters": ["comment", "file"]}
    )


@page
async def add_control_file(request: web.Request) -> Answer:
    """Keep a control file."""
    whole = await parameters_of(request)
    given = await asyncio.to_thread(read_given, whole, files=("file",))
    if not given.comment(""):
        raise failed_validation()
    control = await keep_control(
        request, given.file("file").content, comment=given.comment("")
    )
    there = f"/control-file/{control.digest}"
    return Answer("control-file", "Control file", control_wire(control), then=there)


@page
async def show_new_batch(request: web.Request) -> Answer:
    """Answer what is asked of a new batch: files for these names."""
    control, content = await _control(request)
    listed = await asyncio.to_thread(listed_names, content)
    told = {"control": _brief(control), "names": [n for n in listed if n != DEFAULT]}
    return Answer("new-batch", "New batch", told, beside={"others": DEFAULT in listed})


@page
async def add_batch(request: web.Request) -> Answer:
    """Add a batch with all its files, which can be started from here."""
    control, content = await _control(request)
    whole = await parameters_of(request)
    files, comment = await asyncio.to_thread(_new_batch, whole, content)
    author, now = author_of(request), now_micros()

    def add(w: Writer) -> Batch:
        made = batches.create_batch(
            w, control, comment=comment, author=author, now=now, state=BatchState.READY
        )
        batches.add_files(w, made.identifier, files, state=BatchState.READY)
        return made

    return await _batch_made(request, add)


@page
async def list_batches(request: web.Request) -> Answer:
    """Answer the batches of the domain, the newest first."""
    query = ListQuery(request.rel_url.raw_query_string, (), default=_LISTED)
    limit, before = query.limit, query.cursor(int, str)
    found = await _read(
        request, lambda r: batches.list_batches(r, limit=limit + 1, before=before)
    )
    following = None
    if len(found) > limit:
        last = found[limit - 1]
        following = cursor_of(last.created_on, last.identifier)
    told = {
        "batches": [batch_line(batch) for batch in found[:limit]],
        **_next(request, query, following),
    }
    return Answer("batches", "Batches", told)


@page
async def show_batch(request: web.Request) -> Answer:
    """Answer a batch, how it stands, and the log of its run."""
    return await _shown(request, request.match_info["identifier"])


@page
async def list_records(request: web.Request) -> Answer:
    """Answer what became of the records of a batch, in their order."""
    query = ListQuery(request.rel_url.raw_query_string, (), default=_RECORDS)
    identifier = request.match_info["identifier"]
    limit, (after,) = query.limit, query.cursor(int) or (-1,)

    def read(r: Reader) -> list[Any]:
        batches.get_batch(r, identifier)
        return rows_of(r, HAPLO, identifier, after=after, most=limit + 1)

    found = await request.app[STORE].scan(request[PRINCIPAL].domain, read)
    following = cursor_of(found[limit - 1].record) if len(found) > limit else None
    told = {"records": [record_wire(row) for row in found[:limit]], "next": None}
    told |= _next(request, query, following)
    return Answer("records", "Records", told, beside={"identifier": identifier})


@page
async def dry_run_batch(request: web.Request) -> Answer:
    """Start a dry run of a batch that is ready."""
    return await _started(request, partial(schedule, dry_run=True))


@page
async def import_batch(request: web.Request) -> Answer:
    """Start the import of a batch that is ready."""
    return await _started(request, partial(schedule, dry_run=False))


@page
async def copy_batch(request: web.Request) -> Answer:
    """Add a batch of the same files, which can be started from here."""
    copy = partial(
        batches.copy_batch,
        identifier=request.match_info["identifier"],
        author=author_of(request),
        now=now_micros(),
    )
    return await _batch_made(request, copy)


# -- reading and writing -----------------------------------------------------


async def _control(request: web.Request) -> tuple[ControlFile, bytes]:
    """Return the control file that the path names, and its bytes."""
    digest = request.match_info["digest"]

    def read(r: Reader) -> tuple[ControlFile, bytes | None]:
        return batches.get_control(r, digest), get_blob(r, digest)

    control, content = await request.app[STORE].scan(request[PRINCIPAL].domain, read)
    if content is None:
        raise Problem(404, "The file is not there any more")
    return control, content


async def _started(request: web.Request, start: Callable[..., Job]) -> Answer:
    identifier = request.match_info["identifier"]
    errand = partial(
        start,
        identifier=identifier,
        state=BatchState.READY,
        author=author_of(request),
        now=now_micros(),
    )
    try:
        await _write(request, errand)
    except Conflict:
        raise Problem(400, "Batch is in the wrong state") from None
    request.app[WORKER].wake()
    return await _shown(request, identifier)


async def _shown(request: web.Request, identifier: str) -> Answer:
    def read(r: Reader) -> dict[str, Any]:
        batch = batches.get_batch(r, identifier)
        return batch_wire(
            batch,
            files=batches.files_of(r, identifier),
            log=log_of(r, batch),
            outcomes=outcomes_of(r, HAPLO, identifier),
            cases=cases_of(r, batch),
        )

    told = await request.app[STORE].scan(request[PRINCIPAL].domain, read)
    return Answer("batch", "Batch", told, then=f"/batch/{identifier}")


async def _batch_made(request: web.Request, make: Callable[[Writer], Batch]) -> Answer:
    made = await _write(request, make)
    return await _shown(request, made.identifier)


async def _read(request: web.Request, fn: Callable[[Reader], T]) -> T:
    return await request.app[STORE].read(request[PRINCIPAL].domain, fn)


async def _write(request: web.Request, fn: Callable[[Writer], T]) -> T:
    return await request.app[WRITER].run(request[PRINCIPAL].domain, fn)


# -- requests and answers ----------------------------------------------------


def _new_batch(request: Request, control: bytes) -> tuple[list[NewFile], str]:
    """Return the files of a new batch and its comment; raises a 400 ``Problem``."""
    listed = listed_names(control)
    files = [
        _new_file(name or name_of(file.name, listed), file)
        for name, file in named_files(parts_of(request))
    ]
    if not files:
        raise failed_validation()
    counts = Counter(file.name for file in files)
    twice = [printable(name) for name, count in counts.items() if count > 1]
    if twice:
        raise invalid(f"Duplicate file names: {', '.join(twice)}")
    given = read_given(request, files=("file",))
    return files, given.comment(UNNAMED_BATCH)


def _new_file(name: str, file: Sent) -> NewFile:
    if not is_legal(name):
        raise invalid(FAILED_VALIDATION)
    return NewFile(name=name, file_name=file.name, content=file.content)


def _brief(control: ControlFile) -> dict[str, str]:
    return {"digest": control.digest, "comment": control.comment}


def _pretty(content: bytes) -> str:
    """Return a control file laid out, or as it is when it is nested too deeply."""
    try:
        return json.dumps(json.loads(content), indent=2, ensure_ascii=False)
    except RecursionError:
        return content.decode("utf-8", "replace")


def _next(
    request: web.Request, query: ListQuery, following: str | None
) -> Mapping[str, Any]:
    """Return where the list goes on, if it does."""
    if following is None:
        return {}
    address = own_path(request, request.rel_url.raw_path)
    return {"next": query.next_link(address, following)}
