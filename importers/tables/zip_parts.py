"""The zip that an .xlsx or .ods is, looked at before any parser opens it.

A zip tells the sizes of its parts beforehand, and both formats need no DOCTYPE, so
bombs are refused by what they say of themselves (``rules/excel-import.md`` 16).
"""

from __future__ import annotations

import posixpath
import zlib
from typing import Any, BinaryIO
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile

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

_WORKBOOK = "xl/workbook.xml"
_RELATIONS = "xl/_rels/workbook.xml.rels"
_SMALL = 10_000_000
_MB = 1_000_000
_CHUNK = 1 << 16


def open_zip(file: BinaryIO, limits: Limits) -> ZipFile:
    """Return an archive that is no bomb. Raises ``Unreadable``."""
    try:
        archive = ZipFile(file)
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


def refuse_doctypes(archive: ZipFile) -> None:
    """Refuse XML that brings its own entities. Raises ``Unreadable``."""
    for name in archive.namelist():
        if name.endswith((".xml", ".rels")):
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
    if len(set(names)) < len(names):
        raise Unreadable(Reason.DAMAGED, "The file has two parts of one name")
    if any(".." in name.replace("\\", "/").split("/") for name in names):
        raise Unreadable(Reason.DAMAGED, "The name of a part leads out of the file")


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


def worksheets(archive: ZipFile) -> dict[str, str]:
    """Return where each worksheet of an .xlsx is, by title in workbook order.

    Charts and macros are no worksheets. Raises ``Unreadable``.
    """
    if not {_WORKBOOK, _RELATIONS} <= set(archive.namelist()):
        raise Unreadable(Reason.DAMAGED, "File is not an Excel workbook")
    targets: dict[str, str] = {}
    found: dict[str, str] = {}

    def relation(name: str, attributes: dict[str, str]) -> None:
        is_sheet = attributes.get("Type", "").endswith("/worksheet")
        if _local(name) == "Relationship" and is_sheet:
            path = posixpath.join("/xl", attributes.get("Target", ""))
            targets[attributes.get("Id", "")] = posixpath.normpath(path)[1:]

    def sheet(name: str, attributes: dict[str, str]) -> None:
        if _local(name) != "sheet" or "name" not in attributes:
            return
        ids = [text for key, text in attributes.items() if _local(key) == "id"]
        if ids and ids[0] in targets:
            found[attributes["name"]] = targets[ids[0]]

    parse(archive, _RELATIONS, {"StartElementHandler": relation})
    parse(archive, _WORKBOOK, {"StartElementHandler": sheet})
    inside = set(archive.namelist())
    return {title: part for title, part in found.items() if part in inside}


def _local(name: str) -> str:
    return name.rpartition(":")[2]
