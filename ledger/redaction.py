"""What an erasure leaves of a form: who sent it, and all it says of other cases. Pure.

Answers to questions go, whatever they are about; of the erased cases only their ids
and the kinds of what was done to them stay, so that a replay touches the same cases
and every other case folds as before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

from lxml import etree

from ledger.casexml import case_elements
from ledger.errors import Malformed
from ledger.form import LEDGER_NS
from ledger.xml import Element, children_of, local_name, own_text, parse_xml, to_bytes

_META: Final = frozenset({"meta", "Meta"})
_META_KEPT: Final = frozenset(
    {
        "instanceID",
        "userID",
        "username",
        "deviceID",
        "timeStart",
        "timeEnd",
        "appVersion",
        "uid",
        "user_id",
    }
)
_BLOCK_KEPT: Final = frozenset({"case_id", "user_id", "date_modified"})
_INDEX_KEPT: Final = frozenset({"case_type", "relationship"})
_SHORTEST: Final = 4
"""Characters from which on a text tells something about somebody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redaction:
    """A form without what is erased.

    ``texts`` are the values that went. ``kept_files`` are the names of attachments
    that other cases of the form refer to.
    """

    body: bytes
    texts: frozenset[str]
    kept_files: frozenset[str]


def redact(body: bytes, case_ids: Collection[str]) -> Redaction | None:
    """Return a form without what it says of these cases.

    ``None`` when no case block of it is about one of them. Bytes that are no XML but
    name one are emptied.
    """
    try:
        root = parse_xml(body)
    except Malformed:
        return _emptied(body, case_ids)
    blocks = list(case_elements(root))
    others = [block for block in blocks if _named(block) not in case_ids]
    if len(others) == len(blocks):
        return None
    left = _bare(root, keep=root.attrib.keys())
    left.extend(_metas(root))
    left.extend(_stripped(block, case_ids) for block in blocks)
    left.extend(
        deepcopy(found) for found in root.iter(f"{{{LEDGER_NS}}}*") if _top(found)
    )
    return Redaction(
        body=to_bytes(left),
        texts=_texts(root) - _texts(left),
        kept_files=frozenset(_sources(others)),
    )


def _emptied(body: bytes, case_ids: Collection[str]) -> Redaction | None:
    if not any(case_id.encode() in body for case_id in case_ids):
        return None
    words = body.decode("utf-8", "replace").replace("<", " ").replace(">", " ").split()
    texts = frozenset(word for word in words if len(word) >= _SHORTEST)
    return Redaction(body=b"", texts=texts, kept_files=frozenset())


def _named(block: Element) -> str | None:
    """Return the case that a block is about, also in the way of version 1."""
    old = block.find("{*}case_id")
    return block.get("case_id") or (None if old is None else own_text(old))


def _metas(root: Element) -> Iterator[Element]:
    """Yield who sent the form and when, without where they stood."""
    for child in root:
        if local_name(child) in _META:
            meta = _bare(child)
            for field in children_of(child):
                if local_name(field) in _META_KEPT:
                    meta.append(_bare(field))
                    meta[-1].text = field.text
            yield meta


def _stripped(block: Element, case_ids: Collection[str]) -> Element:
    """Return a case block as it is, or the shell of one that is erased."""
    if _named(block) not in case_ids:
        copy = deepcopy(block)
        copy.tail = None
        return copy
    shell = _bare(block, keep=_BLOCK_KEPT)
    for action in children_of(block):
        shell.append(_bare(action))
        shell[-1].extend(_left_of(action))
    return shell


def _left_of(action: Element) -> Iterator[Element]:
    """Yield what stays inside an action: enough to tell that it was one."""
    name = local_name(action)
    if name == "create":
        yield from _created(action)
    elif name in {"index", "attachment"}:
        for child in children_of(action):
            yield _bare(child, keep=_INDEX_KEPT)


def _created(action: Element) -> Iterator[Element]:
    """Yield the type that a case was made with, empty if it was made with none."""
    for child in children_of(action):
        if local_name(child) == "case_type":
            kept = _bare(child)
            kept.text = child.text
            yield kept
            return
    if len(action):
        yield etree.Element(etree.QName(etree.QName(action).namespace, "case_type"))


def _bare(element: Element, *, keep: Collection[Any] = ()) -> Element:
    """Return an element with its name alone, and these of its attributes."""
    kept: Any = {n: value for n, value in element.attrib.items() if n in keep}
    nsmap: Any = element.nsmap
    return etree.Element(element.tag, kept, nsmap=nsmap)


def _top(element: Element) -> bool:
    """Tell whether a ledger block stands in no other."""
    parent = element.getparent()
    return parent is None or etree.QName(parent).namespace != LEDGER_NS


def _sources(blocks: Collection[Element]) -> Iterator[str]:
    for block in blocks:
        for element in block.iter("{*}attachment"):
            for child in children_of(element):
                source = child.get("src")
                if source:
                    yield source


def _texts(root: Element) -> frozenset[str]:
    """Return every text of a form that is long enough to tell something."""
    found: set[str] = set()
    for element in root.iter():
        found.update(str(value) for value in element.attrib.values())
        found.update((element.text or "", element.tail or ""))
    return frozenset(t for t in map(str.strip, found) if len(t) >= _SHORTEST)
