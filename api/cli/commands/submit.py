"""``caseledger submit``, as it is typed."""

from __future__ import annotations

from pathlib import Path

import click

from api.cli.declared import Command
from api.cli.options import OUTPUT, domain_option


@click.command(cls=Command)
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE.xml...",
    type=click.Path(exists=True, allow_dash=True, path_type=Path),
)
@domain_option("The forms' domain")
@click.option("--dry-run", is_flag=True, help="Only tell what would become of them.")
@click.option(
    "--keep-errors", is_flag=True, help="Keep files that are no forms in the log, too."
)
@OUTPUT
def submit() -> None:
    """Append XForm files to the log as the receiver would.

    A folder stands for the .xml files in it and below, a .zip for those in the archive,
    - for standard input. Files beside a form that it names are its attachments; in a
    folder or an archive, all files beside a form are if it is the only one there. What
    is left out is told.

    Prints a line for each form: its verdict, its id, its file and, if it has one, its
    problem. A file that is no form is refused and does not reach the log.
    """
