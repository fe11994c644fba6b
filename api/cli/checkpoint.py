"""``caseledger checkpoint``: a signed file that says what a log is."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from api.cli.database import opened, the_domain
from api.config import Config
from api.release import program
from ledger.clock import now_micros
from ledger.proof.checkpoint import make_checkpoint
from ledger.proof.signing import Untrusted, load_signing_key

_PIPE = Path("-")


def checkpoint(
    config: Config, *, domain: str | None, output: Path | None, signing_key: str | None
) -> None:
    key = load_signing_key(_key_path(signing_key or config.signing_key))
    with opened(config) as store, store.snapshot(the_domain(store, domain)) as reader:
        lines = make_checkpoint(reader, key, program=program(), made_on=now_micros())
        if output is None or output == _PIPE:
            for line in lines:
                click.echo(line, nl=False)
            return
        _write(output, lines)
        position = reader.head.position
    click.echo(f"{output}: {position} entries, signed by {key.public_key}", err=True)


def _key_path(name: str) -> Path:
    if not name:
        text = (
            "there is no key to sign with: make one with caseledger signing-key "
            "create FILE, and name it with --signing-key or CASELEDGER_SIGNING_KEY"
        )
        raise Untrusted(text)
    return Path(name)


def _write(path: Path, lines: Iterable[bytes]) -> None:
    """Write a new file, whole or not at all.

    An older checkpoint is never written over: it may be the last one that is true.
    """
    try:
        file = path.open("xb")
    except FileExistsError:
        text = f"{path} is there already, and stays as it is"
        raise Untrusted(text) from None
    try:
        with file:
            file.writelines(lines)
    except BaseException:
        path.unlink()
        raise
