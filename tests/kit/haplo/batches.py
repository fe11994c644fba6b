"""Batches for tests: control files, and jobs that run them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from importers.haplo.job import run_batch
from importers.haplo.log import log_lines
from importers.jobs.turns import HAPLO
from importers.jobs.undo import UNDO, undo
from ledger import log
from ledger.bodies import put_blobs
from ledger.entry import Entry, Upload
from ledger.ids import new_token
from ledger.imports.results import rows_of
from ledger.imports.values import ImportRow
from ledger.jobs import queue as jobs
from ledger.jobs.values import Job
from ledger.store import Store
from tests.kit import build
from tests.kit.jobs import job_of, working

AUTHOR = {"user_id": build.USER, "username": "amina"}
HANDLERS = {HAPLO: run_batch, UNDO: undo}

NEW = {"action": "new", "destination": "object"}
NAME = {"source": "name", "destination": "object", "name": "case_name"}


def field(source: str, name: str | None = None, **more: Any) -> dict[str, Any]:
    """Return the instruction that copies a value into the one destination."""
    about = {"source": source, "destination": "object", "name": name or source}
    return about | more


def constant(value: Any, name: str, **more: Any) -> dict[str, Any]:
    """Return the instruction that sets a constant in the one destination."""
    about = {"action": "set-value", "destination": "object"}
    return {**about, "name": name, "value": value, **more}


def upsert(key: str = "id", destination: str = "object") -> list[dict[str, Any]]:
    """Return the instructions that load a case by external id or make it."""
    return [
        {"source": key, "destination": "load:by-external-id", "name": "external_id"},
        {
            "action": "load",
            "destination": destination,
            "using": "load:by-external-id",
            "otherwise": [
                {"action": "new", "destination": destination},
                {"source": key, "destination": destination, "name": "external_id"},
            ],
        },
    ]


def with_cards() -> dict[str, Any]:
    """Return a control file for mothers, each with the card that depends on her."""
    destinations = {
        "mother": {"caseType": "mother"},
        "card": {"caseType": "card", "depends": "mother", "optional": True},
    }
    return a_control(
        *upsert("id", "mother"),
        {**NAME, "destination": "mother"},
        {"source": "card", "destination": "card", "name": "case_name"},
        model="ledger:cases",
        destinations=destinations,
    )


def a_control(*instructions: Any, **more: Any) -> dict[str, Any]:
    """Return a control file for patients in JSON files."""
    return {
        "dataImportControlFileVersion": 0,
        "model": "TYPE:patient",
        "files": {"DEFAULT": {"read": "json"}},
        "instructions": list(instructions),
        **more,
    }


def enqueue(
    store: Store,
    control: Any,
    files: Iterable[tuple[str, bytes]],
    *,
    dry_run: bool = False,
    job_id: str | None = None,
    now: int = build.NOW,
) -> Job:
    """Add the job of a batch; a control file that is no bytes becomes JSON."""
    content = control if isinstance(control, bytes) else orjson.dumps(control)
    with store.writing(build.DOMAIN) as writer:
        (kept,) = put_blobs(writer, [_upload("control", content)])
        listed = []
        for name, data in files:
            (blob,) = put_blobs(writer, [_upload(name, data)])
            about = {"name": name, "sha256": blob.sha256, "length": blob.length}
            listed.append({**about, "file_name": f"{name}.txt"})
        options = {"control": kept.sha256, "dry_run": dry_run, "files": listed}
        return jobs.enqueue(
            writer,
            kind=HAPLO,
            options={**options, "author": AUTHOR},
            user_id=build.USER,
            now=now,
            job_id=job_id or new_token(),
        )


async def ran(
    store: Store, control: Any, files: Iterable[tuple[str, bytes]], **more: Any
) -> Job:
    """Run a batch and return its job when it has ended."""
    job = enqueue(store, control, files, **more)
    async with working(store, HANDLERS) as worker:
        await worker.see_through(job.key)
    return job_of(store, job)


async def imported(
    store: Store, control: Any, *records: Any, **more: Any
) -> tuple[Job, list[ImportRow]]:
    """Run a batch of one JSON file and return its job and what became of records."""
    job = await ran(store, control, [("people", orjson.dumps(records))], **more)
    return job, rows(store, job)


def rows(store: Store, job: Job) -> list[ImportRow]:
    """Return what became of the records of a job."""
    with store.reading(build.DOMAIN) as reader:
        return rows_of(reader, HAPLO, job.job_id, after=-1, most=100_000)


def log_of(store: Store, job: Job) -> list[str]:
    """Return the lines of a job's log, without the times."""
    lines = list(log_lines(job, rows(store, job)))
    assert lines[0].startswith("START: ")
    assert lines[-1].startswith("END: ")
    return lines[1:-1]


def outcomes(found: Iterable[ImportRow]) -> list[str]:
    """Return how records ended."""
    return [row.outcome.value for row in found]


def cases_by_name(store: Store) -> dict[str, Any]:
    """Return the cases of the domain by their names."""
    return {case.case_name: case for case in build.cases_of(store).values()}


def properties(store: Store, name: str) -> Mapping[str, str]:
    """Return the properties of the case with a name."""
    found: Mapping[str, str] = cases_by_name(store)[name].properties
    return found


def _upload(name: str, content: bytes) -> Upload:
    return Upload(name=name, content_type="application/octet-stream", content=content)


def made(store: Store, case_id: str, **create: Any) -> None:
    """Make a case by hand."""
    external_id = create.pop("external_id", None)
    update = {"external_id": external_id} if external_id else None
    block = build.a_create(case_id, create=create, update=update)
    build.submit(store, build.a_form([block]))


def forms_of(store: Store, job: Job) -> list[tuple[Entry, bytes | None]]:
    """Return the entries of the forms that a job appended, with their bytes."""
    with store.snapshot(build.DOMAIN) as reader:
        found = log.entries_after(reader, 0, limit=10_000)
        return [(e, b) for e, b in found if e.details.get("job") == job.job_id]
