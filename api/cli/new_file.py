"""A file that a command writes: whole under its name, or not there at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import BinaryIO

import click

from ledger.errors import Conflict

_ONLY_OWNER = 0o600


class NewFile(click.Path):
    """A file that is to be made; ``-`` is none, so nobody gets a file of that name."""

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str | bytes | os.PathLike[str]:
        """Return the path; a usage error for standard output."""
        if os.fspath(value) == "-":
            self.fail("it cannot go to standard output: name a file", param, ctx)
        return super().convert(value, param, ctx)


NEW_FILE = NewFile(dir_okay=False, path_type=Path)


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """Yield a file that gets its name once everything is in it and on the disk.

    Only its owner can read it. Raises ``Conflict`` when the file is there already.
    """
    _refuse_existing(path)
    unfinished = path.with_name(f"{path.name}.partial")
    out = _create(unfinished)
    try:
        with out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        _refuse_existing(path)
        unfinished.rename(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


@contextmanager
def sent_at_the_end() -> Iterator[BinaryIO]:
    """Yield a file that goes to standard output once everything is in it.

    Who reads from a pipe may be slow, and must not hold up the database by that.
    """
    with TemporaryFile() as spool:
        yield spool
        spool.seek(0)
        copyfileobj(spool, sys.stdout.buffer)
    sys.stdout.buffer.flush()


def _refuse_existing(path: Path) -> None:
    # A link that leads nowhere is there, too.
    if path.exists() or path.is_symlink():
        raise Conflict(f"the file '{path}' is there already")


def _create(path: Path) -> BinaryIO:
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _ONLY_OWNER)
    except FileExistsError:
        raise Conflict(
            f"'{path}' is there already: another command is writing it, or one was "
            f"killed and it can be removed"
        ) from None
    return os.fdopen(descriptor, "wb")


def _sync_folder(path: Path) -> None:
    """Have the new name survive a loss of power as well."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
