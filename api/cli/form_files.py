"""The forms that a command is to read: in files, folders, archives and a pipe.

Devices put a form into a folder with its pictures. So what stands beside a form in a
folder or an archive comes with it: what it names, and all of it where it is the only
form there. Of the files beside one that was named itself, only those that it names.
"""

from __future__ import annotations

import lzma
import sys
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from mimetypes import MimeTypes
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from api.receiver.limits import MAX_ATTACHMENT, MAX_FORM, TOO_LARGE
from ledger.entry import Upload
from ledger.errors import LedgerError, Malformed
from ledger.forms.xml import parse_xml

STANDARD_INPUT = Path("-")

_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError)
"""What is raised of archives that are cut, altered, encrypted or of another kind."""

_NOT_OPENED = (OSError, *_DAMAGED)
_OF_SYSTEMS = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", ".ds_store"})
_TYPES = MimeTypes(filenames=())
_ANY_TYPE = "application/octet-stream"


class FormTooLarge(LedgerError):
    """A form is longer than the receiver takes."""


class UnreadableForm(LedgerError):
    """A form, or a file that came with it, cannot be had out of its archive."""


class _File(NamedTuple):
    """A file of a folder or an archive: its path there, its name for people."""

    path: PurePosixPath
    name: str
    length: int
    open: Callable[[], IO[bytes]]

    @property
    def is_form(self) -> bool:
        """Tell whether it is a form, by the ending of its name."""
        return self.path.suffix.lower() == ".xml"


class Beside:
    """The files that stand beside forms, and which of them came with one."""

    def __init__(self, files: Iterable[_File] = (), *, with_any: bool = False) -> None:
        """Keep the files; ``with_any`` says that a form need not name its own."""
        self._files = {_key(file.path.name): file for file in files}
        self._with_any = with_any
        self._taken: set[str] = set()
        self._why: dict[str, str] = {}

    def of(self, body: bytes) -> list[Upload]:
        """Return the files that come with a form, those that it names under its name.

        Raises ``UnreadableForm`` and ``OSError``.
        """
        if not self._files:
            return []
        named = {_key(name): name for name in _names_in(body)}
        loose = {key.casefold(): name for key, name in named.items()}
        found = []
        for key, file in self._files.items():
            name = named.get(key) or loose.get(key.casefold())
            if name is None and self._with_any:
                name = file.path.name
            if name is None or key in self._why:
                continue
            if file.length > MAX_ATTACHMENT:
                self._why[key] = "it exceeds 15MB"
                continue
            self._taken.add(key)
            found.append(_upload(name, file))
        return found

    def left(self) -> Iterator[tuple[str, str]]:
        """Yield the files that came with no form, and why."""
        for key, file in self._files.items():
            if key not in self._taken:
                yield file.name, self._why.get(key, "no form beside it names it")


class FoundForm(NamedTuple):
    """Where a form was found, how its bytes are had, and the files beside it.

    ``read`` raises ``FormTooLarge``, ``UnreadableForm`` and ``OSError``. Of a member of
    an archive, both must be asked before the next form is found.
    """

    name: str
    read: Callable[[], bytes]
    beside: Beside


def _no_left(_name: str, _why: str) -> None:
    """Tell nobody of a file that is left out."""


def find_forms(
    paths: Iterable[Path], *, left_out: Callable[[str, str], None] = _no_left
) -> Iterator[FoundForm]:
    """Yield the forms of files, folders and archives, in the order of their names.

    ``left_out`` hears of files of a folder or an archive that came with no form.
    """
    for path in paths:
        if path == STANDARD_INPUT:
            yield FoundForm("-", partial(_input, "-"), Beside())
        elif path.is_dir():
            files = (_on_disk(found, path) for found in _walk(path))
            yield from _grouped(files, left_out)
        elif path.suffix.lower() == ".zip":
            yield from _members(path, left_out)
        else:
            yield _alone(path)


def _alone(path: Path) -> FoundForm:
    around: list[_File] = []
    with suppress(OSError):
        around = [
            _on_disk(found, path.parent)
            for found in sorted(path.parent.iterdir())
            if found.is_file() and found != path
        ]
    beside = Beside(file for file in around if not _is_of_system(file.path))
    return FoundForm(str(path), partial(_open, path), beside)


