"""``caseledger import excel``: spreadsheets, read as the API reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import click

from api.cli.database import OPERATOR, opened, the_domain
from api.cli.import_told import NoOwner, warn
from api.cli.new_file import new_file
from api.cli.output import Output
from api.cli.people import the_owner
from api.cli.work import see_through
from api.config import Config
from importers.excel.failed import write_failed_rows
from importers.excel.job import enqueue_import
from importers.excel.rules.columns import Columns
from importers.excel.rules.options import ExcelOptions, Refused, read_options
from importers.excel.rules.report import count_of, row_ranges
from importers.excel.upload import columns_found, looked_into
from importers.tables.unreadable import Limits
from ledger.bodies import file_to_store, get_blob
from ledger.clock import now_micros
from ledger.jobs.values import Job, JobState
from ledger.store import Store

_OWNER_COLUMNS = ("owner_id", "owner_name")


def excel(
    config: Config,
    /,
    file: Path,
    *,
    domain: str | None,
    owner: str | None,
    renamed: Sequence[tuple[str, str]],
    failed_rows: Path | None,
    out: Output,
    **fields: Any,
) -> int:
    options = replace(_options(fields), renamed=tuple(renamed))
    with opened(config) as store, ExitStack() as stack:
        failed = (
            None if failed_rows is None else stack.enter_context(new_file(failed_rows))
        )
        limits = config.import_limits
        name = the_domain(store, domain)
        looked = looked_into(
            file, file.name, options, store=store, domain=name, limits=limits
        )
        found = columns_found(file, file.name, looked, limits=limits)
        owner_id = _owner(store, name, owner, columns=found, options=looked)
        added = _enqueue(store, name, file, options=looked, owner=owner_id, most=limits)
        job = see_through(store, added.key)
        if failed is not None:
            _write_failed(store, job, failed)
    return _tell(job, out)


def _options(fields: Mapping[str, Any]) -> ExcelOptions:
    """Return the options, as HTTP would read them of a form."""
    given = {
        name: "on" if value is True else value
        for name, value in fields.items()
        if value not in (None, False, ())
    }
    if "as_shown" in given:
        given["as_shown"] = ",".join(given["as_shown"])
    return read_options(given, has_file=True)


def _owner(
    store: Store,
    domain: str,
    name: str | None,
    *,
    columns: Sequence[Columns],
    options: ExcelOptions,
) -> str:
    """Return whom new cases belong to that name nobody; an empty text for nobody.

    Raises ``Refused`` for columns that no import could use, a usage error when no
    case would have an owner.
    """
    for found in columns:
        if found.failure is not None:
            raise Refused(found.failure.text)
    if name is not None:
        with store.reading(domain) as reader:
            return the_owner(reader, name)
    names_owners = all(
        any(column in found.fields for column in _OWNER_COLUMNS) for found in columns
    )
    if options.creates and not names_owners:
        raise NoOwner
    return ""


def _enqueue(
    store: Store,
    domain: str,
    file: Path,
    *,
    options: ExcelOptions,
    owner: str,
    most: Limits,
) -> Job:
    stored = file_to_store(file, file.name)
    with store.writing(domain) as writer:
        return enqueue_import(
            writer,
            options,
            stored,
            author=OPERATOR,
            now=now_micros(),
            limits=most,
            owner_id=owner,
        )


def _write_failed(store: Store, job: Job, out: BinaryIO) -> None:
    with store.snapshot(job.domain) as reader:
        content = get_blob(reader, job.options["file"]["sha256"]) or b""
    write_failed_rows(job, content, out)


def _tell(job: Job, out: Output) -> int:
    """Print what became of the rows; return the exit code."""
    report = job.progress.get("report", {})
    counts = dict(_summary(job, report))
    warnings, errors = report.get("warnings", ()), report.get("errors", ())
    document = {
        **{name.replace(" ", "_"): value for name, value in counts.items()},
        "problem": job.problem,
        "warnings": warnings,
        "errors": errors,
    }
    out.document(document, (f"{name}\t{value}" for name, value in counts.items()))
    warn(warnings)
    for group in errors:
        rows, column = row_ranges(group["rows"]), group["column"] or "-"
        count = count_of(group["rows"])
        text = f"{group['title']}\t{column}\t{count}\trows {rows}"
        click.echo(text, err=True)
    if job.state is not JobState.DONE:
        click.echo(f"Error: the job {job.state}: {job.problem or ''}", err=True)
        return 1
    return 1 if report.get("failed") else 0


def _summary(job: Job, report: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "job", job.job_id
    yield "state", job.state
    if job.options["dry_run"]:
        yield "dry run", "nothing was written"
    for name in ("created", "updated", "failed"):
        yield name, report.get(name, 0)
    yield "skipped", report.get("blank", 0) + report.get("unmatched", 0)
    yield "cases", report.get("cases", 0)
    yield "forms", report.get("chunks", 0)
