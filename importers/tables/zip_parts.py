"""The zip that an .xlsx or .ods is, looked at before any parser opens it.

A zip tells the sizes of its parts beforehand, and both formats need no DOCTYPE, so
bombs are refused by what they say of themselves (``rules/excel-import.md`` 16).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any, BinaryIO, TypeVar
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile, ZipInfo

from importers.tables.unreadable import Limits, Reason, Unreadable

_BROKEN = (
    BadZipFile,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
    expat.ExpatError,
    zlib.error,
)
"""What reading a part raises when its bytes are wrong."""

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""How an encrypted .xlsx begins, and an .xls."""

LOCKED = (
    "The file you want to import is password protected. "
    "Please choose a file that is not password protected."
)
NOT_A_ZIP = "File is not a zip file"

Z = TypeVar("Z", bound=ZipFile)
_SMALL = 10_000_000
_MB = 1_000_000
_CHUNK = 1 << 16


class Package(ZipFile):
    """An archive whose parts are found as OPC names them.

    Names do not differ by case there; what writes backslashes means slashes.
    """

    def __init__(self, file: BinaryIO) -> None:
        """Read the directory. Raises ``BadZipFile``."""
        super().__init__(file)
        self._folded = {folded(name): name for name in self.NameToInfo}

    def getinfo(self, name: str) -> ZipInfo:
        """Return a part by any spelling of its name. Raises ``KeyError``."""
        if name in self.NameToInfo:
            return self.NameToInfo[name]
        return self.NameToInfo[self._folded[folded(name)]]

    def has(self, name: str) -> bool:
        """Tell whether there is a part of a name."""
        return folded(name) in self._folded

    def alias(self, name: str, part: str) -> None:
        """Have a part found under another name as well, if nothing is there."""
        self._folded.setdefault(folded(name), self.getinfo(part).filename)


def folded(name: str) -> str:
    """Return what is equal for names that mean the same part."""
    return name.replace("\\", "/").lstrip("/").lower()


def open_package(file: BinaryIO, limits: Limits) -> Package:
    """Return an archive of OPC that is no bomb. Raises ``Unreadable``."""
    archive = _opened(Package, file, limits)
    _refuse_doubles([folded(name) for name in archive.namelist()])
    return archive


def open_zip(file: BinaryIO, limits: Limits) -> ZipFile:
    """Return an archive that is no bomb. Raises ``Unreadable``."""
    return _opened(ZipFile, file, limits)


def _opened(kind: type[Z], file: BinaryIO, limits: Limits) -> Z:
    try:
        archive = kind(file)
    except BadZipFile as error:
        raise Unreadable(Reason.DAMAGED, NOT_A_ZIP) from error
    size = file.seek(0, 2)
    file.seek(0)
    most = min(limits.unpacked, max(limits.ratio * size, _SMALL))
    parts = archive.infolist()
    if len(parts) > limits.parts:
        raise Unreadable(Reason.DAMAGED, f"The file has more than {limits.parts} parts")
    if sum(part.file_size for part in parts) > most:
        raise Unreadable(
            Reason.DAMAGED, f"The file unpacks to more than {most // _MB} MB"
        )
    _check_names([part.filename for part in parts])
    if any(part.flag_bits & 1 for part in parts):
        raise Unreadable(Reason.PASSWORD, LOCKED)
    return archive


def refuse_doctypes(archive: ZipFile, others: Iterable[str] = ()) -> None:
    """Refuse XML that brings its own entities. Raises ``Unreadable``.

    ``others`` are parts that are parsed whatever they are called.
    """
    known = (n for n in archive.namelist() if n.lower().endswith((".xml", ".rels")))
    for name in dict.fromkeys((*known, *others)):
        _check_prolog(archive, name)


def parse(archive: ZipFile, name: str, handlers: dict[str, Any]) -> None:
    """Parse a part, a piece at a time. Raises ``Unreadable``."""
    parser = expat.ParserCreate()
    for event, handler in handlers.items():
        setattr(parser, event, handler)
    try:
        with archive.open(name) as part:
            parser.ParseFile(part)
    except _BROKEN as error:
        raise _damaged(name, error) from error


def _check_names(names: list[str]) -> None:
    # Nothing is unpacked to a disk; a file that tries is no spreadsheet all the same.
    _refuse_doubles(names)
    if any(".." in name.replace("\\", "/").split("/") for name in names):
        raise Unreadable(Reason.DAMAGED, "The name of a part leads out of the file")


def _refuse_doubles(names: list[str]) -> None:
    if len(set(names)) < len(names):
        raise Unreadable(Reason.DAMAGED, "The file has two parts of one name")


class _Begun(Exception):
    """A document has no DOCTYPE behind its first tag."""


def _check_prolog(archive: ZipFile, name: str) -> None:
    def doctype(*_: object) -> None:
        raise Unreadable(Reason.DAMAGED, "A part of the file has a DOCTYPE")

    def element(*_: object) -> None:
        raise _Begun

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = doctype
    parser.StartElementHandler = element
    try:
        with archive.open(name) as part:
            while piece := part.read(_CHUNK):
                parser.Parse(piece)
    except _Begun:
        return
    except _BROKEN as error:
        raise _damaged(name, error) from error


def _damaged(name: str, error: Exception) -> Unreadable:
    return Unreadable(Reason.DAMAGED, f"The part '{name}' is damaged: {error}")
