"""``caseledger signing-key``, as it is typed."""

from __future__ import annotations

import click

from api.cli.declared import Group
from api.cli.new_file import NEW_FILE

_FILE = NEW_FILE


@click.group(cls=Group)
def signing_key() -> None:
    """Make the key that signs checkpoints, and show its public half."""


@signing_key.command()
@click.argument("path", type=_FILE)
def create() -> None:
    """Write a new key to PATH, for its owner's eyes only; print the public half."""


@signing_key.command()
@click.argument("path", type=_FILE)
def show() -> None:
    """Print the public half of the key in PATH."""
