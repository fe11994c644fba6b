"""``caseledger backup`` and ``caseledger restore``: all domains in one file."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click

from api.cli.database import opened, prepare, unchecked
from api.cli.new_file import new_file, sent_at_the_end
from api.cli.output import Output, Record
from api.cli.progress import progress
from api.config import Config
from api.release import release
from ledger.backup.format import BackupReader, BadBackup, LogHead, check_file
from ledger.backup.load import domains_without_tables, load_backup
from ledger.backup.write import write_backup
from ledger.store import Store
from projections.rebuild.replay import replay

_PIPE = Path("-")
_SHOWN_DIGITS = 16


def backup(config: Config, *, file: Path, out: Output) -> None:
    with opened(config) as store, _output(file) as to, progress("backup") as tell:
        heads = write_backup(store, to, program=release(), progress=tell)
    if file == _PIPE:
        for line in _lines(heads):
            click.echo(line, err=True)
    else:
        out.document(_document(heads), _lines(heads))


def restore(config: Config, *, file: Path, workers: int, out: Output) -> None:
    with _input(file) as stream:
        source = BackupReader(stream)
        prepare(config)
        with unchecked(config) as store:
            with progress("restore") as tell:
                heads = load_backup(store, source, progress=tell)
            _build(store, workers)
    out.document(_document(heads), _lines(heads))


def _build(store: Store, workers: int) -> None:
    """Make every domain readable that is not; each is done or not done."""
    for domain in store.look(domains_without_tables):
        with progress(domain) as tell:
            replay(store, domain, workers=workers, progress=tell)


def _lines(heads: Iterable[LogHead]) -> list[str]:
    lines = [
        f"ok {head.domain}: {head.position} entries; head {head.digest[:_SHOWN_DIGITS]}"
        for head in heads
    ]
    return lines or ["ok: there is no domain"]


def _document(heads: Iterable[LogHead]) -> Record:
    return {
        "domains": [
            {"domain": head.domain, "entries": head.position, "head": head.digest}
            for head in heads
        ]
    }


@contextmanager
def _output(file: Path) -> Iterator[BinaryIO]:
    """Yield where to write; raises ``Conflict`` when the file is there already."""
    if file != _PIPE:
        with new_file(file) as out:
            yield out
        return
    if sys.stdout.isatty():
        raise click.UsageError("a backup is no text for a terminal: give a FILE")
    with sent_at_the_end() as out:
        yield out


@contextmanager
def _input(file: Path) -> Iterator[BinaryIO]:
    """Yield a file that is whole, or a pipe, of which only its end can tell that.

    Raises ``BadBackup``.
    """
    if file == _PIPE:
        yield sys.stdin.buffer
        return
    with file.open("rb") as source:
        try:
            check_file(source)
        except BadBackup as error:
            raise BadBackup(f"{file}: {error}") from None
        source.seek(0)
        yield source
