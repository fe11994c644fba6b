"""Handlers of the jobs of a domain: list, show, cancel, retry."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from aiohttp import web

from api.http.keys import PRINCIPAL, STORE, WORKER, WRITER
from api.http.requests import json_answer, own_address
from api.wire.jobs import job_body, list_body
from api.wire.list_query import ListQuery, cursor_of
from api.wire.permissions import Permission, check
from ledger.clock import now_micros
from ledger.jobs import queue as jobs
from ledger.jobs.values import Job, JobFilter, JobKey, JobState
from ledger.store import Reader, Writer

_MANAGED = frozenset({"undo", "repack"})
"""Kinds of jobs that only those who may manage the domain can move."""


async def list_jobs(request: web.Request) -> web.Response:
    """Answer a page of jobs, the newest first."""
    query = ListQuery(request.rel_url.raw_query_string, ("kind", "state"))
    asked = JobFilter(
        kind=query.text("kind"), state=query.choice("state", map(str, JobState))
    )
    limit, before = query.limit, query.cursor(int, str)

    def read(r: Reader) -> list[Job]:
        return jobs.list_jobs(r, asked, limit=limit + 1, before=before)

    found = await request.app[STORE].read(request[PRINCIPAL].domain, read)
    next_url = None
    if len(found) > limit:
        last = found[limit - 1]
        cursor = cursor_of(last.created_on, last.job_id)
        next_url = query.next_link(own_address(request), cursor)
    return json_answer(list_body(found[:limit], next_url=next_url))


async def get_job(request: web.Request) -> web.Response:
    """Answer one job: its state, its progress, its result."""
    return json_answer(job_body(await find_job(request)))


async def cancel_job(request: web.Request) -> web.Response:
    """Stop a job, after its present chunk when it runs."""
    return await _move(request, jobs.cancel)


async def retry_job(request: web.Request) -> web.Response:
    """Let a job that failed, was cancelled or was interrupted go on."""
    return await _move(request, jobs.retry)


async def find_job(request: web.Request) -> Job:
    """Return the job that the path names; raises ``NotFound``."""
    domain = request[PRINCIPAL].domain
    key = (domain, request.match_info["job_id"])
    return await request.app[STORE].read(domain, lambda r: jobs.get_job(r.conn, key))


async def _move(request: web.Request, act: Callable[..., Job]) -> web.Response:
    job = await find_job(request)
    if job.kind in _MANAGED:
        check(request[PRINCIPAL].permissions, Permission.MANAGE)
    errand = partial(_act, act=act, key=job.key)
    moved = await request.app[WRITER].run(job.domain, errand)
    request.app[WORKER].wake()
    return json_answer(job_body(moved))


def _act(w: Writer, *, act: Callable[..., Job], key: JobKey) -> Job:
    return act(w.conn, key, now=now_micros())
