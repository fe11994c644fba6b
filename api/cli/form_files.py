"""The forms that a command line names: files, folders, archives, standard input."""

from __future__ import annotations

import sys
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, NamedTuple

from ledger.errors import LedgerError

STANDARD_INPUT = Path("-")
TOO_LARGE = "Form exceeds 10MB size limit"

_LARGEST = 10 * 1024 * 1024
_DAMAGED = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError)
"""What is raised of archives that are cut, altered, encrypted or of another kind."""

_NOT_OPENED = (OSError, *_DAMAGED)


class FormTooLarge(LedgerError):
    """A form is longer than the receiver takes."""


class UnreadableForm(LedgerError):
    """A form cannot be had out of its archive."""


class FoundForm(NamedTuple):
    """Where a form was found, and how its bytes are had.

    ``read`` raises ``FormTooLarge``, ``UnreadableForm`` and ``OSError``; of a member of
    an archive it must be called before the next form is found.
    """

    name: str
    read: Callable[[], bytes]


def find_forms(paths: Iterable[Path]) -> Iterator[FoundForm]:
    """Yield the forms of files, folders and archives, in the order of their names."""
    for path in paths:
        if path == STANDARD_INPUT:
            yield FoundForm("-", partial(_input, "-"))
        elif path.is_dir():
            yield from map(_file, sorted(path.rglob("*.xml")))
        elif path.suffix.lower() == ".zip":
            yield from _members(path)
        else:
            yield _file(path)


def _file(path: Path) -> FoundForm:
    return FoundForm(str(path), partial(_open, path))


def _open(path: Path) -> bytes:
    with path.open("rb") as file:
        return _bounded(str(path), file)


def _input(name: str) -> bytes:
    return _bounded(name, sys.stdin.buffer)


def _members(path: Path) -> Iterator[FoundForm]:
    try:
        with zipfile.ZipFile(path) as archive:
            for info in sorted(archive.infolist(), key=lambda info: info.filename):
                if not info.is_dir() and info.filename.lower().endswith(".xml"):
                    name = f"{path}:{info.filename}"
                    yield FoundForm(name, partial(_member, archive, info, name=name))
    except _NOT_OPENED as error:
        yield FoundForm(str(path), partial(_refuse, path, error))


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, *, name: str) -> bytes:
    try:
        with archive.open(info) as file:
            return _bounded(name, file)
    except _DAMAGED as error:
        text = f"{name} cannot be read: {error}"
        raise UnreadableForm(text) from None


def _refuse(path: Path, error: Exception) -> bytes:
    if isinstance(error, OSError):
        raise error
    text = f"{path} is no zip archive: {error}"
    raise UnreadableForm(text)


def _bounded(name: str, file: IO[bytes]) -> bytes:
    """Return what a file holds, and read no further than a form may go."""
    body = file.read(_LARGEST + 1)
    if len(body) > _LARGEST:
        raise FormTooLarge(f"{name}: {TOO_LARGE}")
    return body
