"""``caseledger import haplo``, as it is typed."""

from __future__ import annotations

from pathlib import Path

import click

from api.cli.declared import Command
from api.cli.new_file import NEW_FILE
from api.cli.options import OUTPUT, OWNER, domain_option

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(cls=Command)
@click.argument("files", metavar="[NAME=]FILE...", nargs=-1, required=True)
@click.option("--control", required=True, type=_FILE, help="The control file.")
@domain_option()
@OWNER
@click.option("--comment", metavar="TEXT", help="What the batch is about.")
@click.option("--dry-run", is_flag=True, help="Only tell what would happen.")
@click.option(
    "--failed-rows",
    type=NEW_FILE,
    metavar="OUT.xlsx",
    help="Write what was said of records to a new file.",
)
@OUTPUT
def haplo() -> None:
    """Import a batch of files as Haplo's batch import does.

    NAME is the name of a file in the control file; without one it is the name of FILE,
    or what stands before its extension. Exits with 1 when a record was not applied.
    The job's id is printed: undo takes it back.
    """
