"""``caseledger verify``, as it is typed."""

from __future__ import annotations

import click

from api.cli.declared import Command
from api.cli.options import OUTPUT, domains_option


@click.command(cls=Command)
@domains_option("Verify")
@click.option("--all", "every", is_flag=True, help="Verify every domain.")
@click.option(
    "--against",
    multiple=True,
    metavar="NOTE",
    help="POSITION:DIGEST or a signed checkpoint; may be given again.",
)
@click.option(
    "--public-key", metavar="KEY", help="The key that must have signed checkpoints."
)
@OUTPUT
def verify() -> None:
    """Recompute the log's hash chain and compare every read table with a fresh fold.

    Prints ok and the counts, or each difference, and then exits with 1.
    """
