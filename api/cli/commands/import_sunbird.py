"""``caseledger import sunbird``, as it is typed."""

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
from importers.sunbird.rules.columns import ObjectType


@click.command(cls=Command)
@click.argument("kind", type=click.Choice([str(kind) for kind in ObjectType]))
@click.argument("file", type=A_FILE)
@domain_option()
@click.option("--type", "location_type", metavar="T", help="The type of locations.")
@OWNER
@click.option("--dry-run", is_flag=True, help="Only tell what would happen.")
@failed_rows_option("Write the rows that failed to a new file, with the reasons.")
@OUTPUT
def sunbird() -> None:
    """Import a CSV file as Sunbird's bulk upload does.

    Exits with 1 when a row failed. The job's id is printed: undo takes it back.
    """
