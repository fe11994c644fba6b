"""``caseledger import excel``: spreadsheets, read as the API reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import click

from api.cli.database import OPERATOR, opened, the_domain
from api.cli.import_told import OWNER, NoOwner, warn
from api.cli.new_file import NEW_FILE, new_file
from api.cli.options import domain_option
from api.cli.output import OUTPUT, Output
from api.cli.people import the_owner
from api.cli.work import see_through
from api.config import Config
from importers.excel.failed import write_failed_rows
from importers.excel.job import enqueue_import
from importers.excel.rules.columns import Columns
from importers.excel.rules.options import (
    ExcelOptions,
    Refused,
    SearchField,
    read_options,
)
from importers.excel.rules.report import count_of, row_ranges
from importers.excel.upload import columns_found, looked_into
from importers.tables.unreadable import Limits
from ledger.bodies import file_to_store, get_blob
from ledger.clock import now_micros
from ledger.jobs.values import Job, JobState
from ledger.store import Store

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_OWNER_COLUMNS = ("owner_id", "owner_name")


class Renaming(click.ParamType[tuple[str, str]]):
    """A header and what its column is called instead."""

    name = "header=property"

    def convert(
        self,
        value: str,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[str, str]:
        """Return both; a header may hold a sign of equality, a property none."""
        header, equals, name = value.rpartition("=")
        if not equals or not header or not name.strip():
            self.fail(f"'{value}' is not of the form 'Card No.=card'", param, ctx)
        return header, name.strip()


@click.command()
@click.argument("file", type=_FILE)
@domain_option()
@click.option("--case-type", required=True, metavar="T", help="Type of the cases.")
@click.option(
    "--search-field",
    type=click.Choice([str(known) for known in SearchField]),
    default=SearchField.CASE_ID.value,
    show_default=True,
    help="By which id rows find their cases.",
)
@click.option("--search-column", metavar="C", help="The column with these ids.")
@click.option(
    "--create-new-cases/--no-create-new-cases",
    default=False,
    help="Whether to make a case of a row that finds none.",
)
@click.option("--name-column", metavar="C", help="The column with the names.")
@OWNER
@click.option("--header-row", metavar="N", help="The row with the headers, if not 1.")
@click.option(
    "--as-shown",
    multiple=True,
    metavar="COLUMN",
    help="Read the numbers of a column as a spreadsheet shows them: 00042, not 42.",
)
@click.option(
    "--map",
    "renamed",
    type=Renaming(),
    multiple=True,
    metavar="HEADER=PROPERTY",
    help="Take a column as if it were called so; may be repeated.",
)
@click.option("--dry-run", is_flag=True, help="Only tell what would happen.")
@click.option(
    "--failed-rows",
    type=NEW_FILE,
    metavar="OUT.xlsx",
    help="Write the rows that failed to a new file, with the reasons.",
)
@OUTPUT
@click.pass_obj
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
    """Import a spreadsheet of cases (.xlsx, .xls, .ods, .csv, .tsv or .txt).

    Exits with 1 when a row failed. The job's id is printed: undo takes it back.
    """
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
