"""``caseledger signing-key``: the key that signs checkpoints."""

from __future__ import annotations

from pathlib import Path

import click

from api.cli.new_file import NEW_FILE
from ledger.proof.signing import create_signing_key, load_signing_key

_FILE = NEW_FILE


@click.group()
def signing_key() -> None:
    """Make the key that signs checkpoints, and show its public half."""


@signing_key.command()
@click.argument("path", type=_FILE)
def create(*, path: Path) -> None:
    """Write a new key to PATH, for its owner's eyes only; print the public half."""
    click.echo(create_signing_key(path).public_key)


@signing_key.command()
@click.argument("path", type=_FILE)
def show(*, path: Path) -> None:
    """Print the public half of the key in PATH."""
    click.echo(load_signing_key(path).public_key)
