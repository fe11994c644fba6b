"""Uploads of Sunbird for tests: rows as a file, run to their end, and what is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from importers.jobs.turns import SUNBIRD
from importers.sunbird.job import run_upload
from importers.sunbird.rules.columns import ObjectType
from importers.sunbird.rules.settings import SunbirdSettings
from importers.sunbird.upload import enqueue_upload, looked_into
from ledger.entry import Author, Upload
from ledger.imports.results import rows_of
from ledger.imports.values import ImportRow
from ledger.jobs.values import Job
from ledger.store import Store
from tests.kit import build
from tests.kit.jobs import job_of, working
from tests.kit.spreadsheets import a_csv

UPLOADER = Author(user_id=build.USER, username="amina")
PLACES = ["code", "name", "parentCode", "parentId"]
USERS = ["NAME", "USER_TYPE", "ROLES", "MOBILE PHONE", "EMAIL"]
ORGS = ["SCHOOL NAME", "BLOCK CODE", "STATUS"]


def enqueue(
    store: Store,
    kind: str,
    content: bytes,
    *,
    location_type: str = "",
    dry_run: bool = False,
    settings: SunbirdSettings | None = None,
    domain: str = build.DOMAIN,
) -> Job:
    """Add the job of an upload; raises ``Refused``."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "upload"
        path.write_bytes(content)
        wish = looked_into(
            path, ObjectType(kind), location_type, settings or SunbirdSettings()
        )
    wish = replace(wish, dry_run=dry_run)
    file = Upload(name="rows.csv", content_type="text/csv", content=content)
    with store.writing(domain) as writer:
        return enqueue_upload(writer, wish, file, author=UPLOADER, now=build.NOW)


async def run(store: Store, job: Job) -> Job:
    """See a job through."""
    async with working(store, {SUNBIRD: run_upload}) as worker:
        await worker.see_through(job.key)
    return job_of(store, job)


async def uploaded(
    store: Store, kind: str, *rows: Sequence[Any], **options: Any
) -> Job:
    """Upload rows, header first, and return the job when it has ended."""
    return await run(store, enqueue(store, kind, a_csv(*rows), **options))


async def places(store: Store, location_type: str, *rows: Sequence[Any]) -> Job:
    """Upload locations."""
    return await uploaded(store, "location", PLACES, *rows, location_type=location_type)


def kept(store: Store, job: Job) -> list[ImportRow]:
    """Return what became of each row."""
    with store.snapshot(job.domain) as reader:
        return rows_of(reader, "sunbird", job.job_id, after=0, most=100_000)


def shown(store: Store, job: Job) -> list[dict[str, Any]]:
    """Return the rows as they are told."""
    return [dict(row.shown or {}) for row in kept(store, job)]


def messages(store: Store, job: Job) -> list[str | None]:
    """Return the error of each row, nothing for one that succeeded."""
    return [row.get("err_msg") for row in shown(store, job)]


def cases(store: Store, case_type: str) -> list[Any]:
    """Return the cases of a type that are not deleted, the oldest first."""
    found = [c for c in build.cases_of(store).values() if c.case_type == case_type]
    return sorted(
        (c for c in found if c.deleted_on is None), key=lambda c: c.indexed_on
    )


def forms(store: Store, job: Job) -> list[Any]:
    """Return the entries of forms that a job has appended."""
    return [e for e in build.entries_of(store) if e.details.get("job") == job.job_id]


def the_case(store: Store, case_type: str) -> Any:
    """Return the only case of a type."""
    [found] = cases(store, case_type)
    return found
