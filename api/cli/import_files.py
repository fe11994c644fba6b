"""``caseledger import``: files of others become cases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

import click

from api.cli.database import OPERATOR, opened, the_domain
from api.cli.import_haplo import haplo
from api.cli.import_sunbird import sunbird
from api.cli.new_file import new_file
from api.cli.options import domain_option
from api.cli.work import see_through
from api.config import Config
from importers.excel.failed import write_failed_rows
from importers.excel.job import enqueue_import
from importers.excel.rules.options import ExcelOptions, SearchField, read_options
from importers.excel.rules.report import count_of, row_ranges
from importers.excel.upload import looked_into
from importers.tables.unreadable import Limits
from ledger.bodies import file_to_store, get_blob
from ledger.clock import now_micros
from ledger.jobs.values import Job, JobState
from ledger.store import Store

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_NEW_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group()
def import_files() -> None:
    """Import files of cases; each import is a job that can be undone."""


import_files.add_command(haplo)
import_files.add_command(sunbird)


@import_files.command()
@click.argument("file", type=_FILE)
@domain_option()
@click.option("--case-type", required=True, metavar="T", help="Type of the cases.")
@click.option(
    "--search-field",
    type=click.Choice([str(known) for known in SearchField]),
    default=SearchField.CASE_ID.value,
    help="By which id rows find their cases.",
)
@click.option("--search-column", metavar="C", help="The column with these ids.")
@click.option(
    "--create-new-cases/--no-create-new-cases",
    default=False,
    help="Make a case of a row that finds none.",
)
@click.option("--name-column", metavar="C", help="The column with the names.")
@click.option("--header-row", metavar="N", help="The row with the headers, if not 1.")
@click.option("--dry-run", is_flag=True, help="Only tell what would happen.")
@click.option(
    "--as-shown",
    multiple=True,
    metavar="COLUMN",
    help="Read the numbers of a column as a spreadsheet shows them: 00042, not 42.",
)
@click.option(
    "--failed-rows",
    type=_NEW_FILE,
    metavar="OUT.xlsx",
    help="Write the rows that failed to a new file, with the reasons.",
)
@click.pass_obj
def excel(
    config: Config,
    /,
    file: Path,
    *,
    domain: str | None,
    create_new_cases: bool,
    dry_run: bool,
    as_shown: tuple[str, ...],
    failed_rows: Path | None,
    **fields: str | None,
) -> int:
    """Import a spreadsheet of cases (.xlsx, .xls, .ods, .csv, .tsv or .txt).

    Exits with 1 when a row failed. The job's id is printed: undo takes it back.
    """
    given = {name: value for name, value in fields.items() if value is not None}
    flags = {"create_new_cases": create_new_cases, "dry_run": dry_run}
    given |= {name: "on" for name, wanted in flags.items() if wanted}
    if as_shown:
        given["as_shown"] = ",".join(as_shown)
    options = read_options(given, has_file=True)
    with opened(config) as store, ExitStack() as stack:
        out = (
            None if failed_rows is None else stack.enter_context(new_file(failed_rows))
        )
        limits = config.import_limits
        added = _enqueue(store, domain, file, options=options, limits=limits)
        job = see_through(store, added.key)
        if out is not None:
            _write_failed(store, job, out)
    return _tell(job)


def _enqueue(
    store: Store,
    domain: str | None,
    file: Path,
    *,
    options: ExcelOptions,
    limits: Limits,
) -> Job:
    """Add the job; raises ``Refused`` for a file that cannot be imported."""
    name = the_domain(store, domain)
    looked = looked_into(
        file, file.name, options, store=store, domain=name, limits=limits
    )
    stored = file_to_store(file, file.name)
    with store.writing(name) as writer:
        return enqueue_import(
            writer,
            looked,
            stored,
            author=OPERATOR,
            now=now_micros(),
            limits=limits,
        )


def _write_failed(store: Store, job: Job, out: BinaryIO) -> None:
    with store.snapshot(job.domain) as reader:
        content = get_blob(reader, job.options["file"]["sha256"]) or b""
    write_failed_rows(job, content, out)


def _tell(job: Job) -> int:
    """Print what became of the rows; return the exit code."""
    report = job.progress.get("report", {})
    for name, value in _summary(job, report):
        click.echo(f"{name}\t{value}")
    for group in report.get("errors", ()):
        rows, column = row_ranges(group["rows"]), group["column"] or "-"
        count = count_of(group["rows"])
        text = f"{group['title']}\t{column}\t{count}\trows {rows}"
        click.echo(text, err=True)
    if job.state is not JobState.DONE:
        click.echo(f"Error: the job {job.state}: {job.problem or ''}", err=True)
        return 1
    return 1 if report.get("failed") else 0


def _summary(job: Job, report: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "job", job.job_id
    yield "state", job.state
    if job.options["dry_run"]:
        yield "dry run", "nothing was written"
    for name in ("created", "updated", "failed"):
        yield name, report.get(name, 0)
    yield "skipped", report.get("blank", 0) + report.get("unmatched", 0)
    yield "cases", report.get("cases", 0)
    yield "forms", report.get("chunks", 0)


# The word of the command line is one of Python's own, so it can be no name here.
globals()["import"] = import_files