def _walk(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _on_disk(path: Path, folder: Path) -> _File:
    return _File(
        PurePosixPath(path.relative_to(folder).as_posix()),
        str(path),
        path.stat().st_size,
        lambda: path.open("rb"),
    )


def _grouped(
    files: Iterable[_File], left_out: Callable[[str, str], None]
) -> Iterator[FoundForm]:
    """Yield the forms of all folders, each with what stands in the same one."""
    found = [file for file in files if not _is_of_system(file.path)]
    forms = [file for file in found if file.is_form]
    alone = Counter(form.path.parent for form in forms)
    others: dict[PurePosixPath, list[_File]] = {}
    for file in found:
        if not file.is_form:
            others.setdefault(file.path.parent, []).append(file)
    beside = {
        folder: Beside(inside, with_any=alone[folder] == 1)
        for folder, inside in others.items()
    }
    for form in forms:
        files_of = beside.get(form.path.parent, Beside())
        yield FoundForm(form.name, partial(_read, form), files_of)
    for files_of in beside.values():
        for name, why in files_of.left():
            left_out(name, why)


def _members(path: Path, left_out: Callable[[str, str], None]) -> Iterator[FoundForm]:
    try:
        with zipfile.ZipFile(path) as archive:
            infos = sorted(archive.infolist(), key=lambda info: info.filename)
            files = (
                _File(
                    PurePosixPath(info.filename),
                    f"{path}:{info.filename}",
                    info.file_size,
                    partial(archive.open, info),
                )
                for info in infos
                if not info.is_dir()
            )
            yield from _grouped(files, left_out)
    except _NOT_OPENED as error:
        yield FoundForm(str(path), partial(_refuse, path, error), Beside())


def _is_of_system(path: PurePosixPath) -> bool:
    """Tell whether a system put a file into a folder or an archive for itself."""
    name = path.name.lower()
    return "__MACOSX" in path.parts or name.startswith("._") or name in _OF_SYSTEMS


def _key(name: str) -> str:
    """Return what two ways to write the name of a file have in common."""
    return unicodedata.normalize("NFC", name)


def _names_in(body: bytes) -> set[str]:
    """Return every text of a form that may be the name of a file."""
    try:
        root = parse_xml(body)
    except Malformed:
        return set()
    texts = {(element.text or "").strip() for element in root.iter()}
    for element in root.iter():
        texts.update(str(value).strip() for value in element.attrib.values())
    return texts - {""}


def _upload(name: str, file: _File) -> Upload:
    content_type = _TYPES.guess_type(name)[0] or _ANY_TYPE
    return Upload(name=name, content_type=content_type, content=_all_of(file))


def _all_of(file: _File, most: int = MAX_ATTACHMENT) -> bytes:
    """Return the bytes of a file, one more than ``most`` at the most."""
    try:
        with file.open() as opened:
            return opened.read(most + 1)
    except _NOT_OPENED as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        # Some of what unpacks says OSError of bytes that are wrong.
        raise UnreadableForm(f"{file.name} cannot be read: {_why(error)}") from None


def _open(path: Path) -> bytes:
    with path.open("rb") as file:
        return _bounded(str(path), file.read(MAX_FORM + 1))


def _input(name: str) -> bytes:
    return _bounded(name, sys.stdin.buffer.read(MAX_FORM + 1))


def _read(file: _File) -> bytes:
    return _bounded(file.name, _all_of(file, MAX_FORM))


def _refuse(path: Path, error: Exception) -> bytes:
    if isinstance(error, OSError):
        raise error
    text = f"{path} is no zip archive: {_why(error)}"
    raise UnreadableForm(text)


def _why(error: Exception) -> str:
    """Return the text of an error, or its name where it has none."""
    return str(error) or type(error).__name__


def _bounded(name: str, body: bytes) -> bytes:
    """Return the bytes of a form; raises ``FormTooLarge`` for too many."""
    if len(body) > MAX_FORM:
        raise FormTooLarge(f"{name}: {TOO_LARGE}")
    return body
