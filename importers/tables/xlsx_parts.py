"""Where the parts of an .xlsx are, as its relationships tell, and what styles mean.

The workbook may lie anywhere: the relationships of the package point at it, and its own
at its sheets (``rules/excel-import.md`` 4.1e).
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import unquote

from importers.tables.marks import Show, show_of
from importers.tables.unreadable import Reason, Unreadable
from importers.tables.zip_parts import Package, parse

_ROOT = "_rels/.rels"
_USUAL = "xl/workbook.xml"
_STYLES = "xl/styles.xml"
"""Where openpyxl looks for them."""


class Worksheet(NamedTuple):
    """Where a worksheet is, and whether it is hidden."""

    part: str
    is_hidden: bool


@dataclass(slots=True)
class Parts:
    """The parts of a workbook; ``worksheets`` by title, in its order."""

    workbook: str
    worksheets: dict[str, Worksheet] = field(default_factory=dict)
    shared_strings: str | None = None
    styles: str | None = None

    @property
    def parsed(self) -> list[str]:
        """Return the parts that are parsed, whatever they are called."""
        others = (self.shared_strings, self.styles)
        sheets = (sheet.part for sheet in self.worksheets.values())
        return [self.workbook, *filter(None, others), *sheets]


def parts_of(archive: Package) -> Parts:
    """Return where everything is; charts and macros are no worksheets.

    Raises ``Unreadable``.
    """
    workbook = _workbook(archive)
    folder, name = posixpath.split(workbook)
    relations = f"{folder}/_rels/{name}.rels".lstrip("/")
    if not (archive.has(workbook) and archive.has(relations)):
        raise Unreadable(Reason.DAMAGED, "File is not an Excel workbook")
    parts = Parts(workbook)
    targets: dict[str, str] = {}
    for kind, key, target in _relations(archive, relations, folder):
        match kind:
            case "worksheet":
                targets[key] = target
            case "sharedStrings":
                parts.shared_strings = target
            case "styles":
                parts.styles = target
    parts.worksheets.update(_worksheets(archive, workbook, targets))
    if parts.styles is not None:
        archive.alias(_STYLES, parts.styles)
    return parts


def padding_styles(archive: Package, styles: str | None) -> dict[str, Show]:
    """Return the styles of cells that show numbers with zeros, by their numbers."""
    if styles is None:
        return {}
    codes: dict[str, Show | None] = {}
    found: dict[str, Show] = {}
    inside: list[str] = []
    count = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal count
        local = _local(name)
        if local == "numFmt":
            code = attributes.get("formatCode", "")
            codes[attributes.get("numFmtId", "")] = show_of(code)
        elif local == "xf" and inside[-1:] == ["cellXfs"]:
            show = codes.get(attributes.get("numFmtId", ""))
            if show is not None:
                found[str(count)] = show
            count += 1
        inside.append(local)

    def end(_: str) -> None:
        inside.pop()

    parse(archive, styles, {"StartElementHandler": start, "EndElementHandler": end})
    return found


def _workbook(archive: Package) -> str:
    if archive.has(_ROOT):
        for kind, _, target in _relations(archive, _ROOT, ""):
            if kind == "officeDocument" and archive.has(target):
                return target
    return _USUAL


def _relations(archive: Package, name: str, folder: str) -> list[tuple[str, str, str]]:
    """Return kind, id and target of the relationships to parts that are there."""
    found = []

    def relation(element: str, attributes: dict[str, str]) -> None:
        if _local(element) != "Relationship":
            return
        kind = attributes.get("Type", "").rpartition("/")[2]
        target = attributes.get("Target", "").replace("\\", "/")
        for spelled in (target, unquote(target)):
            path = posixpath.normpath(posixpath.join("/", folder, spelled))[1:]
            if archive.has(path):
                found.append((kind, attributes.get("Id", ""), path))
                return

    parse(archive, name, {"StartElementHandler": relation})
    return found


def _worksheets(
    archive: Package, workbook: str, targets: dict[str, str]
) -> dict[str, Worksheet]:
    found: dict[str, Worksheet] = {}

    def sheet(name: str, attributes: dict[str, str]) -> None:
        if _local(name) != "sheet" or "name" not in attributes:
            return
        ids = [text for key, text in attributes.items() if _local(key) == "id"]
        if ids and ids[0] in targets:
            hidden = attributes.get("state", "visible") != "visible"
            found[attributes["name"]] = Worksheet(targets[ids[0]], hidden)

    parse(archive, workbook, {"StartElementHandler": sheet})
    return found


def _local(name: str) -> str:
    return name.rpartition(":")[2]
