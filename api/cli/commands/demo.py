"""``caseledger demo``, as it is typed."""

from __future__ import annotations

import click

from api.cli.declared import Command


@click.command(cls=Command)
@click.option("--host", metavar="H", help="Address to listen on.  [default: 127.0.0.1]")
@click.option(
    "--port", type=click.IntRange(0, 65_535), metavar="N", help="Port.  [default: 8000]"
)
@click.option("--no-serve", is_flag=True, help="Prepare everything, then stop.")
def demo() -> None:
    """Make the domain demo with a user, a key and a sample, and serve it.

    Its receiver is open: whoever reaches the server may submit forms to it.
    What is there already stays: a second run starts at once and loses nothing.
    """
