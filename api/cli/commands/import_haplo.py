"""``caseledger import haplo``, as it is typed."""

from __future__ import annotations

import click

from api.cli.declared import Command
from api.cli.options import (
    A_FILE,
    OUTPUT,
    OWNER,
    domain_option,
    failed_rows_option,
)


@click.command(cls=Command)
@click.argument("files", metavar="[NAME=]FILE...", nargs=-1, required=True)
@click.option("--control", required=True, type=A_FILE, help="The control file.")
@domain_option()
@OWNER
@click.option("--comment", metavar="TEXT", help="What the batch is about.")
@click.option("--dry-run", is_flag=True, help="Only tell what would happen.")
@failed_rows_option("Write what was said of records to a new file.")
@OUTPUT
def haplo() -> None:
    """Import a batch of files as Haplo's batch import does.

    NAME is the name of a file in the control file; without one it is the name of FILE,
    or what stands before its extension. Exits with 1 when a record was not applied.
    The job's id is printed: undo takes it back.
    """
