"""``caseledger import sunbird``: a file of users, organisations or locations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

import click

from api.cli.database import OPERATOR, opened, the_domain
from api.cli.import_told import NoOwner, warn
from api.cli.new_file import new_file
from api.cli.output import Output
from api.cli.people import the_owner
from api.cli.work import see_through
from api.config import Config
from importers.sunbird.command import API
from importers.sunbird.failed_rows import write_failed_rows
from importers.sunbird.job import COUNTED
from importers.sunbird.rules.columns import ObjectType
from importers.sunbird.rules.settings import SunbirdSettings
from importers.sunbird.upload import Wish, check_size, enqueue_upload, looked_into
from ledger.bodies import get_blob
from ledger.clock import now_micros
from ledger.entry import Upload
from ledger.imports.results import rows_of
from ledger.imports.values import ImportRow
from ledger.jobs.values import Job, JobState
from ledger.store import Reader, Store

_AT_ONCE = 1000


def sunbird(
    config: Config,
    /,
    kind: str,
    file: Path,
    *,
    domain: str | None,
    location_type: str | None,
    owner: str | None,
    failed_rows: Path | None,
    out: Output,
    **how: bool,
) -> int:
    wish = _looked(ObjectType(kind), file, location_type or "", config.sunbird)
    with opened(config) as store, ExitStack() as stack:
        failed = (
            None if failed_rows is None else stack.enter_context(new_file(failed_rows))
        )
        added = _enqueue(
            store, domain, file, wish=replace(wish, dry_run=how["dry_run"]), owner=owner
        )
        job = see_through(store, added.key)
        if failed is not None:
            _write_failed(store, job, failed)
        return _tell(store, job, out)


def _looked(
    kind: ObjectType, file: Path, location_type: str, settings: SunbirdSettings
) -> Wish:
    """Return what a file can be taken as; raises ``Refused``."""
    check_size(file.stat().st_size, settings)
    return looked_into(file, kind, location_type, settings)


def _enqueue(
    store: Store, domain: str | None, file: Path, *, wish: Wish, owner: str | None
) -> Job:
    """Add the job; raises a usage error when nobody says whom cases belong to."""
    name = the_domain(store, domain)
    if owner is None:
        raise NoOwner
    upload = Upload(name=file.name, content_type="text/csv", content=file.read_bytes())
    with store.writing(name) as writer:
        return enqueue_upload(
            writer,
            wish,
            upload,
            author=OPERATOR,
            now=now_micros(),
            owner_id=the_owner(writer, owner),
        )


def _write_failed(store: Store, job: Job, out: BinaryIO) -> None:
    with (
        store.snapshot(job.domain) as reader,
        TemporaryDirectory(prefix="caseledger-failed-") as folder,
    ):
        path = Path(folder) / "upload"
        content = get_blob(reader, job.options["files"][0]["sha256"])
        path.write_bytes(content or b"")
        write_failed_rows(_kept(reader, job), path, out)


def _tell(store: Store, job: Job, out: Output) -> int:
    """Print what became of the rows; return the exit code."""
    with store.snapshot(job.domain) as reader:
        told = [(row.record, row.messages) for row in _kept(reader, job)]
    counts, messages = dict(_summary(job)), [one for one in told if one[1]]
    warnings = job.progress.get("notices", ())
    document = {
        **{name.replace(" ", "_"): value for name, value in counts.items()},
        "problem": job.problem,
        "warnings": warnings,
        "errors": [{"row": row, "messages": list(said)} for row, said in messages],
    }
    out.document(document, (f"{name}\t{value}" for name, value in counts.items()))
    warn(warnings)
    for row, said in messages:
        for message in said:
            click.echo(f"row {row}\t{message}", err=True)
    if job.state is not JobState.DONE:
        click.echo(f"Error: the job {job.state}: {job.problem or ''}", err=True)
        return 1
    return 1 if job.progress["failed"] else 0


def _summary(job: Job) -> Iterator[tuple[str, Any]]:
    yield "process", job.job_id
    yield "state", job.state
    if job.options["dry_run"]:
        yield "dry run", "nothing was written"
    yield "rows", job.options["rows"]
    for name in COUNTED:
        yield name, job.progress.get(name, 0)


def _kept(r: Reader, job: Job) -> Iterator[ImportRow]:
    after = 0
    while rows := rows_of(r, API, job.job_id, after=after, most=_AT_ONCE):
        yield from rows
        after = rows[-1].record
