"""``caseledger case erase``, as it is typed."""

from __future__ import annotations

import click

from api.cli.declared import Command
from api.cli.options import OUTPUT, domain_option


@click.command(cls=Command)
@click.argument("case_ids", nargs=-1, required=True, metavar="CASE_ID...")
@domain_option("The cases' domain")
@click.option("--reason", default="", metavar="R", help="Why; kept in the log.")
@click.option("--yes", is_flag=True, help="Do not ask whether that is meant.")
@click.option("--dry-run", is_flag=True, help="Only tell what would go.")
@OUTPUT
def erase() -> None:
    """Make the personal data of cases unreadable: in the log, files and read tables.

    It cannot be undone. Who, when and why is kept in the log.
    """
