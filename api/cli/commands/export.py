"""``caseledger export``, as it is typed."""

from __future__ import annotations

from pathlib import Path

import click

from api.cli.declared import Group
from api.cli.options import domain_option
from importers.export.formats import Format

_DOMAIN = domain_option()
_FORMAT = click.option(
    "--format",
    "file_format",
    type=click.Choice([str(known) for known in Format]),
    help=(
        "What to write: a table as CSV or Excel, or a JSON object in each line; if "
        "nothing is said, what the name of FILE ends in."
    ),
)
_OUTPUT = click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    metavar="FILE",
    help="Write to a new file instead of standard output, which is - as well.",
)
_BOM = click.option(
    "--bom",
    is_flag=True,
    help="Begin a CSV file with a byte order mark, for spreadsheets that need one.",
)


@click.group(cls=Group)
def export() -> None:
    """Write all cases or forms of a domain as CSV, Excel or JSON lines."""


@export.command()
@_DOMAIN
@_FORMAT
@click.option("--case-type", metavar="T", help="Only cases of this type.")
@click.option(
    "--for-import",
    is_flag=True,
    help="Write a table that import excel takes as it is; needs --case-type.",
)
@_BOM
@_OUTPUT
def cases() -> None:
    """Write every case, closed ones too, in the order of their last changes."""


@export.command()
@_DOMAIN
@_FORMAT
@click.option("--xmlns", metavar="X", help="Only forms with this xmlns.")
@_BOM
@_OUTPUT
def forms() -> None:
    """Write every normal form, with all that was filled in, by id."""
