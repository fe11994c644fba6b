"""``caseledger export``: all cases or forms of a domain as a file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import click

from api.cli.database import opened, the_domain
from api.cli.new_file import new_file
from api.cli.options import domain_option
from api.cli.progress import Progress, progress
from api.config import Config
from importers.export.write import Format, export_cases, export_forms
from projections.rebuild.fresh import silent

Work = Callable[..., int]

_DOMAIN = domain_option()
_FORMAT = click.option(
    "--format",
    "file_format",
    type=click.Choice([str(known) for known in Format]),
    required=True,
    help="What to write: a table as CSV or Excel, or a JSON object in each line.",
)
_OUTPUT = click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write to a new file instead of standard output.",
)


@click.group()
def export() -> None:
    """Write all cases or forms of a domain as CSV, Excel or JSON lines."""


@export.command()
@_DOMAIN
@_FORMAT
@click.option("--case-type", metavar="T", help="Only cases of this type.")
@_OUTPUT
@click.pass_obj
def cases(config: Config, /, *, case_type: str | None, **where: Any) -> None:
    """Write every case, closed ones too, in the order of their last changes."""
    _export(config, partial(export_cases, case_type=case_type), what="cases", **where)


@export.command()
@_DOMAIN
@_FORMAT
@click.option("--xmlns", metavar="X", help="Only forms with this xmlns.")
@_OUTPUT
@click.pass_obj
def forms(config: Config, /, *, xmlns: str | None, **where: Any) -> None:
    """Write every normal form, with all that was filled in, by id."""
    _export(config, partial(export_forms, xmlns=xmlns), what="forms", **where)


def _export(
    config: Config,
    work: Work,
    *,
    what: str,
    domain: str | None,
    file_format: str,
    output: Path | None,
) -> None:
    if file_format == Format.XLSX and output is None and sys.stdout.isatty():
        text = "a terminal cannot show Excel files: give -o FILE"
        raise click.UsageError(text)
    with opened(config) as store:
        name = the_domain(store, domain)
        with (
            _destination(output) as out,
            store.snapshot(name) as reader,
            _shown(what, output) as tell,
        ):
            count = work(reader, out, file_format=Format(file_format), progress=tell)
    click.echo(f"{count} {what} exported", err=True)


@contextmanager
def _destination(output: Path | None) -> Iterator[BinaryIO]:
    """Yield where to write; raises ``Conflict`` when the file is there already."""
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with new_file(output) as out:
        yield out


@contextmanager
def _shown(what: str, output: Path | None) -> Iterator[Progress]:
    """Yield what shows the progress, unless the rows themselves fill the terminal."""
    if output is None and sys.stdout.isatty():
        yield silent
        return
    with progress(what) as tell:
        yield tell
