"""The records of an XML document, of which one is held at a time.

The rules are those of ``ledger/forms/xml.py``: no entities, no network, no DOCTYPE.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, cast

from lxml import etree

from ledger.forms.xml import Element, children_of, local_name

_RULES: Final[dict[str, Any]] = {
    "events": ("start", "end"),
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "huge_tree": False,
    "remove_comments": True,
    "remove_pis": True,
}


MOST_ELEMENTS = 1_000_000
"""How many elements a record may have inside."""


class BadXml(ValueError):
    """The bytes are not well-formed, or bring a DOCTYPE."""


def xml_records(
    path: Path,
    read: Callable[[Element], dict[str, str]],
    *,
    whole: bool,
    most: int = MOST_ELEMENTS,
) -> Iterator[tuple[dict[str, str], int | None]]:
    """Yield each child of the root as a record, or the root alone, with its line.

    Raises ``BadXml``, behind the records that are good; for one with more elements than
    ``most``, too.
    """
    try:
        with path.open("rb") as file:
            events = etree.iterparse(file, **_RULES)
            yield from _records(events, read, 0 if whole else 1, most)
    except (etree.LxmlError, ValueError, LookupError) as error:
        raise BadXml(" ".join(str(error).split())) from None


def _records(
    events: Iterable[tuple[str, Element]],
    read: Callable[[Element], dict[str, str]],
    wanted: int,
    most: int,
) -> Iterator[tuple[dict[str, str], int | None]]:
    depth = inside = 0
    for event, element in events:
        if event == "start":
            if depth == 0:
                _refuse_doctype(element)
            depth += 1
            inside += 1
            if inside > most:
                where = f"(line {element.sourceline})"
                raise BadXml(f"a record has more than {most} elements {where}")
            continue
        depth -= 1
        if depth == wanted:
            inside = 0
            yield read(element), cast("int | None", element.sourceline)
            _forget(element)


def texts_of(element: Element) -> dict[str, str]:
    """Return the text of each child by its local name; of one name the last."""
    return {local_name(child): _text(child) for child in children_of(element)}


def attributes_of(element: Element) -> dict[str, str]:
    """Return the attributes of an element by local name."""
    return {str(n).rpartition("}")[2]: str(v) for n, v in element.attrib.items()}


def _text(element: Element) -> str:
    return "".join(map(str, element.itertext()))


def _refuse_doctype(root: Element) -> None:
    if root.getroottree().docinfo.internalDTD is not None:
        raise BadXml("DOCTYPE is not allowed")


def _forget(element: Element) -> None:
    """Free a record and whatever stands before it."""
    parent = element.getparent()
    element.clear()
    while parent is not None and element.getprevious() is not None:
        del parent[0]
