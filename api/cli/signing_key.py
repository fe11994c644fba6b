"""``caseledger signing-key``: the key that signs checkpoints."""

from __future__ import annotations

from pathlib import Path

import click

from api.config import Config
from ledger.proof.signing import create_signing_key, load_signing_key


def create(_config: Config, *, path: Path) -> None:
    click.echo(create_signing_key(path).public_key)


def show(_config: Config, *, path: Path) -> None:
    click.echo(load_signing_key(path).public_key)
