"""``caseledger import sunbird``, as it is typed."""

from __future__ import annotations

from pathlib import Path

import click

from api.cli.declared import Command
from api.cli.new_file import NEW_FILE
from api.cli.options import OUTPUT, OWNER, domain_option
from importers.sunbird.rules.columns import ObjectType

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(cls=Command)
@click.argument("kind", type=click.Choice([str(kind) for kind in ObjectType]))
@click.argument("file", type=_FILE)
@domain_option()
@click.option("--type", "location_type", metavar="T", help="The type of locations.")
@OWNER
@click.option("--dry-run", is_flag=True, help="Only tell what would happen.")
@click.option(
    "--failed-rows",
    type=NEW_FILE,
    metavar="OUT.xlsx",
    help="Write the rows that failed to a new file, with the reasons.",
)
@OUTPUT
def sunbird() -> None:
    """Import a CSV file as Sunbird's bulk upload does.

    Exits with 1 when a row failed. The job's id is printed: undo takes it back.
    """
