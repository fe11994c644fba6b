"""``caseledger job``: work in the background, listed, stopped and set going again."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import click

from api.cli.database import OPERATOR, opened, the_domain
from api.cli.output import Output, echo_json
from api.cli.work import COLUMNS, outcome, see_through
from api.config import Config
from api.wire.jobs import to_wire
from importers.jobs.forget_files import forget_files
from ledger.clock import now_micros
from ledger.jobs import queue as jobs
from ledger.jobs.values import Job, JobFilter


def list_jobs(
    config: Config,
    *,
    domain: str | None,
    kind: str | None,
    state: str | None,
    limit: int,
    out: Output,
) -> None:
    asked = JobFilter(kind=kind, state=state)
    with opened(config) as store, store.reading(the_domain(store, domain)) as reader:
        found = jobs.list_jobs(reader, asked, limit=limit)
    out.rows(map(to_wire, found), COLUMNS)


def show(config: Config, *, job_id: str, domain: str | None) -> None:
    with opened(config) as store:
        key = (the_domain(store, domain), job_id)
        found = to_wire(store.look(partial(jobs.get_job, key=key)))
    echo_json(found)


def cancel(config: Config, *, job_id: str, domain: str | None, out: Output) -> None:
    moved = _move(config, job_id, domain, jobs.cancel)
    asked = moved.cancel_asked and not moved.has_ended
    line = f"{job_id} {'stops soon' if asked else moved.state}"
    out.document(to_wire(moved), [line])


def retry(config: Config, *, job_id: str, domain: str | None) -> int:
    _move(config, job_id, domain, jobs.retry)
    return _run(config, job_id, domain)


def forget(config: Config, *, job_id: str, domain: str | None) -> None:
    with opened(config) as store:
        key = (the_domain(store, domain), job_id)
        with store.writing(key[0]) as writer:
            count = forget_files(writer, key, author=OPERATOR, clock=now_micros)
    click.echo(f"{job_id} files dropped\t{count}")


def run(config: Config, *, job_id: str, domain: str | None) -> int:
    return _run(config, job_id, domain)


def _run(config: Config, job_id: str, domain: str | None) -> int:
    with opened(config) as store:
        return outcome(see_through(store, (the_domain(store, domain), job_id)))


def _move(
    config: Config, job_id: str, domain: str | None, act: Callable[..., Any]
) -> Job:
    with opened(config) as store:
        key = (the_domain(store, domain), job_id)
        with store.administering() as conn:
            moved: Job = act(conn, key, now=now_micros())
    return moved
