"""``caseledger migrate`` and ``caseledger serve``., as they are typed."""

from __future__ import annotations

import click

from api.cli.declared import Command


@click.command(cls=Command)
def migrate() -> None:
    """Create the schema or bring it up to date; safe to run again."""


@click.command(cls=Command)
@click.option("--host", metavar="H", help="Address to listen on.  [default: 127.0.0.1]")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    metavar="N",
    help="Port, 0 for any.  [default: 8000]",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    metavar="N",
    help="Processes.  [default: 1]",
)
def serve() -> None:
    """Serve HTTP, and tend the indexes, until SIGTERM.

    An empty database gets its schema first.
    """
