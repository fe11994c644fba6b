"""``caseledger backup`` and ``caseledger restore``, as they are typed."""

from __future__ import annotations

from pathlib import Path

import click

from api.cli.declared import Command
from api.cli.options import OUTPUT, WORKERS

_FILE = click.argument(
    "file",
    type=click.Path(dir_okay=False, path_type=Path, allow_dash=True),
    metavar="FILE",
)


@click.command(cls=Command)
@_FILE
@OUTPUT
def backup() -> None:
    """Write the log and all that cannot be derived from it to a new file.

    The server may go on meanwhile. FILE may be - for standard output. Whoever has the
    file has all data, the hashes of passwords and the digests of keys.
    """


@click.command(cls=Command)
@_FILE
@WORKERS
@OUTPUT
def restore() -> None:
    """Load a backup into an empty database of either kind, and prove it.

    FILE may be - for standard input. Nothing is changed unless the whole file is as it
    was written; a restore that was killed can be run again.
    """
