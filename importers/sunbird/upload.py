"""Asking for an upload: a file is looked into, and becomes a job.

``rules/batch-imports.md`` 2.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from importers.jobs.turns import SUNBIRD
from importers.sunbird.command import DEVICE
from importers.sunbird.process_ids import ProcessIds
from importers.sunbird.rules.columns import Code, ObjectType, Refused, missing
from importers.sunbird.rules.known import Task
from importers.sunbird.rules.settings import (
    Rules,
    SunbirdSettings,
    rules_from_json,
    rules_to_json,
)
from importers.sunbird.table import count_records
from ledger.bodies import put_blobs
from ledger.entry import Author, Upload
from ledger.errors import NotFound
from ledger.jobs import queue as jobs
from ledger.jobs.values import Job
from ledger.store import Writer
from ledger.times import Micros

_LONGEST_TYPE = 255
_ids = ProcessIds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What an upload asks for; ``rows`` is how many rows its file has."""

    kind: ObjectType
    rules: Rules
    location_type: str = ""
    rows: int = 0
    dry_run: bool = False


def check_size(length: int, settings: SunbirdSettings) -> None:
    """Let a file pass that is not too large; raises ``Refused`` (check 4)."""
    if length > settings.file_limit:
        text = f"Max allowed size is {settings.file_limit_mb}MB"
        raise Refused(Code.TOO_LARGE, text)


def looked_into(
    path: Path, kind: ObjectType, location_type: str, settings: SunbirdSettings
) -> Wish:
    """Return what a file can be uploaded as; blocks while it reads.

    Raises ``Refused`` with the first of the checks 5 to 11 that fails.
    """
    given = location_type.strip()
    if kind is ObjectType.LOCATION and not given:
        raise Refused(Code.MISSING, missing("type"))
    rows = count_records(path, kind)
    most = _most_rows(kind, settings)
    if most and rows > most:
        text = f"Maximum upload data size should be {most}"
        raise Refused(Code.TOO_MANY, text)
    # What is no type fails in every row, so of a long text some is enough.
    told = given[:_LONGEST_TYPE] if kind is ObjectType.LOCATION else ""
    return Wish(kind=kind, rules=settings.rules, location_type=told, rows=rows)


def enqueue_upload(
    w: Writer,
    wish: Wish,
    file: Upload,
    *,
    author: Author,
    now: Micros,
    owner_id: str = "",
) -> Job:
    """Store the file and add the job that imports it, in one commit.

    New cases belong to ``owner_id``, or to the author.
    """
    (kept,) = put_blobs(w, [file])
    about = {"name": kept.name, "length": kept.length, "sha256": kept.sha256}
    return jobs.enqueue(
        w,
        kind=SUNBIRD,
        options={
            "object": wish.kind.value,
            "type": wish.location_type,
            "rows": wish.rows,
            "dry_run": wish.dry_run,
            "rules": rules_to_json(wish.rules),
            "files": [about],
            "author": {"user_id": author.user_id, "username": author.username},
            "owner_id": owner_id,
        },
        user_id=author.user_id,
        now=now,
        job_id=_free_id(w, now),
    )


def task_of(job: Job) -> Task:
    """Return what the job of an upload is about."""
    options = job.options
    return Task(
        kind=ObjectType(options["object"]),
        rules=rules_from_json(options["rules"]),
        domain=job.domain,
        author=Author(**options["author"], device_id=DEVICE),
        location_type=options["type"],
        owner_id=options.get("owner_id", ""),
    )


def _most_rows(kind: ObjectType, settings: SunbirdSettings) -> int:
    if kind is ObjectType.USER:
        return settings.user_rows
    if kind is ObjectType.ORGANISATION:
        return settings.organisation_rows
    return settings.location_rows


def _free_id(w: Writer, now: Micros) -> str:
    """Return an id that no job of the domain has; other processes draw as well."""
    while True:
        drawn = str(_ids.draw(now))
        try:
            jobs.get_job(w.conn, (w.domain, drawn))
        except NotFound:
            return drawn
