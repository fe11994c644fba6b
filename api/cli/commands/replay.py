"""``caseledger replay``, as it is typed."""

from __future__ import annotations

import click

from api.cli.declared import Command
from api.cli.options import OUTPUT, WORKERS, domains_option
from projections.names import CASES, FORMS


@click.command(cls=Command)
@domains_option("Rebuild")
@click.option("--all", "every", is_flag=True, help="Rebuild every domain.")
@click.option(
    "--projection",
    type=click.Choice([CASES, FORMS]),
    help="Rebuild only this projection's tables.",
)
@click.option(
    "--directory",
    is_flag=True,
    help="Rebuild users, groups, places, keys, webhooks and settings instead.",
)
@WORKERS
@OUTPUT
def replay() -> None:
    """Rebuild the read tables from the log and swap them in.

    Reads and writes go on meanwhile. A replay that was killed goes on where it was.

    With --directory the users, groups, places, keys, webhooks and settings become what
    the log states; jobs and batches that are lost come back as failed. Secrets that are
    lost stay lost: the user has no password then, the key is good for nothing, the
    webhook rests.
    """
