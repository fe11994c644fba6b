"""``caseledger checkpoint``, as it is typed."""

from __future__ import annotations

from pathlib import Path

import click

from api.cli.declared import Command
from api.cli.options import domain_option


@click.command(cls=Command)
@domain_option("The domain of the log")
@click.option(
    "--output",
    "-o",
    metavar="FILE",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="Write to this new file instead of standard output, which is - as well.",
)
@click.option(
    "--signing-key",
    metavar="FILE",
    help="The key that signs.  [env: CASELEDGER_SIGNING_KEY]",
)
def checkpoint() -> None:
    """Write a signed checkpoint, for ``verify --against`` at any later time.

    Keep it where nobody who can write to the database can write.
    """
